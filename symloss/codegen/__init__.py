"""From a formula to torch: the loss module, and exported code."""

from symloss.codegen.coupled import CoupledLoss
from symloss.codegen.evaluate import Program, compile_tree
from symloss.codegen.export import export_json, export_latex, export_sympy
from symloss.codegen.export_torch import export_torch, export_torch_coupled
from symloss.codegen.loss import Loss, as_formula
from symloss.codegen.split import hard_forms, soft_form

__all__ = [
    "CoupledLoss",
    "Loss",
    "Program",
    "as_formula",
    "compile_tree",
    "export_json",
    "export_latex",
    "export_sympy",
    "export_torch",
    "export_torch_coupled",
    "hard_forms",
    "soft_form",
]
