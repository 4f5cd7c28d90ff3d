"""Response curves at high precision, in ball arithmetic: every digit that is used is proven."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

from flint import arb, ctx, fmpq

from symloss.formula import Formula, exact
from symloss.formula.tree import HAS_TRUE

#: Bits of working precision: 50 digits and much room for cancellation, as of the 1e-20 that keep logarithms finite.
PRECISION = 512

#: Whole powers up to this are computed by products where they must be.
_MAX_PRODUCTS = 64

#: The labels of a class: 0 for a wrong one, 1 for the right one.
HARD_LABELS = Fraction(0), Fraction(1)

Ball = Any
DualBall = tuple[Ball, Ball | None]


def ball(value: Fraction) -> Ball:
    """Return the ball of a rational number at the working precision."""
    return arb(fmpq(value.numerator, value.denominator))


def response_balls(
    formula: Formula, points: Sequence[Fraction], labels: Sequence[Fraction] = HARD_LABELS
) -> list[tuple[Ball, ...]]:
    """Return the responses ``p * dL/dp(p, y)`` at each probability as balls, nan where the formula leaves its domain.

    Args:
        formula: the loss of one class.
        points: probabilities.
        labels: the labels y, in the order in which the responses come; by default 0 and 1.
    """
    with ctx.workprec(PRECISION):
        known = [ball(label) for label in labels]
        results = []
        for point in points:
            p, shared = ball(point), dict[Formula, DualBall]()
            results.append(tuple(_response(formula, p, y, shared) for y in known))
        return results


def response_balls_of(forms: Sequence[Formula], points: Sequence[Fraction]) -> list[tuple[Ball, ...]]:
    """Return ``p * dL/dp`` of several formulas in ``y_pred`` alone at each probability, as :func:`response_balls`
    does."""
    with ctx.workprec(PRECISION):
        results = []
        for point in points:
            p, shared = ball(point), dict[Formula, DualBall]()
            results.append(tuple(_response(form, p, arb(0), shared) for form in forms))
        return results


def _response(formula: Formula, p: Ball, label: Ball, shared: dict[Formula, DualBall]) -> Ball:
    _, slope = _evaluate(formula, p, label, shared)
    return arb(0) if slope is None else p * slope


def _evaluate(node: Formula, p: Ball, y: Ball, shared: dict[Formula, DualBall]) -> DualBall:
    """Return value and slope; ``shared`` keeps those of parts without y_true, which are the same for every label."""
    if not node.args:
        if node.op == "y_pred":
            return p, arb(1)
        return (y if node.op == "y_true" else _number(node)), None
    keep = not node.leaves & HAS_TRUE
    if keep:
        found = shared.get(node)
        if found is not None:
            return found
    parts = [_evaluate(arg, p, y, shared) for arg in node.args]
    if len(parts) == 2:
        if node.op in ("max", "min") and node.args[0] == node.args[1]:
            result = parts[0]  # two balls of one number would not be known to be equal
        else:
            (a, da), (b, db) = parts
            result = _BINARY[node.op](a, da, b, db)
    else:
        a, da = parts[0]
        function, rate = _UNARY[node.op]
        value = function(a)
        result = value, None if da is None else rate(a, value) * da
    if keep:
        shared[node] = result
    return result


def _number(node: Formula) -> Ball:
    assert isinstance(node.value, float)
    return _number_ball(node.value, ctx.prec)


@lru_cache(maxsize=4096)
def _number_ball(value: float, precision: int) -> Ball:
    return ball(exact(value))


def _add(a: Ball, da: Ball, b: Ball, db: Ball) -> DualBall:
    return a + b, db if da is None else da if db is None else da + db


def _sub(a: Ball, da: Ball, b: Ball, db: Ball) -> DualBall:
    return a - b, (None if db is None else -db) if da is None else da if db is None else da - db


def _mul(a: Ball, da: Ball, b: Ball, db: Ball) -> DualBall:
    if (da is None and a.is_zero()) or (db is None and b.is_zero()):
        return arb(0), None  # so that y_true times a term is zero at y = 0 whatever the term is there
    left = None if da is None else da * b
    right = None if db is None else a * db
    return a * b, right if left is None else left if right is None else left + right


def _div(a: Ball, da: Ball, b: Ball, db: Ball) -> DualBall:
    value = a / b
    if da is None and db is None:
        return value, None
    return value, ((arb(0) if da is None else da) - (arb(0) if db is None else value * db)) / b


def _raise(a: Ball, b: Ball) -> Ball:
    """Return a**b; by products for a whole b where a holds 0, since a**b takes the logarithm of a ball around 0."""
    count = b.unique_fmpz() if b.is_exact() and b.is_integer() else None
    if count is None or not 0 <= count <= _MAX_PRODUCTS or not a.contains(0):
        return a**b
    result = arb(1)
    for _ in range(int(count)):
        result *= a
    return result


def _pow(a: Ball, da: Ball, b: Ball, db: Ball) -> DualBall:
    if a.is_zero() and b > 0 and da is None:  # so that y_true**y_pred has a slope at y = 0
        return arb(0), None if db is None else arb(0)
    value = _raise(a, b)
    slope = None
    if da is not None:
        slope = b * _raise(a, b - 1) * da
    if db is not None:
        through_exponent = value * a.log() * db
        slope = through_exponent if slope is None else slope + through_exponent
    return value, slope


def _choose(take_a: bool, take_b: bool, a: Ball, da: Ball, b: Ball, db: Ball) -> DualBall:
    if take_a:
        return a, da
    if take_b:
        return b, db
    # The balls overlap: which branch holds is not decided, so both count. Where they are one function, that is
    # harmless.
    return a.union(b), (arb(0) if da is None else da).union(arb(0) if db is None else db)


def _max(a: Ball, da: Ball, b: Ball, db: Ball) -> DualBall:
    return _choose(bool(a >= b), bool(b >= a), a, da, b, db)


def _min(a: Ball, da: Ball, b: Ball, db: Ball) -> DualBall:
    return _choose(bool(a <= b), bool(b <= a), a, da, b, db)


def _sign(a: Ball) -> Ball:
    if a > 0 or a < 0:
        return arb(1) if a > 0 else arb(-1)
    return arb(0) if a.is_zero() else arb.nan() if a.is_nan() else _EITHER


_EITHER = arb(0, 1)


_BINARY: dict[str, Callable[[Ball, Ball, Ball, Ball], DualBall]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "pow": _pow,
    "max": _max,
    "min": _min,
}


def _two_over_sqrt_pi() -> Ball:
    return 2 / arb.const_sqrt_pi()


def _i1_rate(a: Ball) -> Ball:
    return (a.bessel_i(0) + a.bessel_i(2)) / 2  # I0 - I1/a has no value at 0


def _decay(a: Ball) -> Ball:
    return (-abs(a)).exp()


_UNARY: dict[str, tuple[Callable[[Ball], Ball], Callable[[Ball, Ball], Ball]]] = {
    "neg": (lambda a: -a, lambda a, v: arb(-1)),
    "exp": (lambda a: a.exp(), lambda a, v: v),
    "log": (lambda a: a.log(), lambda a, v: arb.nan() if v.is_nan() else 1 / a),
    "sqrt": (lambda a: a.sqrt(), lambda a, v: 1 / (2 * v)),
    "square": (lambda a: a * a, lambda a, v: 2 * a),
    "abs": (lambda a: abs(a), lambda a, v: _sign(a)),
    "sign": (_sign, lambda a, v: arb(0) * v),
    "sin": (lambda a: a.sin(), lambda a, v: a.cos()),
    "cos": (lambda a: a.cos(), lambda a, v: -a.sin()),
    "tan": (lambda a: a.tan(), lambda a, v: 1 + v * v),
    "sinh": (lambda a: a.sinh(), lambda a, v: a.cosh()),
    "cosh": (lambda a: a.cosh(), lambda a, v: a.sinh()),
    "tanh": (lambda a: a.tanh(), lambda a, v: 1 - v * v),
    "asinh": (lambda a: a.asinh(), lambda a, v: 1 / (1 + a * a).sqrt()),
    "atan": (lambda a: a.atan(), lambda a, v: 1 / (1 + a * a)),
    "erf": (lambda a: a.erf(), lambda a, v: _two_over_sqrt_pi() * (-a * a).exp()),
    "erfc": (lambda a: a.erfc(), lambda a, v: -_two_over_sqrt_pi() * (-a * a).exp()),
    "i0": (lambda a: a.bessel_i(0), lambda a, v: a.bessel_i(1)),
    "i0e": (lambda a: _decay(a) * a.bessel_i(0), lambda a, v: _decay(a) * a.bessel_i(1) - _sign(a) * v),
    "i1": (lambda a: a.bessel_i(1), lambda a, v: _i1_rate(a)),
    "i1e": (lambda a: _decay(a) * a.bessel_i(1), lambda a, v: _decay(a) * _i1_rate(a) - _sign(a) * v),
    "sigmoid": (lambda a: 1 / (1 + (-a).exp()), lambda a, v: v * (1 - v)),
    "softplus": (lambda a: a.exp().log1p(), lambda a, v: 1 / (1 + (-a).exp())),
    "relu": (lambda a: a.max(0), lambda a, v: (_sign(a) + 1) / 2),
}
