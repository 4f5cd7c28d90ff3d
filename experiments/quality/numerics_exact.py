"""Values and logit gradients of class-wise losses by mpmath, written apart from symloss's own machinery.

Everything is computed at the working precision that is set when a function is called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import mpmath
import numpy as np
from curves import Undefined, evaluate, real
from mpmath import mpf

from symloss.formula import Formula

#: With logits 200 apart q = 1 - p keeps 113 of these, and its square over another q still some.
DIGITS = 200
#: What an entry that looks wrong is computed with again.
CONFIRMED = 420
_HALF_ULP = mpf(2) ** -24


@dataclass
class Row:
    """Logits of one sample, taken exactly, and the probabilities of the different ones among them."""

    name: str
    logits: np.ndarray  # float32 [C]
    output: str = "softmax"

    def __post_init__(self) -> None:
        different, self.place, counts = np.unique(self.logits, return_inverse=True, return_counts=True)
        self.counts = [int(count) for count in counts]
        if self.output == "sigmoid":
            self.p = [1 / (1 + mpmath.exp(-mpf(float(z)))) for z in different]
        else:
            weights = [mpmath.exp(mpf(float(z)) - mpf(float(different[-1]))) for z in different]
            total = mpmath.fsum(count * weight for count, weight in zip(self.counts, weights, strict=True))
            self.p = [weight / total for weight in weights]
        self.q = [1 - p for p in self.p]
        #: How much the other classes' responses count in a class's logit gradient.
        self.coupling = [mpf(0) if self.output == "sigmoid" else p for p in self.p]

    @cached_property
    def odds(self) -> list[mpf]:
        """log(p/q) of each different logit."""
        return [mpmath.log(p / q) for p, q in zip(self.p, self.q, strict=True)]


class Curves:
    """L(p, y) and p*dL/dp of one formula at the probabilities of one row, each computed once."""

    def __init__(self, formula: Formula, row: Row) -> None:
        self.formula = formula
        self.row = row
        self._known: dict[tuple[int, int], tuple[mpf, mpf]] = {}
        self._moved: dict[tuple[int, int], tuple[mpf, mpf]] = {}

    def __call__(self, place: int, label: int) -> tuple[mpf, mpf]:
        """Return value and response at one of the different logits.

        Raises:
            Undefined: no real value or slope there.
        """
        if (place, label) not in self._known:
            self._known[place, label] = self._at(self.row.p[place], label)
        return self._known[place, label]

    def moved(self, place: int, label: int) -> tuple[mpf, mpf]:
        """Return how far rounding the log-odds to float32 can move value and response."""
        if (place, label) not in self._moved:
            odds = self.row.odds[place]
            step = _HALF_ULP * (2 + abs(odds))
            value, response = self(place, label)
            sizes = [mpf(0), mpf(0)]
            for near in (odds - step, odds + step):
                try:
                    other = self._at(1 / (1 + mpmath.exp(-near)), label)
                except Undefined:
                    other = (mpf("inf"), mpf("inf"))
                sizes = [max(sizes[0], abs(other[0] - value)), max(sizes[1], abs(other[1] - response))]
            self._moved[place, label] = (sizes[0], sizes[1])
        return self._moved[place, label]

    def _at(self, p: mpf, label: int) -> tuple[mpf, mpf]:
        value, slope = evaluate(self.formula, p, label)
        return real(value), mpf(0) if slope is None else p * slope


@dataclass
class Exact:
    """Value and logit gradient of one sample in float64, and the sizes of the terms that each is a sum of."""

    value: float
    value_size: float
    gradient: np.ndarray
    gradient_size: np.ndarray

    def entries(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Return results and sizes of "value" or "gradient"."""
        if kind == "value":
            return np.array([self.value]), np.array([self.value_size])
        return self.gradient, self.gradient_size


def exact(curves: Curves, true: int) -> Exact:
    """Return what the loss of a row with this true class is.

    With r = p*dL/dp of each class, dL/dz_c = q_c*r_c, and of a softmax - p_c * sum over the other classes of r_k.

    Raises:
        Undefined: the formula has no real value or slope at one of the probabilities.
    """
    row = curves.row
    results = _sums(row, true, curves, lambda a: a, lambda k, own, rest: row.q[k] * own - row.coupling[k] * rest)
    sizes = _sums(row, true, curves, abs, lambda k, own, rest: row.q[k] * own + row.coupling[k] * rest)
    return Exact(results[0], sizes[0], results[1], sizes[1])


def roundings(curves: Curves, true: int) -> Exact:
    """Return how far results move, to first order, when the log-odds of every class are rounded to float32."""
    row = curves.row

    def through_responses(k: int, own: mpf, rest: mpf) -> mpf:
        return row.q[k] * own + row.coupling[k] * rest

    def through_probabilities(k: int, own: mpf, rest: mpf) -> mpf:
        # p and q move by p*q times the step of the log-odds.
        step = row.q[k] * _HALF_ULP * (2 + abs(row.odds[k]))
        return step * (row.p[k] * abs(own) + row.coupling[k] * abs(rest))

    value, gradient = _sums(row, true, curves.moved, lambda a: a, through_responses)
    gradient = gradient + _sums(row, true, curves, lambda a: a, through_probabilities)[1]
    return Exact(value, 0.0, gradient, np.zeros_like(gradient))


def _sums(
    row: Row,
    true: int,
    curves: Callable[[int, int], tuple[mpf, mpf]],
    of: Callable[[mpf], mpf],
    combine: Callable[[int, mpf, mpf], mpf],
) -> tuple[float, np.ndarray]:
    """Return the sum of all values, and ``combine(place, own response, sum of the others')`` of every class."""
    place = int(row.place[true])
    value, response = map(of, curves(place, 1))
    others = [(k, count - (k == place)) for k, count in enumerate(row.counts) if count > (k == place)]
    rest = {k: tuple(map(of, curves(k, 0))) for k, _ in others}
    value += mpmath.fsum(count * rest[k][0] for k, count in others)
    total = response + mpmath.fsum(count * rest[k][1] for k, count in others)
    found = np.zeros(len(row.counts))
    for k, _ in others:
        found[k] = _float(combine(k, rest[k][1], total - rest[k][1]))
    gradient = found[row.place]
    gradient[true] = _float(combine(place, response, total - response))
    return _float(value), gradient


def _float(number: mpf) -> float:
    return float(number) if mpmath.isfinite(number) else float("inf")
