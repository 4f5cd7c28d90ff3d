"""Formulas as light immutable trees: the common language of grammar, symbolic core and code generation.

A formula is written in ``y_pred`` (a probability), ``y_true`` (0 or 1), decimal constants and the functions of
:data:`FUNCTIONS`. Nothing in this package imports SymPy or torch, so reading and drawing formulas is fast.
"""

from symloss.formula.fold import at_label, fold
from symloss.formula.functions import FUNCTIONS, OPERATORS, Function
from symloss.formula.parser import FormulaError, parse_formula, parse_template
from symloss.formula.tree import Y_PRED, Y_TRUE, Formula, call, constant, exact, hole
from symloss.formula.writer import to_text

__all__ = [
    "FUNCTIONS",
    "OPERATORS",
    "Y_PRED",
    "Y_TRUE",
    "Formula",
    "FormulaError",
    "Function",
    "at_label",
    "call",
    "constant",
    "exact",
    "fold",
    "hole",
    "parse_formula",
    "parse_template",
    "to_text",
]
