"""Formulas -> the gradients that a population trains with, all on cross-entropy's scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from symloss.codegen.loss import Loss
from symloss.codegen.tables import (
    GRID_P,
    GRID_Q,
    THIN_P,
    AutogradGradients,
    Gradients,
    MixedGradients,
    TableGradients,
    build_table,
    table_error,
)
from symloss.errors import SymlossError
from symloss.formula import Formula, to_text
from symloss.symbolic import response_curves, scale_to_cross_entropy
from symloss.symbolic.dual import Memory

#: A table off by more than this, relative to the curve's largest value, does not represent its loss.
MAX_TABLE_ERROR = 1e-4


#: Parts of formulas whose curves are kept on the tables' grid, 50 to 100 kB each.
_MEMORY, _THIN_MEMORY = Memory(256), Memory(1024)


@dataclass(frozen=True)
class Tabulated:
    """A loss as a response table.

    Attributes:
        table: ``[2, G]`` float32, scaled so that the gradient at uniform p has cross-entropy's norm.
        scale: the factor that was applied.
        error: the largest interpolation error off the grid, relative to the curve's largest value.
    """

    table: Tensor
    scale: float
    error: float

    @property
    def resolved(self) -> bool:
        """Whether the table represents the loss to :data:`MAX_TABLE_ERROR`."""
        return self.error <= MAX_TABLE_ERROR


def tabulate(formula: Formula, classes: int) -> Tabulated:
    """Return a loss's response table for C classes.

    Raises:
        SymlossError: its curves are not finite on the grid, or it has no gradient at uniform p.
    """
    scale = scale_to_cross_entropy(formula, classes)
    if not 0 < scale < float("inf"):
        raise SymlossError(
            f"the loss {to_text(formula)} has no finite gradient at uniform p = 1/{classes}; "
            "its gradient there must depend on the label"
        )
    r0, r1 = response_curves(formula, GRID_P, GRID_Q, _MEMORY)
    table = build_table(r0 * scale, r1 * scale)

    def scaled(p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        r0, r1 = response_curves(formula, p, q, _THIN_MEMORY if p is THIN_P else None)
        return scale * r0, scale * r1

    return Tabulated(table, scale, table_error(table, scaled))


def gradients_of(formulas: Sequence[Formula], classes: int) -> Gradients:
    """Return the gradients of several losses, each on cross-entropy's scale: tables where those hold, else autograd.

    Raises:
        SymlossError: a loss has no finite gradient at uniform p.
    """
    tables: list[Tensor] = []
    criterions = []
    members: tuple[list[int], list[int]] = ([], [])
    for place, formula in enumerate(formulas):
        scale = scale_to_cross_entropy(formula, classes)
        try:
            tabulated = tabulate(formula, classes)
        except SymlossError:
            if not 0 < scale < float("inf"):
                raise
            tabulated = None
        if tabulated is not None and tabulated.resolved:
            tables.append(tabulated.table)
            members[0].append(place)
        else:
            criterions.append(_Scaled(Loss(formula), scale))
            members[1].append(place)
    if not criterions:
        return TableGradients(torch.stack(tables))
    if not tables:
        return AutogradGradients(criterions)
    return MixedGradients([TableGradients(torch.stack(tables)), AutogradGradients(criterions)], members)


@dataclass(frozen=True)
class _Scaled:
    loss: Loss
    scale: float

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        return self.scale * self.loss(logits, target)
