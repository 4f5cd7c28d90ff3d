"""Every operation of the whitelist on plain numbers, for constant parts of formulas."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from decimal import Context, Decimal

from scipy import special

#: Constants are decimals (see :func:`~symloss.formula.exact`), so 0.1 + 0.2 is 0.3: exact, then rounded once.
_EXACT = Context(prec=60)
_MAX_EXACT_POWER = 16


def _exactly(operation: Callable[[Decimal, Decimal], Decimal]) -> Callable[[float, float], float]:
    """Return an arithmetic operation on the decimals that two floats are written as."""
    return lambda a, b: float(operation(Decimal(repr(a)), Decimal(repr(b))))


_add, _sub = _exactly(_EXACT.add), _exactly(_EXACT.subtract)
_mul, _div = _exactly(_EXACT.multiply), _exactly(_EXACT.divide)
_small_power = _exactly(_EXACT.power)


def _pow(a: float, b: float) -> float:
    if a != 0 and b == int(b) and abs(b) <= _MAX_EXACT_POWER:
        return _small_power(a, b)
    return math.pow(a, b)


def _sigmoid(a: float) -> float:
    decay = math.exp(-abs(a))
    return (1.0 if a >= 0 else decay) / (1.0 + decay)


def _softplus(a: float) -> float:
    return max(a, 0.0) + math.log1p(math.exp(-abs(a)))


def _number(function: Callable[[float], float]) -> Callable[[float], float]:
    """Return a function of SciPy with a plain float as its result."""
    return lambda a: float(function(a))


def _sign(a: float) -> float:
    return float((a > 0) - (a < 0))


_NUMBERS: dict[str, Callable[..., float]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "neg": operator.neg,
    "pow": _pow,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "square": lambda a: _mul(a, a),
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
    "i0": _number(special.i0),
    "i0e": _number(special.i0e),
    "i1": _number(special.i1),
    "i1e": _number(special.i1e),
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
    except (ValueError, ArithmeticError):
        return None
    return result if math.isfinite(result) else None
