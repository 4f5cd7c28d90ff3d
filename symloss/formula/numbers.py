"""Every operation of the whitelist on plain numbers, for constant parts of formulas."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable


def _sigmoid(a: float) -> float:
    return 0.5 * (1.0 + math.tanh(0.5 * a))


def _softplus(a: float) -> float:
    return max(a, 0.0) + math.log1p(math.exp(-abs(a)))


def _sign(a: float) -> float:
    return float((a > 0) - (a < 0))


_NUMBERS: dict[str, Callable[..., float]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
    "pow": math.pow,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "square": lambda a: a * a,
    "abs": abs,
    "sign": _sign,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "asinh": math.asinh,
    "atan": math.atan,
    "erf": math.erf,
    "erfc": math.erfc,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "relu": lambda a: max(a, 0.0),
    "max": max,
    "min": min,
    # No formula names these two; the compiler's stable forms do.
    "expm1": math.expm1,
    "log1p": math.log1p,
}


def compute(op: str, *values: float) -> float | None:
    """Return the value of an operation on numbers, or None outside its domain or beyond a float's range."""
    try:
        result = _NUMBERS[op](*values)
    except (ValueError, OverflowError, ZeroDivisionError):
        return None
    return result if math.isfinite(result) else None
