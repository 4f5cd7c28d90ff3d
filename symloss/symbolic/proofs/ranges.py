"""All values that a formula takes on [0, 1], by proof: intervals inside, expansions with remainders at the two ends."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from flint import arb, ctx

from symloss.symbolic.proofs.cells import COARSE_BITS, END_BITS, FINE_BITS, Cell
from symloss.symbolic.proofs.expansions import FLAT, End, OutOfDomain, Undecided
from symloss.symbolic.proofs.functions import expand
from symloss.symbolic.proofs.intervals import enclose
from symloss.symbolic.proofs.program import Program
from symloss.symbolic.proofs.witnesses import Witness, at_switch, floats, gap, pole, witness_at_end

Ball = Any

#: What is tried at an end: h = 2**-exponent, and how many terms an expansion has.
_EXPONENTS, _TERMS = (10, 40, 160, 1000), (2, 5)

#: How often a cell is halved: until its middle is asked for a value; until a leap is looked for; at most.
_ASK, _LEAP, _DEEPEST = 10, 48, 200
#: How many intervals may be looked at, and how many more to make the range tighter. To look for a witness in one costs
#: as much as to look at several.
_BUDGET, _REFINEMENTS, _MORE_REFINEMENTS, _SEARCH = 3000, 48, 600, 4
#: An enclosure this much wider than what is surely reached is made narrower; one wider than _FAR gets more tries,
#: unless it is this small.
_SLACK, _FAR, _SMALL = 1.05, 2.0, 1e-9


@dataclass
class Range:
    """What is known of a formula's values on [0, 1].

    Attributes:
        low, high: enclose all values on the parts that are settled.
        witness: why it is not bounded, or not finite and continuous inside (0, 1); None unless that is known.
        left: the intervals of p that stayed undecided.
        limits: the ends, 0 and 1, at which the values are proven to have a limit; bounded they may be without one.
    """

    low: float = math.inf
    high: float = -math.inf
    witness: Witness | None = None
    left: list[tuple[float, float]] = field(default_factory=list)
    limits: set[int] = field(default_factory=set)

    @property
    def proven(self) -> bool:
        """Whether the formula is finite and continuous inside (0, 1), and never leaves ``low`` to ``high``."""
        return self.witness is None and not self.left

    def take(self, low: float, high: float) -> None:
        """Widen the range."""
        self.low, self.high = min(self.low, low), max(self.high, high)


def prove_range(program: Program) -> Range:
    """Return the range of the last root; the other roots must have finite values inside (0, 1) wherever it has one.

    Close to the ends it is enough that the values stay bounded: they may have no limit there, as ``sin(log(y_pred))``.
    A value that leaps at a place inside is refuted too, with the place.
    """
    result = Range()
    cells = [piece for side in (0, 1) for piece in _EndPiece(side, 0).next(program, result)]
    if result.witness is None:
        _cover(program, cells, result)
    return result


@dataclass(frozen=True)
class _EndPiece:
    """What is next to an end: t in (0, 2**-exponent] with an enclosure of the values there, or not yet.

    Attributes:
        side: 0 for p = 0, 1 for p = 1.
        attempt: how many exponents were tried.
        values: the enclosure; None before the first attempt.
        exponent: of the enclosure.
    """

    side: int
    attempt: int
    values: Ball = None
    exponent: int = 1

    def next(self, program: Program, result: Range) -> list[Cell | _EndPiece]:
        """Return the piece for a greater exponent, and the cells between; notes what it finds instead in the result."""
        for attempt in range(self.attempt, len(_EXPONENTS)):
            exponent = _EXPONENTS[attempt]
            values = _values_at_end(program, self.side, exponent, result)
            if isinstance(values, Witness):
                result.witness = values
                return []
            if values is not None:
                cells: list[Cell | _EndPiece] = [Cell(self.side, 1, j) for j in range(self.exponent + 1, exponent + 1)]
                return [*reversed(cells), _EndPiece(self.side, attempt + 1, values, exponent)]
        if self.values is not None:
            return []
        h = 2.0 ** -_EXPONENTS[0]
        result.left.append((0.0, h) if self.side == 0 else (1 - h, 1.0))
        return [Cell(self.side, 1, j) for j in range(_EXPONENTS[0], 1, -1)]


def _cover(program: Program, cells: list[Cell | _EndPiece], result: Range) -> None:
    """Settle all cells, then halve those with the widest values until the range is tight."""
    settled: list[tuple[float, int, Cell | _EndPiece, float, float]] = []
    floor = 0.0
    number = count()
    budget, spare = _BUDGET, _REFINEMENTS

    def settle(piece: Cell | _EndPiece, values: Ball) -> None:
        nonlocal floor
        low, high = floats(values)
        floor = max(floor, float(values.abs_lower()))
        heapq.heappush(settled, (-max(-low, high), next(number), piece, low, high))

    while cells:
        cell = cells.pop()
        budget -= 1
        if isinstance(cell, _EndPiece):
            settle(cell, cell.values)
        else:
            with ctx.workprec(cell.bits):
                roots, undecided = enclose(program, *cell.balls())
                finite = roots[-1].is_finite()
                if finite and not undecided:
                    settle(cell, roots[-1])
                elif budget <= 0:
                    result.left.append(cell.bounds())
                elif cell.depth < _DEEPEST:
                    if not finite and cell.depth >= _ASK and cell.depth % 4 == 0:
                        budget -= _SEARCH
                        result.witness = gap(program, cell)
                        if result.witness is not None:
                            return
                    if finite and cell.depth >= _LEAP and cell.depth % 8 == 0:
                        budget -= _SEARCH
                        outcome = at_switch(program, cell, undecided)
                        if isinstance(outcome, Witness):
                            result.witness = outcome
                            return
                    cells += cell.halves()
                else:
                    budget -= _SEARCH
                    outcome = at_switch(program, cell, undecided) if finite else pole(program, cell)
                    if isinstance(outcome, Witness):
                        result.witness = outcome
                        return
                    if outcome is None:
                        result.left.append(cell.bounds())
                    else:
                        result.take(*outcome)
        if not cells and settled and budget > 0:
            # What has the largest values goes back, as its parts have a narrower enclosure.
            size = -settled[0][0]
            if size > _SLACK * floor and (spare > 0 or (size > _FAR * floor + _SMALL and spare > -_MORE_REFINEMENTS)):
                spare -= 1
                _, _, piece, low, high = heapq.heappop(settled)
                parts = piece.halves() if isinstance(piece, Cell) else piece.next(program, result)
                if result.witness is not None:
                    return
                if parts:
                    cells += parts
                else:
                    result.take(low, high)
    for _, _, _, low, high in settled:
        result.take(low, high)
    if result.high - result.low == math.inf:
        _note_overflow(program, settled, result)


def _note_overflow(
    program: Program, settled: list[tuple[float, int, Cell | _EndPiece, float, float]], result: Range
) -> None:
    """Say where the values are beyond float64: a witness where one really is, else as undecided."""
    for size, _, piece, _, _ in settled:
        if size != -math.inf:
            continue
        cell = piece if isinstance(piece, Cell) else Cell(piece.side, 1, piece.exponent)
        with ctx.workprec(FINE_BITS):
            value = enclose(program, *cell.point())[0][-1]
        low, high = cell.bounds()
        if float(value.abs_lower()) == math.inf:
            p = (low + high) / 2
            result.witness = Witness(p, None, f"beyond the range of float64 near p = {cell.text()}")
            return
        result.left.append((low, high))
    if not result.left:
        result.left.append((0.0, 1.0))


def _values_at_end(program: Program, side: int, exponent: int, result: Range) -> Ball | Witness | None:
    """Return a ball that holds the values for t in (0, 2**-exponent], a witness against one, or None.

    Notes in the result whether there is a limit.
    """
    with ctx.workprec(max(COARSE_BITS, 2 * exponent)):
        t = arb((1, -exponent - 1), (1, -exponent - 1))
        roots, undecided = enclose(program, *((t, 1 - t) if side == 0 else (1 - t, t)))
        if not undecided and roots[-1].is_finite():
            result.limits.add(side)
            return roots[-1]
    bounds = None
    for terms in _TERMS:
        with ctx.workprec(END_BITS):
            try:
                last = expand(program, side, End(exponent, terms))[-1]
            except Undecided:
                continue
            except OutOfDomain:
                return witness_at_end(program, side, exponent, "no real value towards")
            try:
                bounds = last.ball()
            except Undecided:
                if last.lead()[1].grows and _has_sign(last):
                    return witness_at_end(program, side, exponent, "grows without bound towards")
                continue
            if last.rest is None or last.rest_scale > FLAT:
                result.limits.add(side)
                break
    return bounds if bounds is not None and bounds.is_finite() else None


def _has_sign(expansion: Any) -> bool:
    try:
        return expansion.sign() != 0
    except Undecided:
        return False
