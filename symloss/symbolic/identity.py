"""Which candidates are the same loss, and a name that says so.

For hard labels, a softmax output and C >= 3 two losses train alike exactly when their response curves agree up to a
common multiple of p (the softmax sums to one, so it cancels in the logit gradient) and a positive factor. Both
freedoms are divided out here; what is left is the loss's signature.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, ctx

from symloss.formula import Formula, to_text
from symloss.symbolic.balls import PRECISION, ball, response_balls

#: Where signatures are compared: spread over (0, 1), and near both ends, where a clipped loss differs from the whole.
#: None is a number that a formula is likely to change its branch at, where its slope would have no value.
_MIDDLE = [Fraction(n, 1009) for n in (89, 211, 373, 503, 631, 809)]
_ENDS = [Fraction(1, n) for n in (1_000_000_007, 10_007, 101)]
_POINTS = _MIDDLE + _ENDS + [1 - point for point in _ENDS]
_REFERENCE = _MIDDLE.index(Fraction(503, 1009))

#: Digits of a normalised signature that a name keeps. Signatures carry over 45, so rounding never decides.
_NAME_DIGITS = 25


@dataclass(frozen=True)
class Signature:
    """The response curves at 12 points, both freedoms divided out, as balls of over 45 digits.

    Their values between the ends have norm 1, and at the ends they may be of any size: a loss that grows without bound
    there must not hide what it does elsewhere.
    """

    values: tuple[Any, ...]

    def agrees(self, other: Signature) -> bool:
        """Whether the two are one loss: all values equal to 40 digits, or 40 decimals below 1."""
        with ctx.workprec(PRECISION):
            tolerance = arb(10) ** -40
            return all(bool(abs(a - b) < tolerance * _size(a)) for a, b in zip(self.values, other.values, strict=True))


def _size(value: Any) -> Any:
    """Return the absolute value of a ball, or 1 if that is more."""
    return abs(value).max(1)


def signature(formula: Formula) -> Signature | None:
    """Return the signature of a loss, or None if it has no gradient or no provable value at the points."""
    curves = response_balls(formula, _POINTS)
    with ctx.workprec(PRECISION):
        reference = curves[_REFERENCE][0] / ball(_POINTS[_REFERENCE])
        values = []
        for point, (r0, r1) in zip(_POINTS, curves, strict=True):
            values += [r1 - r0, r0 - ball(point) * reference]
        # A loss may be flat between the ends, so that only they can give the scale.
        norm = _norm(values[: 2 * len(_MIDDLE)])
        if not norm > 0:
            norm = _norm(values)
        if not norm > 0:
            return None
        normalised = tuple(value / norm for value in values)
        if not all(value.is_finite() and value.rad() < arb(10) ** -45 * _size(value) for value in normalised):
            return None
        return Signature(normalised)


def _norm(values: list[Any]) -> Any:
    return sum((value * value for value in values), arb(0)).sqrt()


def loss_id(formula: Formula) -> str:
    """Return 16 hexadecimal digits that are equal exactly for equivalent losses.

    A loss whose signature cannot be proven (a domain gap, or no gradient) is named by its text, so it equals only
    itself.
    """
    known = signature(formula)
    if known is None:
        content = "text:" + to_text(formula)
    else:
        with ctx.workprec(PRECISION):
            content = "curves:" + ",".join(_digits(value) for value in known.values)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _digits(value: Any) -> str:
    """Return the digits that a name keeps: decimals of a small value, leading digits of a large one."""
    scale = 0
    while abs(value) > 1:
        step = max(1, int(float(abs(value).log() / arb(10).log())))
        value, scale = value / arb(10) ** step, scale + step
    number = (value * arb(10) ** _NAME_DIGITS + arb(1) / 2).floor().unique_fmpz()
    return f"{number}e{scale}"


@dataclass
class IdentityIndex:
    """The losses known so far, and the question whether a new one is among them.

    A cheap fingerprint of float64 curves finds the few that could be equal; each hit is confirmed at 40 digits. The
    cost of a look-up does not depend on how many losses are known.
    """

    _cells: dict[int, list[int]] = field(default_factory=dict)
    _fingerprints: list[np.ndarray] = field(default_factory=list)
    _formulas: list[Formula] = field(default_factory=list)
    _signatures: dict[int, Signature | None] = field(default_factory=dict)
    _texts: dict[Formula, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._formulas)

    def find(self, formula: Formula, fingerprint: np.ndarray) -> Formula | None:
        """Return the known formula that is the same loss, or None.

        Args:
            formula: the candidate.
            fingerprint: from :func:`fingerprint`.
        """
        known = self._texts.get(formula)
        if known is not None:
            return self._formulas[known]
        cell = _cell(fingerprint)
        own: Signature | None = None
        for neighbour in (cell - 1, cell, cell + 1):
            for position in self._cells.get(neighbour, ()):
                if np.abs(self._fingerprints[position] - fingerprint).max() > _TOLERANCE:
                    continue
                own = own or signature(formula)
                other = self._signature(position)
                if own is not None and other is not None and own.agrees(other):
                    return self._formulas[position]
        return None

    def add(self, formula: Formula, fingerprint: np.ndarray) -> None:
        """Remember a loss that :meth:`find` did not know."""
        position = len(self._formulas)
        self._formulas.append(formula)
        self._fingerprints.append(fingerprint)
        self._texts[formula] = position
        self._cells.setdefault(_cell(fingerprint), []).append(position)

    def _signature(self, position: int) -> Signature | None:
        if position not in self._signatures:
            self._signatures[position] = signature(self._formulas[position])
        return self._signatures[position]


_TOLERANCE = 1e-6
_WEIGHTS = np.random.Generator(np.random.Philox(20240412)).normal(size=4096)


def fingerprint(r0: np.ndarray, r1: np.ndarray, p: np.ndarray, reference: int) -> np.ndarray:
    """Return the curves as one unit vector with both freedoms divided out (float64, so equal to about 1e-9).

    Args:
        r0, r1: response curves ``[G]``.
        p: their probabilities ``[G]``.
        reference: the index of the point where the multiple of p is fixed.
    """
    vector = np.concatenate([r1 - r0, r0 - p * (r0[reference] / p[reference])])
    vector /= np.abs(vector).max()  # so that no square overflows or underflows
    return vector / np.sqrt(vector @ vector)


def _cell(fingerprint: np.ndarray) -> int:
    """Return the cell of a fixed random projection; equal losses differ by far less than one cell's width."""
    return int(np.floor(fingerprint @ _WEIGHTS[: fingerprint.size] / (8 * _TOLERANCE)))
