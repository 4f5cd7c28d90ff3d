"""The functions of the whitelist on expansions at an end of [0, 1] (see ``expansions``)."""

from __future__ import annotations

from collections.abc import Callable
from math import comb, factorial
from typing import Any

from flint import arb, fmpq

from symloss.symbolic.proofs.elementary import (
    compose,
    compose_from,
    exp,
    larger,
    log,
    magnitude,
    parts,
    power,
    quotient,
    raised,
    ramp,
    root,
    signum,
    smaller,
)
from symloss.symbolic.proofs.expansions import HALF, ONE, ZERO, End, Expansion, Scale, Undecided, bounded, constant
from symloss.symbolic.proofs.intervals import UNARY, bessel
from symloss.symbolic.proofs.program import Program

Ball = Any

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
            values.append(power(args[0], args[1], step.value))
        elif len(args) == 2:
            values.append(_BINARY[step.op](*args))
        else:
            values.append(apply(step.op, args[0]))
    return [values[root] for root in program.roots]


def apply(op: str, x: Expansion) -> Expansion:
    """Return a function of one argument."""
    return _UNARY[op](x)


def _wave(name: str) -> Callable[[Expansion], Expansion]:
    def apply_wave(x: Expansion) -> Expansion:
        grows, first, rest = parts(x)
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
    return (exp(x) - exp(-x)).times(HALF)


def _cosh(x: Expansion) -> Expansion:
    return (exp(x) + exp(-x)).times(HALF)


def _tanh(x: Expansion) -> Expansion:
    one = constant(x.end, ONE)
    if _growth(x) > 0:
        falling = exp(x.times(fmpq(-2)))
        return quotient(one - falling, one + falling)
    rising = exp(x.times(fmpq(2)))
    return quotient(rising - one, rising + one)


def _sigmoid(x: Expansion) -> Expansion:
    one = constant(x.end, ONE)
    if _growth(x) > 0:
        return quotient(one, one + exp(-x))
    rising = exp(x)
    return quotient(rising, one + rising)


def _softplus(x: Expansion) -> Expansion:
    one = constant(x.end, ONE)
    return x + log(one + exp(-x)) if _growth(x) > 0 else log(one + exp(x))


def _asinh(x: Expansion) -> Expansion:
    if _growth(x) < 0:
        return -_asinh(-x)
    return log(x + root(constant(x.end, ONE) + x * x))


def _atan(x: Expansion) -> Expansion:
    sign = _growth(x)
    if sign:
        return constant(x.end, arb.pi() / 2 * sign) - _atan(raised(x, fmpq(-1)))
    _, first, rest = parts(x)
    return compose(rest, lambda s: s.atan(), first)


def _erfc_growing(x: Expansion) -> Expansion:
    """Return erfc(x) for an x that grows to infinity: at most exp(-x*x) for x >= 0."""
    return exp(-(x * x)) * bounded(x.end, _UNIT)


def _erf(x: Expansion) -> Expansion:
    sign = _growth(x)
    if sign:
        return (constant(x.end, ONE) - _erfc_growing(x.times(fmpq(sign)))).times(fmpq(sign))
    _, first, rest = parts(x)
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
        grows, first, rest = parts(x)
        if not grows.is_zero:
            raise Undecided
        return compose_from(rest, coefficients, first)

    return apply_bessel


def _scaled_bessel(name: str, order: int, range_when_growing: Ball) -> Callable[[Expansion], Expansion]:
    plain = _bessel(order)

    def apply_bessel(x: Expansion) -> Expansion:
        if _growth(x):
            return bounded(x.end, range_when_growing)
        try:
            return exp(-magnitude(x)) * plain(x)
        except Undecided:
            return bounded(x.end, UNARY[name](x.ball()))

    return apply_bessel


_UNARY: dict[str, Callable[[Expansion], Expansion]] = {
    "neg": lambda x: -x,
    "exp": exp,
    "log": log,
    "sqrt": root,
    "square": lambda x: x * x,
    "abs": magnitude,
    "sign": signum,
    "relu": ramp,
    "sin": _wave("sin"),
    "cos": _wave("cos"),
    "tan": lambda x: quotient(_wave("sin")(x), _wave("cos")(x)),
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
    "div": quotient,
    "max": larger,
    "min": smaller,
}
