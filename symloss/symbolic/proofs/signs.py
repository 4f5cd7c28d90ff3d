"""The sign of a formula on (0, 1), by proof, and what can be written without ``abs`` and ``max`` once it is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

from flint import ctx

from symloss.formula import Formula, call, constant
from symloss.formula.differentiate import build, differentiate
from symloss.formula.fold import ZERO
from symloss.symbolic.proofs.cells import END_BITS, Cell
from symloss.symbolic.proofs.expansions import End, OutOfDomain, Undecided
from symloss.symbolic.proofs.functions import expand
from symloss.symbolic.proofs.intervals import enclose
from symloss.symbolic.proofs.program import Program
from symloss.symbolic.proofs.regular import sign_by_form

#: h = 2**-exponent and the number of terms, in the order in which expansions at an end are tried.
_ATTEMPTS = ((10, 2), (10, 5), (40, 3), (160, 3), (1000, 2))
_DEEPEST = 40
_BUDGET = 1000
#: So many undecided switches of a cell are tried one way and the other.
_MAX_SWITCHES = 4

Ball = Any


@dataclass
class Signs:
    """The signs that a formula is proven to take on (0, 1).

    Attributes:
        positive, negative: a probability where the value is positive, or negative; None if none was found.
        zero: a probability around which the value is 0; None if none was found.
        maybe: signs that it may take beside 0 on intervals around the places where it becomes 0.
        left: the intervals of p that stayed undecided: the formula may be 0 there, or leave its domain.
    """

    positive: float | None = None
    negative: float | None = None
    zero: float | None = None
    maybe: set[int] = field(default_factory=set)
    left: list[tuple[float, float]] = field(default_factory=list)

    @property
    def everywhere(self) -> int | None:
        """The sign on all of (0, 1): 1, -1, or 0 for a formula that is 0; None if it has several or is not known."""
        seen = [sign for sign, p in ((1, self.positive), (-1, self.negative), (0, self.zero)) if p is not None]
        if self.left or self.maybe or len(seen) > 1:
            return None
        return seen[0] if seen else 0

    def never(self, sign: int) -> bool:
        """Whether it is proven to be nowhere positive (1), or nowhere negative (-1)."""
        seen = self.positive if sign > 0 else self.negative
        return not self.left and seen is None and sign not in self.maybe

    @property
    def mixed(self) -> bool:
        """Whether it takes both signs."""
        return self.positive is not None and self.negative is not None

    def note(self, sign: int, p: float) -> None:
        """Take in one place."""
        if sign > 0:
            self.positive = p
        elif sign < 0:
            self.negative = p
        else:
            self.zero = p


def prove_sign(formula: Formula, low: float = 0.0, high: float = 1.0) -> Signs:
    """Return the signs of a formula in ``y_pred`` on the open interval (low, high).

    Args:
        formula: without ``y_true``.
        low, high: multiples of 1/64. An end other than 0 and 1 belongs to what is proven.
    """
    result = Signs()
    if formula == ZERO:
        return result
    program = Program(formula)
    slope: Program | None = None
    smooth = not any(step.op in ("i3", "i2e") for step in program.steps)  # whose derivatives have no name
    cells: list[Cell] = []
    for side in (0, 1):
        exponent = _ATTEMPTS[0][0]
        if (side == 0 and low == 0) or (side == 1 and high == 1):
            exponent, sign = sign_at_end(program, side)
            if sign is None:
                h = 2.0**-exponent
                result.left.append((0.0, h) if side == 0 else (1 - h, 1.0))
            else:
                result.note(sign, 2.0 ** -(exponent + 1) if side == 0 else 1 - 2.0 ** -(exponent + 1))
        for j in range(exponent, 1, -1):
            cells += _inside(Cell(side, 1, j), low, high)
    budget = _BUDGET
    while cells and not result.mixed:
        cell = cells.pop()
        place = sum(cell.bounds()) / 2
        budget -= 1
        with ctx.workprec(END_BITS):
            found, value, undecided = _possible(program, cell)
            if len(found) > 1:
                (middle,), _ = enclose(program, *cell.point())
                if middle > 0 or middle < 0:
                    result.note(1 if middle > 0 else -1, place)
                if smooth and value.is_finite() and not undecided:
                    slope = slope or Program(differentiate(formula))
                    sign = _by_slope(slope, cell, middle)
                    found = {sign} if sign else found
        if len(found) == 1:
            result.note(found.pop(), place)
        elif cell.depth < _DEEPEST and budget > 0:
            cells += cell.halves()
        elif len(found) == 2 and 0 in found:
            result.maybe |= found - {0}
        else:
            result.left.append(cell.bounds())
    return result


def _possible(program: Program, cell: Cell) -> tuple[set[int], Ball, list[int]]:
    """Return the signs that the value may have on a cell, its enclosure, and the undecided switches.

    A switch that the cell holds, as that of ``max``, is tried with each of its values: what the sides have in common
    stays known, although an enclosure of both at once forgets it.
    """
    (value,), undecided = enclose(program, *cell.balls())
    found = _signs_of(value)
    if len(found) > 1 and 0 < len(undecided) <= _MAX_SWITCHES:
        found = set()
        for choice in product((-1, 1, 0), repeat=len(undecided)):
            (part,), _ = enclose(program, *cell.balls(), dict(zip(undecided, choice, strict=True)))
            found |= _signs_of(part)
            if len(found) == 3:
                break
    return found, value, undecided


def _signs_of(value: Ball) -> set[int]:
    if value > 0 or value < 0:
        return {1 if value > 0 else -1}
    return {0} if value.is_zero() else {-1, 0, 1}


def _inside(cell: Cell, low: float, high: float) -> list[Cell]:
    """Return the parts of a cell between two places that halving finds."""
    first, last = cell.bounds()
    if last <= low or high <= first:
        return []
    if low <= first and last <= high:
        return [cell]
    return [part for half in cell.halves() for part in _inside(half, low, high)]


def _by_slope(slope: Program, cell: Cell, middle: Ball) -> int:
    """Return the sign on a cell by the mean-value form ``f(middle) + f'(cell)*(cell - middle)``, 0 if it is not known.

    Plain intervals forget that terms which nearly cancel, as in ``exp(p) - 1 - p`` near 0, move together. The form
    needs a formula without leaps on the cell, so a sign that is not decided there rules it out.
    """
    (rate,), undecided = enclose(slope, *cell.balls())
    if undecided or not rate.is_finite():
        return 0
    p, _ = cell.balls()
    reach = rate * (p - cell.point()[0])
    return 1 if middle + reach > 0 else -1 if middle + reach < 0 else 0


def sign_at_end(program: Program, side: int) -> tuple[int, int | None]:
    """Return ``(exponent, sign)`` on t in (0, 2**-exponent], the sign None if it is not known."""
    for exponent, terms in _ATTEMPTS:
        with ctx.workprec(END_BITS):
            try:
                return exponent, expand(program, side, End(exponent, terms))[-1].sign()
            except Undecided:
                continue
            except OutOfDomain:
                break
    return _ATTEMPTS[0][0], None


def resolve_switches(formula: Formula) -> Formula:
    """Return a formula in ``y_pred`` alone without the ``abs``, ``sign``, ``relu``, ``max`` and ``min`` that never
    switch.

    So ``abs(1 - y_pred)`` becomes ``1 - y_pred``: equal for every p in [0, 1].
    """
    if not formula.args:
        return formula
    args = tuple(resolve_switches(arg) for arg in formula.args)
    node = call(formula.op, *args)
    if node.op not in ("abs", "sign", "relu", "max", "min"):
        return node
    argument = args[0] if len(args) == 1 else build("sub", *args)
    sign = prove_sign(argument).everywhere
    if sign is None and node.op in ("abs", "relu"):
        sign = sign_by_form(argument) or None  # not negative is enough
    if sign is None:
        return node
    if node.op == "sign":
        return constant(float(sign))
    if node.op == "abs":
        return args[0] if sign >= 0 else build("neg", args[0])
    if node.op == "relu":
        return args[0] if sign >= 0 else ZERO
    return args[0] if (sign >= 0) == (node.op == "max") else args[1]
