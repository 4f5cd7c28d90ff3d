"""The symbolic core: expressions, response curves, identity and screens."""

from symloss.symbolic.certificate import Certificate, certify
from symloss.symbolic.identity import IdentityIndex, loss_id
from symloss.symbolic.latex import to_latex
from symloss.symbolic.response import response_curves, scale_to_cross_entropy
from symloss.symbolic.screens import SCREENS, Screener, Verdict
from symloss.symbolic.simplify import reduce_formula, simplify
from symloss.symbolic.sympy_bridge import ExpressionError, from_sympy, parse_expression, to_sympy

__all__ = [
    "SCREENS",
    "Certificate",
    "ExpressionError",
    "IdentityIndex",
    "Screener",
    "Verdict",
    "certify",
    "from_sympy",
    "loss_id",
    "parse_expression",
    "reduce_formula",
    "response_curves",
    "scale_to_cross_entropy",
    "simplify",
    "to_latex",
    "to_sympy",
]
