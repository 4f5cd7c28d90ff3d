"""Formulas drawn at random over the whole whitelist, and their values by mpmath."""

from collections.abc import Callable

import mpmath
import pytest
from hypothesis import strategies as st

from symloss.formula import FUNCTIONS, OPERATORS, Y_PRED, Y_TRUE, Formula, call, constant, exact

_OPERATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "neg": lambda a: -a,
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sqrt": mpmath.sqrt,
    "square": lambda a: a * a,
    "abs": mpmath.fabs,
    "sign": mpmath.sign,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "asinh": mpmath.asinh,
    "atan": mpmath.atan,
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "i0": lambda a: mpmath.besseli(0, a),
    "i0e": lambda a: mpmath.exp(-abs(a)) * mpmath.besseli(0, a),
    "i1": lambda a: mpmath.besseli(1, a),
    "i1e": lambda a: mpmath.exp(-abs(a)) * mpmath.besseli(1, a),
    "i2": lambda a: mpmath.besseli(2, a),  # in derivatives only
    "i2e": lambda a: mpmath.exp(-abs(a)) * mpmath.besseli(2, a),
    "i3": lambda a: mpmath.besseli(3, a),
    "sigmoid": lambda a: 1 / (1 + mpmath.exp(-a)),
    "softplus": lambda a: mpmath.log1p(mpmath.exp(a)),
    "relu": lambda a: max(a, mpmath.mpf(0)),
    "max": max,
    "min": min,
}


def _nodes(children):
    known = [*OPERATORS.values(), *FUNCTIONS.values()]
    return st.sampled_from(known).flatmap(
        lambda function: st.tuples(*[children] * function.arity).map(lambda args: call(function.name, *args))
    )


@pytest.fixture(scope="session")
def formulas():
    """A strategy of formulas in y_pred, y_true and decimals of moderate size."""
    numbers = st.decimals(-9, 9, places=2).map(lambda number: constant(float(number)))
    leaves = st.one_of(st.just(Y_PRED), st.just(Y_TRUE), numbers)
    return st.recursive(leaves, _nodes, max_leaves=12)


class Tame(Exception):
    """A value that is not real, or so large or small that rounding of a constant may show."""


@pytest.fixture(scope="session")
def reference() -> Callable[..., mpmath.mpf]:
    """The value of a formula at 40 digits; raises Tame where rounded constants may show. `plain` takes all values."""

    def value(node: Formula, p: float, y: float, tame: bool) -> mpmath.mpf:
        if node.op == "const":
            number = exact(node.value)
            return mpmath.mpf(number.numerator) / number.denominator
        if not node.args:
            return mpmath.mpf(p if node.op == "y_pred" else y)
        args = [value(arg, p, y, tame) for arg in node.args]
        if node.op == "pow" and args[0] < 0 and args[1] != int(args[1]):
            raise Tame
        if node.op in ("log", "sqrt") and args[0] < 0:
            raise Tame
        if node.op == "log" and args[0] == 0:
            raise Tame
        try:
            result = _OPERATIONS[node.op](*args)
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise Tame from error
        if not mpmath.isfinite(result) or (tame and result != 0 and not 1e-3 < abs(result) < 1e3):
            raise Tame
        return result

    def at_40_digits(node: Formula, p: float, y: float) -> mpmath.mpf:
        with mpmath.workdps(40):
            return value(node, p, y, True)

    def plain(node: Formula, p: float = 0.5, y: float = 1.0) -> mpmath.mpf:
        with mpmath.workdps(40):
            return value(node, p, y, False)

    at_40_digits.Tame = Tame
    at_40_digits.plain = plain
    at_40_digits.raw = lambda node, p, y: value(node, p, y, False)
    return at_40_digits
