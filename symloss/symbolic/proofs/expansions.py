"""Expansions at an end of [0, 1] with proven remainders: limits, growth and bounds where plain intervals give nothing.

Near p = 0 write t = p, near p = 1 write t = 1 - p, and l = -log(t). On (0, h] a function is held as

    sum of c * t**a * l**b   +   R * t**r * l**s

with exact exponents, coefficients c that are exact or tight balls, and a remainder whose factor R(t) stays in a ball on
the whole of (0, h]. Sums, products, quotients and the functions of the whitelist take such expansions to such
expansions, so that ``p * (1/p)`` is 1 and ``p * log(p)`` goes to 0 by proof. (Power series with logarithms, as in
Richardson, Salvy, Shackell and van der Hoeven, "Asymptotic expansions of exp-log functions", ISSAC 1996, cut off with
Lagrange's remainder.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flint import arb, fmpq

Ball = Any
Number = Any  # fmpq where it is exact, else a ball

ZERO, ONE, HALF = fmpq(0), fmpq(1), fmpq(1, 2)
_HEIGHT_BITS = 4000


class Undecided(Exception):
    """The expansion does not go far enough, or has no form of this kind."""


class OutOfDomain(Exception):
    """The formula has no real value near the end."""


@dataclass(frozen=True, order=True)
class Scale:
    """``t**power * l**(-order)``: of two scales the lesser dominates as t goes to 0."""

    power: fmpq
    order: fmpq

    def __mul__(self, other: Scale) -> Scale:
        return Scale(self.power + other.power, self.order + other.order)

    def __truediv__(self, other: Scale) -> Scale:
        return Scale(self.power - other.power, self.order - other.order)

    def raised(self, exponent: fmpq) -> Scale:
        """Return the scale to a power."""
        return Scale(self.power * exponent, self.order * exponent)

    def __hash__(self) -> int:
        return hash((int(self.power.p), int(self.power.q), int(self.order.p), int(self.order.q)))

    @property
    def grows(self) -> bool:
        """Whether it has no bound as t goes to 0."""
        return self < FLAT


FLAT = Scale(ZERO, ZERO)
LOG = Scale(ZERO, fmpq(-1))


class End:
    """A neighbourhood (0, h] of t = 0.

    Args:
        exponent: h is 2**-exponent, at least 2.
        terms: how many terms an expansion keeps beside its remainder.
    """

    def __init__(self, exponent: int, terms: int) -> None:
        self.terms = terms
        self.log = arb(2).log() * exponent  # the least l
        self.h = arb(fmpq(1, 2**exponent))
        self._ranges: dict[Scale, Ball] = {}

    def range(self, scale: Scale) -> Ball:
        """Return a ball that holds the scale's values on (0, h].

        Raises:
            Undecided: it grows without bound.
        """
        found = self._ranges.get(scale)
        if found is None:
            found = self._ranges[scale] = self._range(scale)
        return found

    def _range(self, scale: Scale) -> Ball:
        if scale == FLAT:
            return arb(1)
        if scale.grows:
            raise Undecided
        power, b = arb(scale.power), -arb(scale.order)
        where = self.log
        if scale.power > 0 and b / power > where:  # t**a * l**b has its largest value at l = b/a
            where = b / power
        return arb(0).union((-power * where).exp() * where**b)

    def slow(self, root: fmpq) -> Ball:
        """Return a ball that holds log(l) * l**-root on (0, h], for l >= 1: at most 1/(e*root)."""
        largest = 1 / (arb(root) * arb(1).exp())
        at_h = self.log.log() / self.log ** arb(root)
        if self.log > (1 / arb(root)).exp():
            largest = at_h
        return arb(0).union(largest)


class Expansion:
    """One function on (0, h]; see the module's text.

    Attributes:
        end: the neighbourhood.
        terms: coefficients by scale.
        rest: the remainder's ball, or None where there is none.
        rest_scale: its scale.
    """

    __slots__ = ("end", "rest", "rest_scale", "terms")

    def __init__(
        self, end: End, terms: dict[Scale, Number], rest: Ball | None = None, rest_scale: Scale = FLAT
    ) -> None:
        self.end = end
        self.rest, self.rest_scale = rest, rest_scale
        self.terms: dict[Scale, Number] = {}
        kept = []
        for scale, value in terms.items():
            if isinstance(value, fmpq):
                if value != 0:  # a rational of a thousand digits is no better than a ball
                    kept.append((scale, value if value.height_bits() < _HEIGHT_BITS else arb(value)))
            elif value.contains(0):
                if not value.is_zero():
                    self._absorb(value, scale)
            else:
                kept.append((scale, value))
        if len(kept) > 1:
            kept.sort(key=lambda item: item[0])
        for scale, value in kept:
            if len(self.terms) < end.terms and (self.rest is None or scale < self.rest_scale):
                self.terms[scale] = value
            else:
                self._absorb(value, scale)

    def _absorb(self, value: Any, scale: Scale) -> None:
        """Take ``value * scale``, where the value is anything in a ball, into the remainder."""
        value = arb(value)
        if self.rest is None:
            self.rest, self.rest_scale = value, scale
        elif self.rest_scale <= scale:
            self.rest = self.rest + value * self.end.range(scale / self.rest_scale)
        else:
            self.rest = value + self.rest * self.end.range(self.rest_scale / scale)
            self.rest_scale = scale
            for other in [other for other in self.terms if not other < scale]:
                self.rest = self.rest + arb(self.terms.pop(other)) * self.end.range(other / scale)

    @property
    def is_zero(self) -> bool:
        """Whether it is 0 exactly."""
        return not self.terms and self.rest is None

    @property
    def constant(self) -> Number | None:
        """Its value if it is a number, else None."""
        if self.rest is not None or len(self.terms) > 1:
            return None
        return self.terms.get(FLAT) if self.terms else ZERO

    @property
    def varies(self) -> bool:
        """Whether even the leading coefficient is only known to stay in a ball."""
        return not self.terms

    def lead(self) -> tuple[Number | None, Scale]:
        """Return the coefficient and the scale that dominate; None for a coefficient that varies."""
        for scale, value in self.terms.items():
            return value, scale
        return None, self.rest_scale

    def scaled(self) -> tuple[Ball, Scale]:
        """Return a ball B and a scale: the function is an element of B times the scale everywhere on (0, h]."""
        if self.is_zero:
            return arb(0), FLAT
        _, top = self.lead()
        total = arb(0)
        for scale, value in self.terms.items():
            total = total + (arb(value) if scale == top else arb(value) * self.end.range(scale / top))
        if self.rest is not None:
            total = total + self.rest * self.end.range(self.rest_scale / top)
        return total, top

    def ball(self) -> Ball:
        """Return a ball that holds all values on (0, h].

        Raises:
            Undecided: it grows.
        """
        total = arb(0)
        for scale, value in self.terms.items():
            total = total + arb(value) * self.end.range(scale)
        if self.rest is not None:
            total = total + self.rest * self.end.range(self.rest_scale)
        return total

    def sign(self) -> int:
        """Return 1, -1 or 0: the sign on all of (0, h].

        Raises:
            Undecided: it is not known to be one.
        """
        if self.is_zero:
            return 0
        total, _ = self.scaled()
        if total > 0:
            return 1
        if total < 0:
            return -1
        raise Undecided

    def __add__(self, other: Expansion) -> Expansion:
        terms = dict(self.terms)
        for scale, value in other.terms.items():
            terms[scale] = terms[scale] + value if scale in terms else value
        if other.rest is None:
            return Expansion(self.end, terms, self.rest, self.rest_scale)
        result = Expansion(self.end, terms, other.rest, other.rest_scale)
        if self.rest is not None:
            result._absorb(self.rest, self.rest_scale)
        return result

    def __neg__(self) -> Expansion:
        return self.times(fmpq(-1))

    def __sub__(self, other: Expansion) -> Expansion:
        return self + -other

    def times(self, factor: Number, scale: Scale = FLAT) -> Expansion:
        """Return the product with ``factor * scale``."""
        result = Expansion.__new__(Expansion)
        result.end = self.end
        result.terms = {own * scale: value * factor for own, value in self.terms.items()}
        result.rest = None if self.rest is None else self.rest * arb(factor)
        result.rest_scale = self.rest_scale * scale
        return result

    def __mul__(self, other: Expansion) -> Expansion:
        if self.is_zero or other.is_zero:
            return Expansion(self.end, {})
        for one, two in ((self, other), (other, self)):
            if one.rest is None and len(one.terms) == 1:
                value, scale = one.lead()
                return two.times(value, scale)
        terms: dict[Scale, Number] = {}
        for scale, value in self.terms.items():
            for second, factor in other.terms.items():
                product = scale * second
                terms[product] = terms[product] + value * factor if product in terms else value * factor
        if self.rest is None and other.rest is None:
            return Expansion(self.end, terms)
        rests = []
        if self.rest is not None:
            size, scale = other.scaled()
            rests.append((self.rest * size, self.rest_scale * scale))
        if other.rest is not None:  # without its product with the other remainder, which is above
            known = Expansion(self.end, self.terms)
            size, scale = known.scaled()
            if not known.is_zero:
                rests.append((other.rest * size, other.rest_scale * scale))
        result = Expansion(self.end, terms, *rests[0])
        for rest in rests[1:]:
            result._absorb(*rest)
        return result

    def split(self) -> tuple[Number, Scale, Expansion]:
        """Return ``(c, s, d)`` with the function equal to ``c*s*(1 + d)``, where d is proven to stay above -1.

        Where only a remainder is left, c is its ball, of which the function may be any element: see :attr:`varies`.

        Raises:
            Undecided: no such form is known; among others, when it is 0.
        """
        value, scale = self.lead()
        if value is None:
            if self.rest is None or self.rest.contains(0):
                raise Undecided
            return self.rest, scale, Expansion(self.end, {})
        others = {s: v for s, v in self.terms.items() if s != scale}
        d = Expansion(self.end, others, self.rest, self.rest_scale).times(1 / value, ONE_SCALE / scale)
        if not d.ball() > -1:
            raise Undecided
        return value, scale, d


ONE_SCALE = FLAT


def constant(end: End, value: Number) -> Expansion:
    """Return the expansion of a number."""
    return Expansion(end, {FLAT: value})


def bounded(end: End, ball: Ball) -> Expansion:
    """Return something that stays in a ball, and of which no more is known."""
    return Expansion(end, {}, ball, FLAT)
