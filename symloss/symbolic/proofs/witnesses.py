"""What stands in the way of a proof at one place: a gap in the domain, a pole, a leap, or an end without a bound."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from flint import arb, ctx

from symloss.symbolic.proofs.cells import FINE_BITS, Cell
from symloss.symbolic.proofs.intervals import enclose, is_certainly_undefined, signs_at
from symloss.symbolic.proofs.program import Program

Ball = Any

#: Two sides of a switch are one value if they differ by less than 2**-this times the distance from the end.
_SAME_BITS = 100
_MAX_SWITCHES = 4


@dataclass(frozen=True)
class Witness:
    """A place where a formula has no finite value, or takes one too many.

    Attributes:
        p: the probability.
        value: the formula's value there; None where it has none.
        reason: one line.
    """

    p: float
    value: float | None
    reason: str


def gap(program: Program, cell: Cell) -> Witness | None:
    """Return a witness if a formula surely has no value at the middle of the cell."""
    with ctx.workprec(FINE_BITS):
        if not is_certainly_undefined(program, *cell.point()):
            return None
    return Witness(sum(cell.bounds()) / 2, None, f"no finite value at p = {cell.text()}")


def pole(program: Program, cell: Cell) -> Witness | None:
    """Return a witness if the values grow without bound towards a point, as far as so small a cell can tell."""
    witness = gap(program, cell)
    if witness is not None:
        return witness
    with ctx.workprec(FINE_BITS):
        value = enclose(program, *cell.point())[0][-1]
        outer = Cell(cell.side, cell.number >> 40, cell.exponent - 40)
        farther = enclose(program, *outer.point(0 if cell.number >> 40 << 40 != cell.number else 2))[0][-1]
        if value.is_finite() and farther.is_finite() and abs(value) > 16 * abs(farther) + 1:
            p = sum(cell.bounds()) / 2
            return Witness(p, _float(value), f"a pole at p = {cell.text()}")
    return None


def at_switch(program: Program, cell: Cell, undecided: list[int]) -> tuple[float, float] | Witness | None:
    """Return the range where signs switch, a witness if the value leaps there, or None if that is unknown."""
    if len(undecided) > _MAX_SWITCHES:
        return None
    # The two sides as they are just outside the cell: if their enclosures are apart, there is a leap, however small.
    sides = []
    for place in (0, 2):
        at = cell.point(place)
        signs = signs_at(program, at, undecided)
        if 0 not in signs:
            sides.append(enclose(program, *cell.balls(), dict(zip(undecided, signs, strict=True)))[0])
    if len(sides) == 2:
        for below, above in zip(*sides, strict=True):
            if not below.overlaps(above):
                before, after = (sides[0][-1], sides[1][-1]) if cell.side == 0 else (sides[1][-1], sides[0][-1])
                p = sum(cell.bounds()) / 2
                if before.overlaps(after):
                    return Witness(p, None, f"the loss leaps at p = {cell.text()}")
                leap = f"a leap from {_float(before):.6g} to {_float(after):.6g} at p = {cell.text()}"
                return Witness(p, None, leap)
    outcomes = []
    for choice in product((-1, 0, 1), repeat=len(undecided)):
        roots, _ = enclose(program, *cell.balls(), dict(zip(undecided, choice, strict=True)))
        if not all(root.is_finite() for root in roots):
            return None
        outcomes.append(roots)
    hulls = [_hull(values) for values in zip(*outcomes, strict=True)]
    if all(hull.rad() < arb((cell.number + 1, -cell.exponent - _SAME_BITS)) for hull in hulls):
        return floats(hulls[-1])
    return None


def witness_at_end(program: Program, side: int, exponent: int, what: str) -> Witness:
    cell = Cell(side, 1, max(exponent, 60))
    with ctx.workprec(FINE_BITS):
        value = enclose(program, *cell.point())[0][-1]
    # A float cannot hold 1 - 2**-60, so there the end itself is named.
    p = cell.bounds()[0] if side == 0 else 1.0
    return Witness(p, _float(value) if value.is_finite() else None, f"{what} p = {side}")


def _hull(values: Iterator[Ball] | tuple[Ball, ...]) -> Ball:
    first, *others = values
    for value in others:
        first = first.union(value)
    return first


def floats(ball: Ball) -> tuple[float, float]:
    """Return floats below and above all of a ball."""
    if ball.is_zero():
        return 0.0, 0.0
    return math.nextafter(float(ball.lower()), -math.inf), math.nextafter(float(ball.upper()), math.inf)


def _float(ball: Ball) -> float:
    return float(ball.mid())
