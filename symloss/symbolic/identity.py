"""Which candidates are the same loss, and a name that says so.

For hard labels, a softmax output and C >= 3 two losses train alike exactly when their response curves agree up to a
common multiple of p (the softmax sums to one, so it cancels in the logit gradient) and a positive factor. Both
freedoms are divided out here; what is left is the loss's signature. Under a sigmoid multiples of p count; with soft
labels the curves must agree at every label, not only at 0 and 1.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from flint import arb, ctx

from symloss.errors import SymlossError
from symloss.formula import Formula, to_text
from symloss.symbolic.balls import HARD_LABELS, PRECISION, ball, response_balls, response_balls_of
from symloss.symbolic.switches import SWITCHING, Switch, plain_forms, switch_points

#: Where signatures are compared: spread over (0, 1), and near both ends, where a clipped loss differs from the whole.
_MIDDLE = [Fraction(n, 1009) for n in (89, 211, 503, 809)]
_ENDS = [Fraction(1, n) for n in (1_000_000_007, 10_007)]
_POINTS = _MIDDLE + _ENDS + [1 - point for point in _ENDS]
_REFERENCE = _MIDDLE.index(Fraction(503, 1009))

#: Where a piece between two switches is compared, as shares of its length: inside, and close to both its ends.
_SHARES = [Fraction(n, 1009) for n in (1, 331, 733, 1008)]

#: Soft labels at which the curves are compared, beside 0 and 1.
_SOFT_LABELS = (Fraction(17, 1009), Fraction(127, 1009), Fraction(509, 1009), Fraction(881, 1009))

#: Digits of a normalised signature that a name keeps, and of a switch's distance from the nearer end. Signatures carry
#: over 60, switches 30, so rounding never decides.
_NAME_DIGITS, _SWITCH_DIGITS = 48, 25
_PROVEN_DIGITS, _AGREED_DIGITS = 60, 50


@dataclass(frozen=True)
class Identity:
    """What makes two losses one.

    Attributes:
        output: ``"softmax"``, or ``"sigmoid"``, under which a multiple of p has an effect.
        soft_labels: whether labels may lie between 0 and 1, so that ``y_true**2`` is not ``y_true``.
    """

    output: str = "softmax"
    soft_labels: bool = False

    @property
    def labels(self) -> tuple[Fraction, ...]:
        """The labels at which responses are compared; 0 comes first."""
        return HARD_LABELS + _SOFT_LABELS if self.soft_labels else HARD_LABELS


#: Hard labels under a softmax, which all searches use so far.
HARD_SOFTMAX = Identity()


@dataclass(frozen=True)
class Signature:
    """The response curves at 8 points, the freedoms divided out, as balls of over 60 digits.

    Their values between the ends have norm 1, and at the ends they may be of any size: a loss that grows without bound
    there must not hide what it does elsewhere.

    Attributes:
        values: at the 8 points; where the loss switches branches, at 4 more of each piece. None where it has no value.
        switches: where it does.
    """

    values: tuple[Any, ...]
    switches: tuple[Switch, ...] = ()

    def agrees(self, other: Signature) -> bool:
        """Whether the two are one loss: all values equal to 50 digits, or 50 decimals below 1, switches to 28."""
        if len(self.switches) != len(other.switches):
            return False
        if not all(a.agrees(b) for a, b in zip(self.switches, other.switches, strict=True)):
            return False
        with ctx.workprec(PRECISION):
            tolerance = arb(10) ** -_AGREED_DIGITS
            return all(
                a is b is None or (a is not None and b is not None and bool(abs(a - b) < tolerance * _size(a)))
                for a, b in zip(self.values, other.values, strict=True)
            )


def _size(value: Any) -> Any:
    """Return the absolute value of a ball, or 1 if that is more."""
    return abs(value).max(1)


def signature(formula: Formula, identity: Identity = HARD_SOFTMAX) -> Signature | None:
    """Return the signature of a loss, or None if it has no gradient or no provable value at the points."""
    switches: tuple[Switch, ...] | None = ()
    try:
        # With one label at a time parts cancel that do not for all labels, such as y_pred - y_pred*exp(y_true).
        forms = () if identity.soft_labels else plain_forms(formula)
        if any(node.op in SWITCHING for node in formula.walk()):
            switches = switch_points(forms or plain_forms(formula))
    except SymlossError:
        return None
    if switches is None:
        return None
    points = [*_POINTS, *_piece_points(switches)]
    if identity.soft_labels:
        curves = response_balls(formula, points, identity.labels)
    else:
        curves = response_balls_of(forms, points)
    return _normalised(points, curves, switches, identity)


def _normalised(
    points: list[Fraction], curves: list[tuple[Any, ...]], switches: tuple[Switch, ...], identity: Identity
) -> Signature | None:
    """Divide the freedoms out of responses at the points."""
    with ctx.workprec(PRECISION):
        reference = curves[_REFERENCE][0] / ball(_POINTS[_REFERENCE]) if identity.output == "softmax" else arb(0)
        values = []
        for point, (r0, *others) in zip(points, curves, strict=True):
            values += [*(r - r0 for r in others), r0 - ball(point) * reference]
        # A loss may be flat between the ends, so that only they can give the scale.
        norm = _norm(values[: len(identity.labels) * len(_MIDDLE)])
        if not norm > 0:
            norm = _norm(values)
        if not norm > 0:
            return None
        normalised = [value / norm if value.is_finite() else None for value in values]
        limit = arb(10) ** -_PROVEN_DIGITS
        if not all(value is None or value.rad() < limit * _size(value) for value in normalised):
            return None
        return Signature(tuple(normalised), switches)


def same_loss(a: Formula, b: Formula, identity: Identity = HARD_SOFTMAX) -> bool:
    """Whether two formulas are one loss: their signatures agree to 50 digits, or they are written the same."""
    if a == b:
        return True
    first, second = signature(a, identity), signature(b, identity)
    return first is not None and second is not None and first.agrees(second)


def _piece_points(switches: tuple[Switch, ...]) -> list[Fraction]:
    """Return points of each piece between switches, rounded so that all ways to write a loss have the same."""
    if not switches:
        return []
    points = []
    for low, high in pairwise([Fraction(0), *(switch.p for switch in switches), Fraction(1)]):
        length = high - low
        for share in _SHARES:
            # Rounded by the distance to the nearer end, as that is what a switch is known by.
            point = low + share * length
            near = min(point, 1 - point, length)
            scale = 2 ** (30 + near.denominator.bit_length() - near.numerator.bit_length())
            points.append(Fraction(int(point * scale), scale))
    return points


def _norm(values: list[Any]) -> Any:
    return sum((value * value for value in values), arb(0)).sqrt()


def loss_id(formula: Formula, identity: Identity = HARD_SOFTMAX) -> str:
    """Return 16 hexadecimal digits that are equal exactly for equivalent losses.

    A loss whose signature cannot be proven (a domain gap, or no gradient) is named by its text, so it equals only
    itself.
    """
    known = signature(formula, identity)
    if known is None:
        content = "text:" + to_text(formula)
    else:
        with ctx.workprec(PRECISION):
            content = "curves:" + ",".join("none" if value is None else _digits(value) for value in known.values)
        if known.switches:
            content += ";switches:" + ",".join(switch.text(_SWITCH_DIGITS) for switch in known.switches)
    if identity != HARD_SOFTMAX:
        content = f"{identity.output},{'soft' if identity.soft_labels else 'hard'};{content}"
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

    A few projections of a cheap fingerprint of float64 curves find those that could be equal; each hit is confirmed at
    50 digits. The cost of a look-up does not depend on how many losses are known.

    Args:
        identity: what makes two losses one.
    """

    identity: Identity = HARD_SOFTMAX
    _cells: dict[int, list[int]] = field(default_factory=dict)
    _marks: list[np.ndarray] = field(default_factory=list)
    _formulas: list[Formula] = field(default_factory=list)
    _signatures: dict[int, Signature | None] = field(default_factory=dict)
    _texts: dict[Formula, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._texts)

    def find(self, formula: Formula, fingerprint: np.ndarray) -> Formula | None:
        """Return the known formula that is the same loss, or None.

        Args:
            formula: the candidate.
            fingerprint: from :func:`fingerprint`.
        """
        known = self._texts.get(formula)
        if known is not None:
            return self._formulas[known]
        mark = _mark(fingerprint)
        cell = _cell(mark)
        own: Signature | None = None
        for neighbour in (cell - 1, cell, cell + 1):
            for position in self._cells.get(neighbour, ()):
                if np.abs(self._marks[position] - mark).max() > _REACH:
                    continue
                own = own or signature(formula, self.identity)
                other = self._signature(position)
                if own is not None and other is not None and own.agrees(other):
                    return self._formulas[position]
        return None

    def add(self, formula: Formula, fingerprint: np.ndarray) -> None:
        """Remember a loss that :meth:`find` did not know."""
        position = len(self._formulas)
        mark = _mark(fingerprint)
        self._formulas.append(formula)
        self._marks.append(mark)
        self._texts[formula] = position
        self._cells.setdefault(_cell(mark), []).append(position)

    def forget(self, formula: Formula) -> None:
        """Take back what was added: :meth:`find` does not know it any more."""
        position = self._texts.pop(formula)
        self._cells[_cell(self._marks[position])].remove(position)

    def _signature(self, position: int) -> Signature | None:
        if position not in self._signatures:
            self._signatures[position] = signature(self._formulas[position], self.identity)
        return self._signatures[position]


#: How far the curves of equal losses may differ by rounding, and with it each projection and a cell's half width.
_TOLERANCE = 1e-6
_REACH = 4 * _TOLERANCE
#: Projections that are kept of a fingerprint: whole ones of 200,000 losses would take most of a gigabyte.
_PROJECTIONS = 12
_WEIGHTS = np.random.Generator(np.random.Philox(20240412)).normal(size=(4096, _PROJECTIONS))


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


def _mark(fingerprint: np.ndarray) -> np.ndarray:
    """Return the projections ``[12]`` of a fingerprint on fixed random directions."""
    return fingerprint @ _WEIGHTS[: fingerprint.size]


def _cell(mark: np.ndarray) -> int:
    """Return the cell of the first projection; equal losses differ by far less than one cell's width."""
    return int(np.floor(mark[0] / (2 * _REACH)))
