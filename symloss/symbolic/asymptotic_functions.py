"""The functions of the whitelist on expansions at an end of [0, 1] (see ``asymptotics``)."""

from __future__ import annotations

from collections.abc import Callable
from math import comb, factorial
from typing import Any

from flint import arb, arb_series, fmpq

from symloss.symbolic.asymptotics import (
    FLAT,
    HALF,
    LOG,
    ONE,
    ZERO,
    End,
    Expansion,
    Number,
    OutOfDomain,
    Scale,
    Undecided,
    bounded,
    constant,
)
from symloss.symbolic.intervals import UNARY, bessel
from symloss.symbolic.program import Program

Ball = Any

#: What falls faster than every power of t is held as one of these powers times something in [0, 1].
_FAST = fmpq(24), fmpq(6), fmpq(2)
#: What grows more slowly than every power of 1/t is held as this power times something bounded.
_SLOW = fmpq(1, 16)

_UNIT = arb(0).union(arb(1))
_BOTH = arb(-1).union(arb(1))


def expand(program: Program, side: int, end: End) -> list[Expansion]:
    """Return the expansion of each root at p = ``side``, 0 or 1.

    Raises:
        Undecided: some step has no expansion of this kind, or not with so few terms.
        OutOfDomain: some step has no real value near the end.
    """
    t = Expansion(end, {Scale(ONE, ZERO): ONE})
    rest = constant(end, ONE) - t
    p, q = (t, rest) if side == 0 else (rest, t)
    values: list[Expansion] = []
    for step in program.steps:
        args = [values[place] for place in step.args]
        if step.op == "p":
            values.append(p)
        elif step.op == "q":
            values.append(q)
        elif step.op == "const":
            values.append(constant(end, step.value))
        elif step.op == "pow":
            values.append(_power(args[0], args[1], step.value))
        elif len(args) == 2:
            values.append(_BINARY[step.op](*args))
        else:
            values.append(apply(step.op, args[0]))
    return [values[root] for root in program.roots]


def apply(op: str, x: Expansion) -> Expansion:
    """Return a function of one argument."""
    return _UNARY[op](x)


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

    return _compose(x, coefficients, first)


def _compose(x: Expansion, coefficients: Callable[[Ball, int], list[Ball]], first: Number) -> Expansion:
    """As :func:`compose`, from g's Taylor coefficients ``(at, count)``."""
    end = x.end
    if x.is_zero:
        return constant(end, coefficients(arb(first), 1)[0])
    count = end.terms
    around = arb(first).union(arb(first) + x.ball())
    at = coefficients(arb(first), count)
    last = coefficients(around, count + 1)[count]
    if not last.is_finite():
        raise Undecided
    result = bounded(end, last)
    for k in range(count - 1, -1, -1):
        result = result * x + constant(end, at[k])
    return result


def _parts(x: Expansion) -> tuple[Expansion, Number, Expansion]:
    """Return x as (what grows, its constant term, what goes to 0 or is bounded only)."""
    grows = {scale: value for scale, value in x.terms.items() if scale.grows}
    falls = {scale: value for scale, value in x.terms.items() if scale > FLAT}
    first = x.terms.get(FLAT, ZERO)
    if x.rest is not None and x.rest_scale.grows:
        return Expansion(x.end, grows, x.rest, x.rest_scale), ZERO, Expansion(x.end, {})
    return Expansion(x.end, grows), first, Expansion(x.end, falls, x.rest, x.rest_scale)


def _exp(x: Expansion) -> Expansion:
    grows, first, rest = _parts(x)
    small = compose(rest, lambda s: s.exp(), first) if first != 0 or not rest.is_zero else constant(x.end, ONE)
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
        upper = value.upper() + arb(2) ** -40
        mantissa, exponent = upper.man_exp()
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


def _log(x: Expansion) -> Expansion:
    if x.is_zero:
        raise OutOfDomain
    value, scale, d = x.split()
    if value < 0:
        raise OutOfDomain
    end = x.end
    result = compose(d, lambda s: s.log(), ONE) if not d.is_zero else constant(end, ZERO)
    if not (isinstance(value, fmpq) and value == 1):  # a ball around 1 is not 1
        number = arb(value).log()
        result = result + (constant(end, number) if number.rad() < 1e-9 else bounded(end, number))
    result = result + Expansion(end, {LOG: -scale.power})
    if scale.order != 0:  # log(l**b), which grows more slowly than every power of l
        if not end.log >= 1:
            raise Undecided
        result = result + Expansion(end, {}, -arb(scale.order) * end.slow(HALF), Scale(ZERO, -HALF))
    return result


def _raised(x: Expansion, exponent: fmpq) -> Expansion:
    if x.is_zero:
        if exponent > 0:
            return x
        raise OutOfDomain
    value, scale, d = x.split()
    if exponent.q == 1:
        number = value ** int(exponent.p) if exponent >= 0 else 1 / value ** int(-exponent.p)
    else:
        if value < 0:
            raise OutOfDomain
        number = ONE if value == 1 else arb(value) ** arb(exponent)
    power = arb(exponent)
    rest = constant(x.end, ONE) if d.is_zero else compose(d, lambda s: (s.log() * power).exp(), ONE)
    if isinstance(number, arb) and number.rad() > abs(number) * 1e-9:
        rest = rest * bounded(x.end, number)
        number = ONE
    return rest.times(number, scale.raised(exponent))


def _power(x: Expansion, y: Expansion, exponent: fmpq | None) -> Expansion:
    if exponent is None:
        known = y.constant
        exponent = known if isinstance(known, fmpq) else None
    if exponent is None:
        return x if x.is_zero and y.sign() > 0 else _exp(y * _log(x))
    if exponent.q == 1 and 0 <= exponent <= 64:
        result, square, rest = constant(x.end, ONE), x, int(exponent.p)
        while rest:
            result = result * square if rest & 1 else result
            rest >>= 1
            square = square * square if rest else square
        return result
    return _raised(x, exponent)


def _div(x: Expansion, y: Expansion) -> Expansion:
    if y.is_zero:
        raise OutOfDomain
    return x * _raised(y, fmpq(-1))


def _sqrt(x: Expansion) -> Expansion:
    return _raised(x, HALF)


def _abs(x: Expansion) -> Expansion:
    return -x if x.sign() < 0 else x


def _sign(x: Expansion) -> Expansion:
    return constant(x.end, fmpq(x.sign()))


def _max(x: Expansion, y: Expansion) -> Expansion:
    return x if (x - y).sign() >= 0 else y


def _min(x: Expansion, y: Expansion) -> Expansion:
    return x if (x - y).sign() <= 0 else y


def _relu(x: Expansion) -> Expansion:
    return x if x.sign() > 0 else constant(x.end, ZERO)


def _wave(name: str) -> Callable[[Expansion], Expansion]:
    def apply_wave(x: Expansion) -> Expansion:
        grows, first, rest = _parts(x)
        if not grows.is_zero:
            return bounded(x.end, _BOTH)
        if first == 0 and rest.is_zero:
            return constant(x.end, ZERO if name == "sin" else ONE)
        return compose(rest, lambda s: getattr(s, name)(), first)

    return apply_wave


def _growth(x: Expansion) -> int:
    """Return the sign of an x that grows, and 0 for one that is bounded."""
    return x.sign() if x.lead()[1].grows and not x.is_zero else 0


def _sinh(x: Expansion) -> Expansion:
    return (_exp(x) - _exp(-x)).times(HALF)


def _cosh(x: Expansion) -> Expansion:
    return (_exp(x) + _exp(-x)).times(HALF)


def _tanh(x: Expansion) -> Expansion:
    one = constant(x.end, ONE)
    if _growth(x) > 0:
        falling = _exp(x.times(fmpq(-2)))
        return _div(one - falling, one + falling)
    rising = _exp(x.times(fmpq(2)))
    return _div(rising - one, rising + one)


def _sigmoid(x: Expansion) -> Expansion:
    one = constant(x.end, ONE)
    if _growth(x) > 0:
        return _div(one, one + _exp(-x))
    rising = _exp(x)
    return _div(rising, one + rising)


def _softplus(x: Expansion) -> Expansion:
    one = constant(x.end, ONE)
    return x + _log(one + _exp(-x)) if _growth(x) > 0 else _log(one + _exp(x))


def _asinh(x: Expansion) -> Expansion:
    if _growth(x) < 0:
        return -_asinh(-x)
    return _log(x + _sqrt(constant(x.end, ONE) + x * x))


def _atan(x: Expansion) -> Expansion:
    sign = _growth(x)
    if sign:
        return constant(x.end, arb.pi() / 2 * sign) - _atan(_raised(x, fmpq(-1)))
    _, first, rest = _parts(x)
    return compose(rest, lambda s: s.atan(), first)


def _erfc_growing(x: Expansion) -> Expansion:
    """Return erfc(x) for an x that grows to infinity: at most exp(-x*x) for x >= 0."""
    return _exp(-(x * x)) * bounded(x.end, _UNIT)


def _erf(x: Expansion) -> Expansion:
    sign = _growth(x)
    if sign:
        return (constant(x.end, ONE) - _erfc_growing(x.times(fmpq(sign)))).times(fmpq(sign))
    _, first, rest = _parts(x)
    return compose(rest, lambda s: s.erf(), first)


def _erfc(x: Expansion) -> Expansion:
    if _growth(x) > 0:
        return _erfc_growing(x)
    return constant(x.end, ONE) - _erf(x)


def _bessel(order: int) -> Callable[[Expansion], Expansion]:
    """Return I_order of an x that is bounded; its k-th derivative is the mean of C(k, j) times I_(order - k + 2j)."""
    value = [UNARY["i0"], UNARY["i1"], UNARY["i2"], UNARY["i3"]]

    def coefficients(at: Ball, count: int) -> list[Ball]:
        found = []
        for k in range(count):
            total = arb(0)
            for j in range(k + 1):
                index = abs(order - k + 2 * j)
                total += comb(k, j) * (value[index](at) if index < 4 else bessel(index)(at))
            found.append(total / (2**k * factorial(k)))
        if order % 2 and at.is_zero():
            found[0] = arb(0)
        return found

    def apply_bessel(x: Expansion) -> Expansion:
        grows, first, rest = _parts(x)
        if not grows.is_zero:
            raise Undecided
        return _compose(rest, coefficients, first)

    return apply_bessel


def _scaled_bessel(name: str, order: int, range_when_growing: Ball) -> Callable[[Expansion], Expansion]:
    plain = _bessel(order)

    def apply_bessel(x: Expansion) -> Expansion:
        if _growth(x):
            return bounded(x.end, range_when_growing)
        try:
            return _exp(-_abs(x)) * plain(x)
        except Undecided:
            return bounded(x.end, UNARY[name](x.ball()))

    return apply_bessel


_UNARY: dict[str, Callable[[Expansion], Expansion]] = {
    "neg": lambda x: -x,
    "exp": _exp,
    "log": _log,
    "sqrt": _sqrt,
    "square": lambda x: x * x,
    "abs": _abs,
    "sign": _sign,
    "relu": _relu,
    "sin": _wave("sin"),
    "cos": _wave("cos"),
    "tan": lambda x: _div(_wave("sin")(x), _wave("cos")(x)),
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "asinh": _asinh,
    "atan": _atan,
    "erf": _erf,
    "erfc": _erfc,
    "i0": _bessel(0),
    "i1": _bessel(1),
    "i2": _bessel(2),
    "i3": _bessel(3),
    "i0e": _scaled_bessel("i0e", 0, _UNIT),
    "i1e": _scaled_bessel("i1e", 1, _BOTH),
    "i2e": _scaled_bessel("i2e", 2, _UNIT),
}

_BINARY: dict[str, Callable[[Expansion, Expansion], Expansion]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": _div,
    "max": _max,
    "min": _min,
}
