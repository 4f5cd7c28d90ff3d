"""Value and derivative of a formula over arrays of probabilities, by forward-mode differentiation of its tree.

One pass over the tree costs a few numpy calls a node and needs no generated code, which is what lets thousands of
candidates a second be screened.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from symloss.errors import SymlossError
from symloss.formula import Formula, at_label
from symloss.formula.tree import HAS_CONST

#: A float or an array that broadcasts over ``[2, G]``; a derivative of ``None`` is zero everywhere.
Value = Any
Dual = tuple[Value, Value | None]

_LABELS = {
    np.dtype(kind).char: np.array([[0.0], [1.0]], dtype=kind) for kind in (np.float32, np.float64, np.longdouble)
}
_TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)


class Memory(dict[Formula, Dual]):
    """What small parts of formulas are on one grid: most draws of a grammar share them.

    It holds parts without constants only, as a constant that was drawn hardly ever comes again.

    Args:
        entries: how many parts are kept.
    """

    #: The largest part that is kept, in nodes.
    LARGEST = 7

    def __init__(self, entries: int) -> None:
        super().__init__()
        self.entries = entries


def evaluate(formula: Formula, p: np.ndarray, q: np.ndarray, y: Value, memory: Memory | None = None) -> Dual:
    """Return ``(L, dL/dp)`` at probabilities ``p``; overflow and domain errors become inf and nan.

    Args:
        formula: in ``y_pred`` and ``y_true``.
        p: ``[G]``, probabilities in (0, 1).
        q: ``[G]``, ``1 - p`` to full relative precision, used wherever the formula writes ``1 - y_pred``.
        y: labels, broadcastable against ``p``: a float, or ``[[1.], [0.]]`` for both labels at once.
        memory: of earlier calls with the same ``p``, ``q`` and ``y``.
    """
    with np.errstate(all="ignore"):
        return _evaluate(formula, p, q, y, memory)


def evaluate_labels(
    formula: Formula, p: np.ndarray, q: np.ndarray, memory: Memory | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(L, dL/dp)``, each ``[2, G]``: first at y = 0, then at y = 1.

    A term times y_true is zero at y = 0 whatever the term is there, so that ``y_true*log(y_true/y_pred)`` has values.

    Args:
        formula, p, q, memory: as for :func:`evaluate`.
    """
    result = np.empty((2, 2, p.size), p.dtype)
    values, slopes = result
    with np.errstate(all="ignore"):
        value, slope = _evaluate(formula, p, q, _LABELS[p.dtype.char], memory)
        values[...] = value
        slopes[...] = 0.0 if slope is None else slope
        total = float(result.sum())  # nan if one is, or if infinities cancel
    if total != total:
        lost = np.isnan(result).any(axis=(0, 2))
        for label in np.flatnonzero(lost):
            try:
                plain = at_label(formula, int(label))
            except SymlossError:
                continue  # a term without y_pred has no value there; the slope may still have
            value, slope = evaluate(plain, p, q, p.dtype.type(label))
            values[label], slopes[label] = value, 0.0 if slope is None else slope
    return values, slopes


def _evaluate(node: Formula, p: np.ndarray, q: np.ndarray, y: Value, memory: Memory | None) -> Dual:
    if not node.args:
        if node.op == "y_pred":
            return p, p.dtype.type(1.0)
        return (y if node.op == "y_true" else p.dtype.type(node.value)), None
    if memory is None or node.size > Memory.LARGEST or node.leaves & HAS_CONST:
        return _apply(node, p, q, y, memory)
    found = memory.get(node)
    if found is None:
        found = _apply(node, p, q, y, memory)
        if len(memory) < memory.entries:
            memory[node] = found
    return found


def _apply(node: Formula, p: np.ndarray, q: np.ndarray, y: Value, memory: Memory | None) -> Dual:
    op, args = node.op, node.args
    if len(args) == 1:
        value, slope = _evaluate(args[0], p, q, y, memory)
        value, rate = _UNARY[op](value)
        return value, None if slope is None else _times(rate(value), slope)
    if op == "sub" and args[1].op == "y_pred" and args[0].value == 1.0:
        return q, p.dtype.type(-1.0)
    a, da = _evaluate(args[0], p, q, y, memory)
    b, db = _evaluate(args[1], p, q, y, memory)
    return _BINARY[op](a, da, b, db)


def _times(rate: Value, slope: Value) -> Value:
    return slope * rate


def _add(a: Value, da: Value, b: Value, db: Value) -> Dual:
    return a + b, db if da is None else da if db is None else da + db


def _sub(a: Value, da: Value, b: Value, db: Value) -> Dual:
    return a - b, (None if db is None else -db) if da is None else da if db is None else da - db


def _mul(a: Value, da: Value, b: Value, db: Value) -> Dual:
    if da is None:
        return a * b, None if db is None else a * db
    return a * b, da * b if db is None else da * b + a * db


def _div(a: Value, da: Value, b: Value, db: Value) -> Dual:
    value = a / b
    if db is None:
        return value, None if da is None else da / b
    return value, -value * db / b if da is None else (da - value * db) / b


def _pow(a: Value, da: Value, b: Value, db: Value) -> Dual:
    value = np.power(a, b)
    slope = None
    if da is not None:
        # A base that does not move has no slope, though the power's own may be infinite, as in (p - p)**p.
        slope = np.where(da == 0, value.dtype.type(0), b * np.power(a, b - 1) * da)
    if db is not None:
        # 0**b is 0 for every b > 0, so that y_true**y_pred has a slope at y = 0.
        still = (db == 0) | ((a == 0) & (b > 0))
        through_exponent = np.where(still, value.dtype.type(0), value * np.log(a) * db)
        slope = through_exponent if slope is None else slope + through_exponent
    return value, slope


def _choose(take_a: Value, a: Value, da: Value, b: Value, db: Value) -> Dual:
    slope = None
    if da is not None or db is not None:
        slope = np.where(take_a, 0.0 if da is None else da, 0.0 if db is None else db)
    return np.where(take_a, a, b), slope


def _max(a: Value, da: Value, b: Value, db: Value) -> Dual:
    return _choose(a >= b, a, da, b, db)


def _min(a: Value, da: Value, b: Value, db: Value) -> Dual:
    return _choose(a <= b, a, da, b, db)


_BINARY: dict[str, Callable[[Value, Value, Value, Value], Dual]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "pow": _pow,
    "max": _max,
    "min": _min,
}


def _unary(
    function: Callable[[Value], Value], rate: Callable[[Value, Value], Value]
) -> Callable[[Value], tuple[Value, Callable[[Value], Value]]]:
    """Pair a function with its derivative, a function of argument and value that runs only when it is needed."""

    def apply(a: Value) -> tuple[Value, Callable[[Value], Value]]:
        return function(a), lambda value: rate(a, value)

    return apply


def _i1_rate(a: Value, value: Value) -> Value:
    """Return I1' = I0 - I1/a, as a product of I0 so that an overflow is infinite and not nan."""
    shrink = special.i1e(a) / (a * special.i0e(a))
    return np.where(a == 0, 0.5, special.i0(a) * (1.0 - shrink))


def _i1e_rate(a: Value, value: Value) -> Value:
    return np.where(a == 0, 0.5, special.i0e(a) - value / a - np.sign(a) * value)


_UNARY: dict[str, Callable[[Value], tuple[Value, Callable[[Value], Value]]]] = {
    "neg": _unary(np.negative, lambda a, v: -1.0),
    "exp": _unary(np.exp, lambda a, v: v),
    "log": _unary(np.log, lambda a, v: 1.0 / np.where(a >= 0, a, np.nan)),  # 1/a knows no domain
    "sqrt": _unary(np.sqrt, lambda a, v: 0.5 / v),
    "square": _unary(lambda a: a * a, lambda a, v: 2.0 * a),
    "abs": _unary(np.abs, lambda a, v: np.sign(a)),
    "sign": _unary(np.sign, lambda a, v: 0.0 * v),
    "sin": _unary(np.sin, lambda a, v: np.cos(a)),
    "cos": _unary(np.cos, lambda a, v: -np.sin(a)),
    "tan": _unary(np.tan, lambda a, v: 1.0 + v * v),
    "sinh": _unary(np.sinh, lambda a, v: np.cosh(a)),
    "cosh": _unary(np.cosh, lambda a, v: np.sinh(a)),
    "tanh": _unary(np.tanh, lambda a, v: 1.0 - v * v),
    "asinh": _unary(np.arcsinh, lambda a, v: 1.0 / np.sqrt(1.0 + a * a)),
    "atan": _unary(np.arctan, lambda a, v: 1.0 / (1.0 + a * a)),
    "erf": _unary(special.erf, lambda a, v: _TWO_OVER_SQRT_PI * np.exp(-a * a)),
    "erfc": _unary(special.erfc, lambda a, v: -_TWO_OVER_SQRT_PI * np.exp(-a * a)),
    "i0": _unary(special.i0, lambda a, v: special.i1(a)),
    "i0e": _unary(special.i0e, lambda a, v: special.i1e(a) - np.sign(a) * v),
    "i1": _unary(special.i1, _i1_rate),
    "i1e": _unary(special.i1e, _i1e_rate),
    "sigmoid": _unary(special.expit, lambda a, v: v * (1.0 - v)),
    "softplus": _unary(lambda a: np.logaddexp(0.0, a), lambda a, v: special.expit(a)),
    "relu": _unary(lambda a: np.maximum(a, 0.0), lambda a, v: 0.5 * (np.sign(a) + 1.0)),
}
