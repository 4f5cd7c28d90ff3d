"""Where a loss changes its branch: the places at which ``abs``, ``max`` and the like bend or break its response curves.

Between two of them a curve is analytic, so that two losses which agree at a few points of each piece agree on all of
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import arb, ctx

from symloss.formula import Formula, call, constant
from symloss.formula.differentiate import build, differentiate, specialise, times_p
from symloss.symbolic.balls import ball
from symloss.symbolic.intervals import enclose
from symloss.symbolic.program import Program
from symloss.symbolic.ranges import Cell
from symloss.symbolic.signs import resolve_switches, sign_at_end

#: The functions that switch.
SWITCHING = frozenset({"abs", "sign", "relu", "max", "min"})

#: A place is known to 2**-this of its distance from the end.
_DEPTH = 104
#: How many intervals may be looked at.
_BUDGET = 2000
_BITS = 320
#: Where an argument's sign close to an end is only sampled, switches closer than 2**-this are not looked for.
_TOUCHING = 60
#: Two branches that agree to 2**-this at two points beside the switch are one function.
_SAME_BITS = 170
#: An argument that is below 2**-this at all of these points counts as 0 everywhere.
_ZERO_BITS = 250
_PROBES = [Fraction(n, 1013) for n in (101, 397, 743)]

_HALF = constant(0.5)


@dataclass(frozen=True)
class Switch:
    """One place where a loss switches.

    Attributes:
        side: 0 or 1, the nearer end.
        distance: from it, to 30 digits.
    """

    side: int
    distance: Fraction

    @property
    def p(self) -> Fraction:
        """The probability."""
        return 1 - self.distance if self.side else self.distance

    def agrees(self, other: Switch) -> bool:
        """Whether the two are one place, to 28 digits of the distance from the end."""
        if self.side != other.side:  # both about 1/2
            return abs(self.p - other.p) < Fraction(1, 10**28)
        return abs(self.distance - other.distance) < self.distance / 10**28

    def text(self, digits: int) -> str:
        """Return the distance to so many digits, as it counts for a name."""
        if abs(self.distance - Fraction(1, 2)) < Fraction(1, 10**28):
            return "1/2"
        scale = 0
        while self.distance * 10**scale < 1:
            scale += 1
        return f"{self.side}:{round(self.distance * 10 ** (scale + digits))}e-{scale}"


def plain_forms(formula: Formula) -> tuple[Formula, Formula]:
    """Return L(p, 0) and L(p, 1) without the switches that are proven never to switch.

    Raises:
        SymlossError: a constant part has no finite value at a label.
    """
    plain = specialise(formula, 0), specialise(formula, 1)
    if not any(node.op in SWITCHING for form in plain for node in form.walk()):
        return plain
    return resolve_switches(plain[0]), resolve_switches(plain[1])


def switch_points(forms: Sequence[Formula]) -> tuple[Switch, ...] | None:
    """Return the places at which a response curve changes from one analytic function to another, ascending.

    Switches that have no effect, as in ``max(a, b) + min(a, b)``, are left out.

    Args:
        forms: formulas in ``y_pred`` alone, from :func:`plain_forms`.

    Returns:
        None if they cannot be told: there are too many, or a sign is not known close to an end.
    """
    responses = [times_p(differentiate(_by_signs(form, {}))) for form in forms]
    program = Program(*responses)
    if not program.signs:
        return ()
    fixed = _that_are_zero(program)
    cells = _isolated(program, fixed)
    if cells is None:
        return None
    found = (_switch(group) for group in _joined(cells) if _has_effect(program, group, fixed))
    return tuple(sorted(found, key=lambda switch: switch.p))


def _by_signs(node: Formula, known: dict[Formula, Formula]) -> Formula:
    """Return the formula with ``sign`` as the only function that switches, so that a branch is a choice of signs.

    The arguments of signs stay as they are: there ``relu`` of what is negative is 0 exactly.
    """
    if not node.args:
        return node
    found = known.get(node)
    if found is None:
        args = [_by_signs(arg, known) for arg in node.args]
        if node.op == "abs":
            found = build("mul", call("sign", node.args[0]), args[0])
        elif node.op == "relu":
            found = build("mul", _HALF, build("add", args[0], build("mul", call("sign", node.args[0]), args[0])))
        elif node.op == "sign":
            found = node
        elif node.op in ("max", "min"):
            half = build("mul", call("sign", build("sub", *node.args)), build("sub", *args))
            found = build("mul", _HALF, build("add" if node.op == "max" else "sub", build("add", *args), half))
        else:
            found = build(node.op, *args)
        known[node] = found
    return found


def _that_are_zero(program: Program) -> dict[int, int]:
    """Return 0 for each sign whose argument is 0 everywhere, though it is not written so: any branch will do there."""
    fixed = {}
    with ctx.workprec(_BITS):
        tiny = arb(2) ** -_ZERO_BITS
        for step in program.signs:
            argument = program.up_to(program.steps[step].args[0])
            if all(abs(enclose(argument, *_point(probe), fixed)[0][0]) < tiny for probe in _PROBES):
                fixed[step] = 0
    return fixed


def _isolated(program: Program, fixed: dict[int, int]) -> list[Cell] | None:
    """Return the smallest cells in which a sign is undecided, or None where they do not get few."""
    cells = []
    for side in (0, 1):
        exponent = 2
        for step in program.signs:
            if step not in fixed:
                argument = program.up_to(program.steps[step].args[0])
                near, sign = sign_at_end(argument, side)
                if sign is None:
                    if not _keeps_its_sign(argument, side):
                        return None
                    near = _TOUCHING
                exponent = max(exponent, near)
        cells += [Cell(side, 1, j) for j in range(exponent, 1, -1)]
    found: list[Cell] = []
    for _ in range(_BUDGET + len(cells)):
        if not cells:
            return found
        cell = cells.pop()
        with ctx.workprec(max(cell.bits, 2 * cell.exponent)):
            _, undecided = enclose(program, *cell.balls(), fixed)
        if undecided:
            if cell.depth >= _DEPTH:
                found.append(cell)
            else:
                cells += cell.halves()
    return None


def _keeps_its_sign(argument: Program, side: int) -> bool:
    """Whether an argument has one sign at points ever closer to an end. For what is 0 at the end itself but has no
    exact expansion there, as ``sin(1) - sin(y_pred)``: no proof, but a switch can only hide between the points.
    """
    signs = set()
    for exponent in range(_TOUCHING // 2, 8 * _TOUCHING, _TOUCHING // 4):
        cell = Cell(side, 1, exponent)
        with ctx.workprec(3 * exponent + 64):
            (value,), _ = enclose(argument, *cell.point())
            signs.add(1 if value > 0 else -1 if value < 0 else 0)
    return signs in ({1}, {-1})


def _joined(cells: list[Cell]) -> list[list[Cell]]:
    """Return neighbours as one: a switch on the seam of two cells is undecided in both."""
    groups: list[list[Cell]] = []
    for cell in sorted(cells, key=_position):
        reach = Fraction(cell.number + 1, 2 ** (cell.exponent + _DEPTH - 6))
        if groups and abs(_position(cell) - _position(groups[-1][-1])) < reach:
            groups[-1].append(cell)
        else:
            groups.append([cell])
    return groups


def _position(cell: Cell) -> Fraction:
    t = Fraction(2 * cell.number + 1, 2 ** (cell.exponent + 1))
    return t if cell.side == 0 else 1 - t


def _switch(group: list[Cell]) -> Switch:
    middle = (_position(group[0]) + _position(group[-1])) / 2
    return Switch(0, middle) if middle < Fraction(1, 2) else Switch(1, 1 - middle)


def _has_effect(program: Program, group: list[Cell], fixed: dict[int, int]) -> bool:
    """Whether the branches on the two sides are two functions, compared where both can be continued to."""
    below = fixed | _signs_beside(program, _position(group[0]), -1, fixed)
    above = fixed | _signs_beside(program, _position(group[-1]), 1, fixed)
    with ctx.workprec(_BITS):
        tiny = arb(2) ** -_SAME_BITS
        middle = _position(group[0])
        reach = min(middle, 1 - middle) / 2**20
        for point in (middle - reach, middle + reach * 2 / 3):
            one, other = (enclose(program, *_point(point), signs)[0] for signs in (below, above))
            for a, b in zip(one, other, strict=True):
                if not abs(a - b) < (1 + abs(a)) * tiny * ball(min(middle, 1 - middle)):
                    return True
    return False


def _signs_beside(program: Program, place: Fraction, direction: int, fixed: dict[int, int]) -> dict[int, int]:
    """Return the value of every other sign of the program just below or above a place."""
    with ctx.workprec(_BITS):
        p = _point(place + direction * min(place, 1 - place) / 2**90)
        signs = {}
        for step in program.signs:
            if step not in fixed:
                (value,), _ = enclose(program.up_to(step), *p, fixed)
                signs[step] = 1 if value > 0 else -1 if value < 0 else 0
        return signs


def _point(value: Fraction) -> tuple[Any, Any]:
    return ball(value), ball(1 - value)
