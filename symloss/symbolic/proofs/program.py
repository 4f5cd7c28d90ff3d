"""A formula in p as a list of steps, each distinct part once: evaluated many times in an arithmetic of one's choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flint import fmpq

from symloss.formula import Y_PRED, Formula, exact
from symloss.formula.fold import ONE


@dataclass(frozen=True)
class Step:
    """One step of a program.

    Attributes:
        op: ``"p"``, ``"q"`` (which is 1 - p), ``"const"``, or an operation on earlier steps.
        args: places of the arguments.
        value: the exact number of a ``const``, or the exact exponent of a ``pow`` with a constant one.
    """

    op: str
    args: tuple[int, ...] = ()
    value: Any = None


class Program:
    """Formulas in ``y_pred`` alone, compiled together.

    Args:
        formulas: without ``y_true``.

    Attributes:
        steps: in an order in which arguments come before what uses them.
        roots: the place of each formula's value.
        signs: the places of the ``sign`` steps, where a formula or its derivative switches.
    """

    def __init__(self, *formulas: Formula) -> None:
        self.steps: list[Step] = []
        self._places: dict[Formula, int] = {}
        self.roots = [self._place(formula) for formula in formulas]
        self.signs = [place for place, step in enumerate(self.steps) if step.op == "sign"]

    def up_to(self, place: int) -> Program:
        """Return the program whose only root is an earlier step."""
        part = Program()
        part.steps, part.roots = self.steps[: place + 1], [place]
        part.signs = [sign for sign in self.signs if sign <= place]
        return part

    def _place(self, node: Formula) -> int:
        place = self._places.get(node)
        if place is None:
            step = self._step(node)
            place = self._places[node] = len(self.steps)
            self.steps.append(step)
        return place

    def _step(self, node: Formula) -> Step:
        if node.op == "y_pred":
            return Step("p")
        if node.op == "const":
            return Step("const", (), _rational(node))
        if node.op == "sub" and node.args == (ONE, Y_PRED):
            return Step("q")
        args = tuple(self._place(arg) for arg in node.args)
        exponent = _rational(node.args[1]) if node.op == "pow" and node.args[1].op == "const" else None
        return Step(node.op, args, exponent)


def _rational(node: Formula) -> fmpq:
    assert isinstance(node.value, float)
    number = exact(node.value)
    return fmpq(number.numerator, number.denominator)
