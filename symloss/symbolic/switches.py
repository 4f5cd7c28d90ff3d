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
from symloss.formula.fold import ZERO
from symloss.formula.tree import HAS_PRED
from symloss.symbolic.balls import ball
from symloss.symbolic.proofs.cells import Cell
from symloss.symbolic.proofs.intervals import enclose, signs_at
from symloss.symbolic.proofs.program import Program
from symloss.symbolic.proofs.signs import resolve_switches, sign_at_end

#: The functions that switch; ``i0e(a)`` is ``exp(-abs(a))*i0(a)``.
SWITCHING = frozenset({"abs", "sign", "relu", "max", "min", "i0e", "i1e"})

#: A place is known to 2**-this of its distance from the end.
_DEPTH = 104
#: How many intervals may be looked at.
_BUDGET = 1500
_BITS, _LEAST_BITS = 320, 160
#: Where intervals do not settle it, signs are compared at so many points of each octave down to 2**-_FARTHEST.
_PARTS, _FARTHEST = 8, 70
#: More switches than this are not told.
_MOST = 40
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
    return resolve_switches(_without_zeros(plain[0])), resolve_switches(_without_zeros(plain[1]))


def _without_zeros(node: Formula) -> Formula:
    """Return the formula without the switches whose argument is 0 everywhere, though it is not written so.

    Only where the argument is analytic: then what is 0 at a few points, to 75 digits, is 0.
    """
    if not node.args:
        return node
    args = [_without_zeros(arg) for arg in node.args]
    if (
        node.op in SWITCHING
        and node.op not in ("i0e", "i1e")
        and node.leaves & HAS_PRED
        and not any(part.op in SWITCHING for arg in args for part in arg.walk())
    ):
        argument = args[0] if len(args) == 1 else build("sub", *args)
        program = Program(argument)
        with ctx.workprec(_BITS):
            tiny = arb(2) ** -_ZERO_BITS
            if all(abs(enclose(program, *_point(probe))[0][0]) < tiny for probe in _PROBES):
                return args[0] if len(args) == 2 else ZERO
    return build(node.op, *args)


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
    places = _isolated(program)
    if places is None:
        places = _sampled(program)
    if len(places) > _MOST:
        return None
    found = (_switch(group) for group in _joined(places) if _has_effect(program, group))
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
        elif node.op in ("i0e", "i1e"):
            size = build("mul", call("sign", node.args[0]), args[0])
            found = build("mul", call("exp", build("neg", size)), call(node.op[:2], args[0]))
        elif node.op in ("max", "min"):
            half = build("mul", call("sign", build("sub", *node.args)), build("sub", *args))
            found = build("mul", _HALF, build("add" if node.op == "max" else "sub", build("add", *args), half))
        else:
            found = build(node.op, *args)
        known[node] = found
    return found


def _isolated(program: Program) -> list[Fraction] | None:
    """Return the places where a sign is undecided in the smallest cells, or None where intervals do not settle it.

    Once there are more than :data:`_MOST` it stops looking.
    """
    cells = []
    for side in (0, 1):
        exponent = 2
        for step in program.signs:
            near, sign = sign_at_end(program.up_to(program.steps[step].args[0]), side)
            if sign is None:
                return None
            exponent = max(exponent, near)
        cells += [Cell(side, 1, j) for j in range(exponent, 1, -1)]
    found: list[Fraction] = []
    for _ in range(_BUDGET + len(cells)):
        if not cells:
            return found
        if len(found) > _MOST:
            # Beside each other they are one interval on which an argument is 0, as that of abs(p - min(p, 0.3)).
            return None if len(_joined(found)) < _MOST // 2 else found
        cell = cells.pop()
        # More digits than a proof needs: constants such as log(1 + 1e-20) must not look like 0.
        with ctx.workprec(max(cell.bits, _LEAST_BITS, 2 * cell.exponent)):
            _, undecided = enclose(program, *cell.balls())
        if undecided:
            if cell.depth >= _DEPTH:
                t = Fraction(2 * cell.number + 1, 2 ** (cell.exponent + 1))
                found.append(1 - t if cell.side else t)
            else:
                cells += cell.halves()
    return None


def _sampled(program: Program) -> list[Fraction]:
    """Return the places where signs change, found by looking at points: for what intervals cannot settle.

    Intervals do not see that ``p - p*1`` is 0, or that ``p/(p + 1e-7)`` stays below 1. Two changes of one sign between
    neighbouring points stay unseen, unless another sign changes between them.
    """
    found: list[Fraction] = []
    for side in (0, 1):
        points = [
            Fraction(_PARTS + part, _PARTS * 2**exponent)
            for exponent in range(_FARTHEST, 1, -1)
            for part in range(_PARTS)
        ]
        low = points[0]
        before = _state(program, side, low)
        for high in [*points[1:], Fraction(1, 2)]:
            after = _state(program, side, high)
            while before != after and len(found) <= _MOST:
                place, low = _first_change(program, side, low, high, before)
                found.append(1 - place if side else place)
                before = _state(program, side, low)
            if len(found) > _MOST:
                return found
            low, before = high, after
    return found


def _first_change(
    program: Program, side: int, low: Fraction, high: Fraction, before: tuple[int, ...]
) -> tuple[Fraction, Fraction]:
    """Return where the signs cease to be what they are at ``low``, and a point just beyond."""
    for _ in range(_DEPTH):
        middle = (low + high) / 2
        if _state(program, side, middle) == before:
            low = middle
        else:
            high = middle
    return (low + high) / 2, high + (high - low) * 16


def _state(program: Program, side: int, t: Fraction) -> tuple[int, ...]:
    """Return all signs at a distance t from an end; what is 0 to so many digits counts as 0."""
    with ctx.workprec(_BITS + 4 * (t.denominator.bit_length() - t.numerator.bit_length())):
        at = (ball(1 - t), ball(t)) if side else (ball(t), ball(1 - t))
        return signs_at(program, at, program.signs)


def _joined(places: list[Fraction]) -> list[list[Fraction]]:
    """Return neighbours as one: a switch on the seam of two cells is undecided in both."""
    groups: list[list[Fraction]] = []
    for place in sorted(places):
        if groups and place - groups[-1][-1] < min(place, 1 - place) / 2 ** (_DEPTH - 6):
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _switch(group: list[Fraction]) -> Switch:
    middle = (group[0] + group[-1]) / 2
    return Switch(0, middle) if middle < Fraction(1, 2) else Switch(1, 1 - middle)


def _has_effect(program: Program, group: list[Fraction]) -> bool:
    """Whether the branches on the two sides are two functions, compared where both can be continued to."""
    below, above = _signs_beside(program, group[0], -1), _signs_beside(program, group[-1], 1)
    with ctx.workprec(_BITS):
        tiny = arb(2) ** -_SAME_BITS
        near = min(group[0], 1 - group[0])
        for point in (group[0] - near / 2**20, group[0] + near / 2**20 * 2 / 3):
            one, other = (enclose(program, *_point(point), signs)[0] for signs in (below, above))
            for a, b in zip(one, other, strict=True):
                if not abs(a - b) < (1 + abs(a)) * tiny * ball(near):
                    return True
    return False


def _signs_beside(program: Program, place: Fraction, direction: int) -> dict[int, int]:
    """Return the value of every sign of the program just below or above a place."""
    with ctx.workprec(_BITS):
        at = _point(place + direction * min(place, 1 - place) / 2**90)
        return dict(zip(program.signs, signs_at(program, at, program.signs), strict=True))


def _point(value: Fraction) -> tuple[Any, Any]:
    return ball(value), ball(1 - value)
