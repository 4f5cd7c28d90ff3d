"""Exponentials, logarithms, powers and branches of expansions at an end of [0, 1] (see ``expansions``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import arb, arb_series, fmpq

from symloss.symbolic.proofs.expansions import (
    FLAT,
    HALF,
    LOG,
    ONE,
    ZERO,
    Expansion,
    Number,
    OutOfDomain,
    Scale,
    Undecided,
    bounded,
    constant,
)

Ball = Any

#: What falls faster than every power of t is held as one of these powers times something in [0, 1].
_FAST = fmpq(24), fmpq(6), fmpq(2)
#: What grows more slowly than every power of 1/t is held as this power times something bounded.
_SLOW = fmpq(1, 16)

#: Powers of rational numbers stay exact up to so many bits.
_EXACT_BITS = 4000

_UNIT = arb(0).union(arb(1))


def compose(x: Expansion, taylor: Callable[[arb_series], arb_series], first: Number) -> Expansion:
    """Return g(first + x) for an analytic g and an x that stays bounded, by Taylor's formula with Lagrange's remainder.

    Args:
        x: without a constant term, unless it is bounded only.
        taylor: g on power series.
        first: where g is expanded, a number or a ball.
    """

    def coefficients(at: Ball, count: int) -> list[Ball]:
        series = taylor(arb_series([at, 1], prec=count))
        return [series[k] for k in range(count)]

    return compose_from(x, coefficients, first)


def compose_from(x: Expansion, coefficients: Callable[[Ball, int], list[Ball]], first: Number) -> Expansion:
    """As :func:`compose`, from g's Taylor coefficients ``(at, count)``."""
    end = x.end
    if x.is_zero:
        (value,) = coefficients(arb(first), 1)
        if not value.is_finite():
            raise Undecided
        return constant(end, value)
    count = end.terms
    around = arb(first).union(arb(first) + x.ball())
    at = coefficients(arb(first), count)
    last = coefficients(around, count + 1)[count]
    if not (last.is_finite() and all(value.is_finite() for value in at)):
        raise Undecided
    result = bounded(end, last)
    for k in range(count - 1, -1, -1):
        result = result * x + constant(end, at[k])
    return result


def parts(x: Expansion) -> tuple[Expansion, Number, Expansion]:
    """Return x as (what grows, its constant term, what goes to 0 or is bounded only)."""
    grows = {scale: value for scale, value in x.terms.items() if scale.grows}
    falls = {scale: value for scale, value in x.terms.items() if scale > FLAT}
    first = x.terms.get(FLAT, ZERO)
    if x.rest is not None and x.rest_scale.grows:
        return Expansion(x.end, grows, x.rest, x.rest_scale), ZERO, Expansion(x.end, {})
    return Expansion(x.end, grows), first, Expansion(x.end, falls, x.rest, x.rest_scale)


def exp(x: Expansion) -> Expansion:
    grows, first, rest = parts(x)
    small = (
        compose(rest, lambda s: s.exp(), first)
        if isinstance(first, arb) or first != 0 or not rest.is_zero
        else constant(x.end, ONE)
    )
    return small if grows.is_zero else _exp_growing(grows) * small


def _exp_growing(x: Expansion) -> Expansion:
    end = x.end
    value, scale = x.lead()
    if scale == LOG and value is not None:
        others = Expansion(end, {s: v for s, v in x.terms.items() if s != LOG}, x.rest, x.rest_scale)
        slow = constant(end, ONE) if others.is_zero else _exp_slow(others)
        if isinstance(value, fmpq):
            return slow.times(ONE, Scale(-value, ZERO))
        # e**(k*l) for a k that is not exact: t**-k is between two powers that are.
        upper = (value + abs(value) / 2**20).upper()
        if not abs(upper) < 2**20:
            raise Undecided
        mantissa, exponent = upper.mid().man_exp()
        k = fmpq(mantissa) * (fmpq(2) ** int(exponent))
        return slow * Expansion(end, {}, _UNIT, Scale(-k, ZERO))
    if scale < LOG:
        if x.sign() > 0:
            raise Undecided  # faster than every power of 1/t
        for power in _FAST:  # x <= -power*l, so that e**x <= t**power
            if _is_negative(x + Expansion(end, {LOG: power})):
                return Expansion(end, {}, _UNIT, Scale(power, ZERO))
        raise Undecided
    return _exp_slow(x)


def _is_negative(x: Expansion) -> bool:
    try:
        return x.sign() < 0
    except Undecided:
        return False


def _exp_slow(x: Expansion) -> Expansion:
    """Return e**x for an x that grows more slowly than l."""
    size, scale = x.scaled()
    if size < 0:
        return bounded(x.end, _UNIT)
    b = -scale.order
    if scale.power != 0 or not 0 < b <= HALF:
        raise Undecided
    # s*l**b <= e*l + (s**2/(4e)) for b <= 1/2 and l >= 1.
    top = abs(size).upper()
    small = arb(_SLOW)
    return Expansion(x.end, {}, arb(0).union((top * top / (4 * small)).exp()), Scale(-_SLOW, ZERO))


def log(x: Expansion) -> Expansion:
    if x.is_zero:
        raise OutOfDomain
    value, scale, d = x.split()
    if value < 0:
        raise OutOfDomain
    end = x.end
    result = compose(d, lambda s: s.log(), ONE) if not d.is_zero else constant(end, ZERO)
    if not (isinstance(value, fmpq) and value == 1):  # a ball around 1 is not 1
        number = arb(value).log()
        result = result + (bounded(end, number) if x.varies else constant(end, number))
    result = result + Expansion(end, {LOG: -scale.power})
    if scale.order != 0:  # log(l**b), which grows more slowly than every power of l
        if not end.log >= 1:
            raise Undecided
        result = result + Expansion(end, {}, -arb(scale.order) * end.slow(HALF), Scale(ZERO, -HALF))
    return result


def raised(x: Expansion, exponent: fmpq) -> Expansion:
    if x.is_zero:
        if exponent > 0:
            return x
        raise OutOfDomain
    value, scale, d = x.split()
    if exponent.q != 1 and value < 0:
        raise OutOfDomain
    number: Number
    if exponent.q == 1 and isinstance(value, fmpq) and abs(exponent) * value.height_bits() <= _EXACT_BITS:
        number = value ** int(exponent.p)
    else:
        number = ONE if isinstance(value, fmpq) and value == 1 else arb(value) ** arb(exponent)
    if not arb(number).is_finite():
        raise Undecided
    power = arb(exponent)
    rest = constant(x.end, ONE) if d.is_zero else compose(d, lambda s: (s.log() * power).exp(), ONE)
    if x.varies:
        return (rest * bounded(x.end, arb(number))).times(ONE, scale.raised(exponent))
    return rest.times(number, scale.raised(exponent))


def power(x: Expansion, y: Expansion, exponent: fmpq | None) -> Expansion:
    if exponent is None:
        known = y.constant
        exponent = known if isinstance(known, fmpq) else None
    if exponent is None:
        return x if x.is_zero and y.sign() > 0 else exp(y * log(x))
    if exponent.q == 1 and 0 <= exponent <= 64:
        result, square, rest = constant(x.end, ONE), x, int(exponent.p)
        while rest:
            result = result * square if rest & 1 else result
            rest >>= 1
            square = square * square if rest else square
        return result
    return raised(x, exponent)


def quotient(x: Expansion, y: Expansion) -> Expansion:
    if y.is_zero:
        raise OutOfDomain
    return x * raised(y, fmpq(-1))


def root(x: Expansion) -> Expansion:
    return raised(x, HALF)


def magnitude(x: Expansion) -> Expansion:
    return -x if x.sign() < 0 else x


def signum(x: Expansion) -> Expansion:
    return constant(x.end, fmpq(x.sign()))


def larger(x: Expansion, y: Expansion) -> Expansion:
    return x if (x - y).sign() >= 0 else y


def smaller(x: Expansion, y: Expansion) -> Expansion:
    return x if (x - y).sign() <= 0 else y


def ramp(x: Expansion) -> Expansion:
    return x if x.sign() > 0 else constant(x.end, ZERO)
