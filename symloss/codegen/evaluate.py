"""A formula and its response as one short straight-line program over torch tensors: plain data, built once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from symloss.codegen.operations import ALL
from symloss.codegen.response import response_form, slope_form
from symloss.formula import Formula
from symloss.formula.fold import number

#: What a leaf is called by :mod:`symloss.codegen.kernel.probabilities`.
LEAVES = {"y_pred": "p"} | {name: name for name in ("q", "log_p", "log_q", "log_odds", "near_log_p", "near_log_q")}

Step = tuple[str, tuple[int, ...], float | None, tuple[int, ...]]


@dataclass(frozen=True)
class Program:
    """Steps that compute one value each; a step names its operation and the earlier steps it reads.

    Attributes:
        steps: (operation, indices of arguments, constant, indices that nothing reads after this step).
        value: the step that is the formula.
        response: the step that is ``p * dL/dp``, or for a sigmoid ``dL/du``.
    """

    steps: tuple[Step, ...]
    value: int
    response: int

    def __call__(
        self, probabilities: Any, label: Tensor | float | None = None, gradient: bool = True
    ) -> tuple[Tensor | float, Tensor | float | None]:
        """Return ``(value, response)`` of each class, the response None unless asked for.

        Args:
            probabilities: has the :data:`LEAVES` of the classes, any shape.
            label: labels in [0, 1], broadcastable to them; read by a formula with ``y_true`` alone.
            gradient: whether the response is wanted.
        """
        values: list[Any] = []
        reuse = getattr(probabilities, "values_alone", False)
        for op, places, constant, done in self.steps if gradient else self.steps[: self.value + 1]:
            if op == "const":
                values.append(constant)
            elif op == "y_true":
                values.append(label)
            elif op in LEAVES:
                values.append(getattr(probabilities, LEAVES[op]))
            else:
                operation, arguments = ALL[op], [values[place] for place in places]
                if reuse and operation.into and places[0] in done and self._fits(places[0], arguments):
                    # The argument is needed no more: its memory, which is still in the cache, takes the result.
                    values.append(operation.into(*arguments, out=arguments[0]))
                else:
                    values.append(operation.torch(*arguments))
            for place in done:
                values[place] = None  # frees memory early
        return values[self.value], values[self.response] if gradient else None

    def _fits(self, first: int, arguments: list[Any]) -> bool:
        """Say whether the first argument was computed here and has the shape of the result."""
        shapes = {argument.shape for argument in arguments if isinstance(argument, Tensor)}
        return self.steps[first][0] in ALL and isinstance(arguments[0], Tensor) and len(shapes) == 1


def compile_tree(tree: Formula, sigmoid: bool = False) -> Program:
    """Return the program of a formula in an accurate form, from :mod:`symloss.codegen.split`.

    Args:
        tree: the formula.
        sigmoid: whether the slope in the log-odds is wanted in place of the response.
    """
    places: dict[Formula, int] = {}
    steps: list[tuple[str, tuple[int, ...], float | None]] = []

    def place(node: Formula) -> int:
        if node not in places:  # a repeated part is computed once
            indices = tuple(place(arg) for arg in node.args)
            steps.append((node.op, indices, number(node) if node.op == "const" else None))
            places[node] = len(steps) - 1
        return places[node]

    def output(node: Formula) -> int:
        """Place a result: its own, so that it may be overwritten."""
        index = place(node)
        if steps[index][0] in LEAVES or steps[index][0] == "y_true" or index in outputs:
            steps.append(("copy", (index,), None))
            index = len(steps) - 1
        outputs.append(index)
        return index

    outputs: list[int] = []
    value, response = output(tree), output(slope_form(tree) if sigmoid else response_form(tree))
    last = {read: step for step, (_, reads, _) in enumerate(steps) for read in reads}
    done: list[list[int]] = [[] for _ in steps]
    for read, step in last.items():
        if read not in (value, response):
            done[step].append(read)
    return Program(tuple((*step, tuple(over)) for step, over in zip(steps, done, strict=True)), value, response)
