"""The symbolic core: expressions, response curves, identity and screens."""

from symloss.symbolic.analysis import Property, properties
from symloss.symbolic.identity import HARD_SOFTMAX, Identity, IdentityIndex, loss_id, same_loss
from symloss.symbolic.latex import to_latex
from symloss.symbolic.mathml import to_mathml
from symloss.symbolic.proofs import Certificate, Witness, certify
from symloss.symbolic.response import response_curves, scale_to_cross_entropy
from symloss.symbolic.screens import SCREENS, Screener, Verdict, normalised_curves
from symloss.symbolic.simplify import reduce_formula, simplify
from symloss.symbolic.sympy_bridge import ExpressionError, from_sympy, parse_expression, to_sympy
from symloss.symbolic.worker import canonical, displayed_form

__all__ = [
    "HARD_SOFTMAX",
    "SCREENS",
    "Certificate",
    "ExpressionError",
    "Identity",
    "IdentityIndex",
    "Property",
    "Screener",
    "Verdict",
    "Witness",
    "canonical",
    "certify",
    "displayed_form",
    "from_sympy",
    "loss_id",
    "normalised_curves",
    "parse_expression",
    "properties",
    "reduce_formula",
    "response_curves",
    "same_loss",
    "scale_to_cross_entropy",
    "simplify",
    "to_latex",
    "to_mathml",
    "to_sympy",
]
