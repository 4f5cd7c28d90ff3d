"""Formulas that cannot have a pole or a domain gap inside (0, 1), told from how they are written, in microseconds."""

from __future__ import annotations

from symloss.formula import Formula
from symloss.formula.tree import HAS_PRED

#: Functions that are analytic everywhere.
_ENTIRE = frozenset(
    {"add", "sub", "mul", "neg", "exp", "square", "sin", "cos", "sinh", "cosh", "tanh", "asinh", "atan"}
)
_SMOOTH = _ENTIRE | {"erf", "erfc", "sigmoid", "softplus", "i0", "i1"}
_POSITIVE = frozenset({"exp", "cosh", "sigmoid", "softplus", "i0", "i0e", "erfc"})


def is_regular(formula: Formula) -> bool:
    """Whether the formula is proven analytic in p inside (0, 1), for y in {0, 1}. False only means: not known.

    Logarithms, roots, powers and quotients must be of what is positive by its form, such as ``1 + exp(a)``.
    """
    op, args = formula.op, formula.args
    if not args or not formula.leaves & HAS_PRED:
        return True
    if op in _SMOOTH:
        return all(map(is_regular, args))
    if op in ("log", "sqrt"):
        return sign_by_form(args[0]) == 2 and is_regular(args[0])
    if op == "div":
        return abs(sign_by_form(args[1])) == 2 and all(map(is_regular, args))
    if op == "pow":
        base, exponent = args
        if isinstance(exponent.value, float) and exponent.value >= 0 and exponent.value == int(exponent.value):
            return is_regular(base)
        return sign_by_form(base) == 2 and all(map(is_regular, args))
    return False


def sign_by_form(node: Formula) -> int:
    """Return 2 for a positive node, 1 for one that is not negative, -2 and -1 likewise, and 0 where it is not known."""
    op, args = node.op, node.args
    if op == "const":
        value = node.value
        assert isinstance(value, float)
        return 2 if value > 0 else -2 if value < 0 else 1
    if op == "y_pred":
        return 2
    if op == "y_true":
        return 1
    if op in _POSITIVE:
        return 2
    if op in ("max", "min"):
        if op == "min" and any(arg.op == "const" and arg.value == 0 for arg in args):
            return -1
        low, high = sorted((sign_by_form(args[0]), sign_by_form(args[1])))
        if op == "max":  # one argument that is not negative is enough, or both are negative
            return high if low * high != 0 or high > 0 else 0
        return low if low * high != 0 or low < 0 else 0
    if op in ("square", "abs", "relu"):
        return max(1, abs(sign_by_form(args[0]))) if op != "relu" else max(1, sign_by_form(args[0]))
    if op == "neg":
        return -sign_by_form(args[0])
    if op == "sqrt":
        return max(1, sign_by_form(args[0]))
    if op == "pow":
        if args[1].value == 2.0:
            return max(1, abs(sign_by_form(args[0])))
        return 2 if sign_by_form(args[0]) == 2 else 0
    if op == "sub" and args[0].value == 1.0 and args[1].op == "y_pred":
        return 2
    if op in ("add", "sub"):
        a, b = sign_by_form(args[0]), sign_by_form(args[1]) * (1 if op == "add" else -1)
        return (max(a, b, key=abs)) if a * b > 0 else 0
    if op in ("mul", "div"):
        a, b = sign_by_form(args[0]), sign_by_form(args[1])
        if op == "div" and abs(b) != 2:
            return 0
        product = a * b
        size = 2 if abs(product) == 4 else 1
        return 0 if not product else size if product > 0 else -size
    return 0
