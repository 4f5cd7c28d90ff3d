"""Taylor coefficients of a formula at a point, in ball arithmetic on power series."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import arb, arb_series, ctx

from symloss.formula import Formula
from symloss.symbolic.balls import PRECISION
from symloss.symbolic.proofs.program import Program, Step

Series = Any
Ball = Any


#: Terms that are carried, so that some may be lost in quotients like log(p)/(1-p); flint's own limit is 10.
_CARRIED = 10


class _Unknown(Exception):
    pass


def taylor_at_one(formula: Formula, order: int) -> list[Ball] | None:
    """Return the coefficients of ``(1-p)**k``, k = 0 to ``order``.

    Args:
        formula: in ``y_pred`` alone.
        order: the last k, at most 9.

    Returns:
        Balls; None where the formula is not known to be analytic at p = 1, or has a function without a series here.
    """
    with ctx.workprec(PRECISION):
        t = arb_series([0, 1], prec=_CARRIED)
        values: list[Series] = []
        try:
            for step in Program(formula).steps:
                values.append(_series(step, [values[place] for place in step.args], t))
        except (_Unknown, ZeroDivisionError, ValueError):
            return None
        if values[-1].prec <= order:
            return None
        result = [arb(values[-1][k]) for k in range(order + 1)]
    return result if all(value.is_finite() for value in result) else None


def _series(step: Step, args: list[Series], t: Series) -> Series:
    op = step.op
    if op == "p":
        return 1 - t
    if op == "q":
        return t
    if op == "const":
        return arb_series([arb(step.value)], prec=t.prec)
    if op == "pow" and step.value is not None and step.value.q == 1 and 0 <= step.value <= 64:
        result = arb_series([1], prec=t.prec)
        for _ in range(int(step.value)):
            result *= args[0]
        return result
    if op in _BINARY:
        return _BINARY[op](*args)
    if op not in _UNARY:
        raise _Unknown
    return _UNARY[op](args[0])


def _side(x: Series) -> int:
    """Return the sign at the point, where it does not switch there."""
    first = arb(x[0])
    if first > 0:
        return 1
    if first < 0:
        return -1
    raise _Unknown


def _sigmoid(x: Series) -> Series:
    return 1 / (1 + (-x).exp())


def _tanh(x: Series) -> Series:
    return 2 * _sigmoid(2 * x) - 1


_UNARY: dict[str, Callable[[Series], Series]] = {
    "neg": lambda x: -x,
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "sqrt": lambda x: x.sqrt(),
    "square": lambda x: x * x,
    "abs": lambda x: x * _side(x),
    "sign": lambda x: 0 * x + _side(x),
    "relu": lambda x: x if _side(x) > 0 else 0 * x,
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tan": lambda x: x.tan(),
    "sinh": lambda x: (x.exp() - (-x).exp()) / 2,
    "cosh": lambda x: (x.exp() + (-x).exp()) / 2,
    "tanh": _tanh,
    "asinh": lambda x: (x + (1 + x * x).sqrt()).log(),
    "atan": lambda x: x.atan(),
    "erf": lambda x: x.erf(),
    "erfc": lambda x: x.erfc(),
    "sigmoid": _sigmoid,
    "softplus": lambda x: (1 + x.exp()).log(),
}

_BINARY: dict[str, Callable[[Series, Series], Series]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: (b * a.log()).exp(),
    "max": lambda a, b: a if _side(a - b) > 0 else b,
    "min": lambda a, b: b if _side(a - b) > 0 else a,
}
