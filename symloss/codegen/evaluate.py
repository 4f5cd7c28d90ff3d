"""A formula as a short straight-line program over torch tensors: plain data, built once."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import logsigmoid

from symloss.codegen.operations import ALL
from symloss.codegen.rewrite import LOG_P, LOG_Q
from symloss.codegen.stable import from_log
from symloss.formula import Formula
from symloss.formula.fold import number


@dataclass(frozen=True)
class Program:
    """Steps that compute one value each; a step names its operation and the earlier steps it reads.

    Attributes:
        steps: (operation, indices of arguments, constant).
        constant: the value, if the formula is a number whatever the probability.
    """

    steps: tuple[tuple[str, tuple[int, ...], float | None], ...]
    constant: float | None = None

    def __call__(self, log_odds: Tensor, y_true: Tensor | None = None) -> Tensor:
        """Return the loss per class.

        Args:
            log_odds: log(p / (1 - p)) of the classes, any shape.
            y_true: labels in [0, 1], broadcastable to ``log_odds``; not read by a program for one label.
        """
        values: list[Tensor | float] = []
        for op, places, constant in self.steps:
            if op == "const":
                assert constant is not None
                values.append(constant)
            elif op in _LEAVES:
                values.append(_leaf(op, log_odds, y_true, [values[place] for place in places]))
            else:
                values.append(ALL[op].torch(*(values[place] for place in places)))
        result = values[-1]
        if any(op in ("log_p", "log_q") for op, _, _ in self.steps):
            assert isinstance(result, Tensor)
            return result
        return log_odds * 0.0 + result  # keeps shape and graph, so that backward() works and gives zero


_LEAVES = ("log_p", "log_q", "y_pred", "q", "y_true")
#: What a leaf is computed from.
_SOURCE = {"y_pred": LOG_P, "q": LOG_Q}


def _leaf(op: str, log_odds: Tensor, y_true: Tensor | None, sources: list[Tensor | float]) -> Tensor:
    if op == "log_p":
        return logsigmoid(log_odds)
    if op == "log_q":
        return logsigmoid(-log_odds)
    if op == "y_true":
        assert y_true is not None, "a program with y_true needs labels"
        return y_true
    assert isinstance(sources[0], Tensor)
    return from_log(sources[0])


def compile_tree(tree: Formula) -> Program:
    """Return the program of a formula in an accurate form, from :mod:`symloss.codegen.split`."""
    places: dict[Formula, int] = {}
    steps: list[tuple[str, tuple[int, ...], float | None]] = []

    def place(node: Formula) -> int:
        if node not in places:  # a repeated part is computed once
            inputs = (_SOURCE[node.op],) if node.op in _SOURCE else node.args
            indices = tuple(place(arg) for arg in inputs)
            steps.append((node.op, indices, number(node) if node.op == "const" else None))
            places[node] = len(steps) - 1
        return places[node]

    place(tree)
    return Program(tuple(steps), number(tree) if tree.op == "const" else None)
