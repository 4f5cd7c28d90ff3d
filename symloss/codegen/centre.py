"""Sums that vanish at p = 0 or 1, written so that they keep their digits there.

``1.6**0.6 - (0.6 + p)**0.6`` is 0 at p = 1, and near it float32 has nothing left of the difference. Every function here
can be written as its value at the end plus a rest that vanishes there and is computed from ``q = 1 - p`` or ``log(p)``
(from ``p`` at the other end), such as ``exp(a) = exp(a1) + exp(a1)*expm1(a - a1)``. Where the values of all terms add
up to 0 exactly, the sum is the sum of the rests.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from symloss.codegen.leaves import LOG_P, LOG_Q, Q
from symloss.formula import Y_PRED, Formula, call, constant, fold
from symloss.formula.differentiate import build
from symloss.formula.fold import ZERO, number
from symloss.formula.numbers import compute

#: Values that sum to less than this of their size are taken to sum to 0: they were rounded to floats.
_ROUNDING = 4e-15

#: Value at the end, and the rest.
About = tuple[float, Formula]


def centred(node: Formula) -> Formula | None:
    """Return a sum in a form that is accurate where it vanishes, or None if it does not, or no form is known."""
    for end in (1, 0):
        terms = _terms(node)
        parts = [_about(term, end) for _, term in terms]
        known = [part for part in parts if part is not None]
        if len(known) < len(parts):
            continue
        values = [sign * part[0] for (sign, _), part in zip(terms, known, strict=True)]
        size = sum(map(abs, values))
        if size == 0 or abs(math.fsum(values)) > _ROUNDING * size:
            continue
        if _larger_away(terms, known, end):
            continue
        total = ZERO
        for (sign, _), (_, rest) in zip(terms, known, strict=True):
            total = build("add" if sign > 0 else "sub", total, rest)
        return fold(total)
    return None


def _larger_away(terms: list[tuple[int, Formula]], parts: list[About], end: int) -> bool:
    """Say whether at the other end the rests are much larger than the terms, and so would cancel there instead."""
    p = 1e-9 if end else 1 - 1e-9
    plain = max(abs(value_at(term, p)) for _, term in terms)
    centred_ = max(abs(value_at(rest, p)) for _, rest in parts)
    return not centred_ <= 4 * plain


def value_at(node: Formula, p: float, label: float = math.nan) -> float:
    """Return a value in float64, nan where there is none."""
    if node.op == "const":
        return number(node)
    if not node.args:
        leaves = {"y_pred": p, "q": 1 - p, "log_p": math.log(p), "log_q": math.log1p(-p), "y_true": label}
        return leaves.get(node.op, math.nan)
    values = [value_at(arg, p, label) for arg in node.args]
    result = None if any(map(math.isnan, values)) else compute(node.op, *values)
    return math.nan if result is None else result


def _terms(node: Formula, sign: int = 1) -> list[tuple[int, Formula]]:
    """Return the signed terms of a sum."""
    if node.op == "neg":
        return _terms(node.args[0], -sign)
    if node.op in ("add", "sub"):
        return _terms(node.args[0], sign) + _terms(node.args[1], sign if node.op == "add" else -sign)
    return [(sign, node)]


def _about(node: Formula, end: int) -> About | None:
    """Return ``(v, rest)`` with node = v + rest and an accurate rest that is 0 at the end, or None if unknown."""
    if node.op == "const":
        return number(node), ZERO
    if node == Y_PRED:
        return (1.0, call("neg", Q)) if end else (0.0, Y_PRED)
    if node == Q:
        return (0.0, Q) if end else (1.0, call("neg", Y_PRED))
    if node == (LOG_P if end else LOG_Q):
        return 0.0, node
    rule = _RULES.get(node.op)
    if rule is None:
        return None
    parts = [_about(arg, end) for arg in node.args]
    if any(part is None for part in parts):
        return None
    found = rule(node, *[part for part in parts if part is not None])
    return found if found is not None and math.isfinite(found[0]) else None


def _add(node: Formula, a: About, b: About) -> About:
    return a[0] + b[0], build("add", a[1], b[1])


def _sub(node: Formula, a: About, b: About) -> About:
    return a[0] - b[0], build("sub", a[1], b[1])


def _neg(node: Formula, a: About) -> About:
    return -a[0], build("neg", a[1])


def _mul(node: Formula, a: About, b: About) -> About:
    if a[0] == 0 or b[0] == 0:
        return 0.0, node
    rest = build("add", _times(a[0], b[1]), build("mul", a[1], node.args[1]))
    return a[0] * b[0], rest


def _div(node: Formula, a: About, b: About) -> About | None:
    if b[0] == 0:
        return None
    if a[0] == 0:
        return 0.0, node
    ratio = a[0] / b[0]
    return ratio, build("div", build("sub", a[1], _times(ratio, b[1])), node.args[1])


def _exp(node: Formula, a: About) -> About | None:
    value = compute("exp", a[0])
    return None if value is None else (value, _times(value, call("expm1", a[1])))


def _expm1(node: Formula, a: About) -> About | None:
    if a[0] == 0:
        return 0.0, node
    value = compute("exp", a[0])
    return None if value is None else (math.expm1(a[0]), _times(value, call("expm1", a[1])))


def _log(node: Formula, a: About) -> About | None:
    return (math.log(a[0]), call("log1p", _over(a[1], a[0]))) if a[0] > 0 else None


def _log1p(node: Formula, a: About) -> About | None:
    if a[0] == 0:
        return 0.0, node
    return (math.log1p(a[0]), call("log1p", _over(a[1], 1 + a[0]))) if a[0] > -1 else None


def _pow(node: Formula, a: About, b: About) -> About | None:
    exponent = node.args[1]
    if exponent.op != "const":
        return None
    if a[0] == 0:
        return (0.0, node) if number(exponent) > 0 else None
    value = compute("pow", a[0], number(exponent)) if a[0] > 0 else None
    if value is None:
        return None
    return value, _times(value, call("expm1", build("mul", exponent, call("log1p", _over(a[1], a[0])))))


def _sqrt(node: Formula, a: About) -> About | None:
    if a[0] == 0:
        return 0.0, node
    root = math.sqrt(a[0]) if a[0] > 0 else None
    return None if root is None else (root, call("div", a[1], call("add", constant(root), node)))


def _square(node: Formula, a: About) -> About:
    if a[0] == 0:
        return 0.0, node
    return a[0] * a[0], build("mul", a[1], build("add", constant(a[0]), node.args[0]))


def _sin(node: Formula, a: About) -> About:
    if a[0] == 0:
        return 0.0, node
    half, middle = _half(a)
    return math.sin(a[0]), call("mul", constant(2.0), call("mul", call("sin", half), call("cos", middle)))


def _cos(node: Formula, a: About) -> About:
    half, middle = _half(a)
    return math.cos(a[0]), call("mul", constant(-2.0), call("mul", call("sin", half), call("sin", middle)))


def _half(a: About) -> tuple[Formula, Formula]:
    half = build("div", a[1], constant(2.0))
    return half, build("add", constant(a[0]), half)


def _odd(node: Formula, a: About) -> About | None:
    """A function that vanishes with its argument, and of which no more is known here."""
    return (0.0, node) if a[0] == 0 else None


def _times(factor: float, rest: Formula) -> Formula:
    return build("mul", constant(factor), rest)


def _over(rest: Formula, value: float) -> Formula:
    return rest if value == 1 else build("div", rest, constant(value))


_RULES: dict[str, Callable[..., About | None]] = {
    "add": _add,
    "sub": _sub,
    "neg": _neg,
    "mul": _mul,
    "div": _div,
    "exp": _exp,
    "expm1": _expm1,
    "log": _log,
    "log1p": _log1p,
    "pow": _pow,
    "sqrt": _sqrt,
    "square": _square,
    "sin": _sin,
    "cos": _cos,
    **dict.fromkeys(("tan", "sinh", "tanh", "asinh", "atan", "erf", "i1", "i1e", "abs", "relu"), _odd),
}
