"""Formulas -> the gradients that a population trains with, all on cross-entropy's scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
from symloss.losses import CatalogueLoss, build, formula_alone, title
from symloss.symbolic import response_curves, scale_to_cross_entropy
from symloss.symbolic.dual import Memory

#: A table off by more than this, relative to the curve's largest value, does not represent its loss.
MAX_TABLE_ERROR = 1e-4

#: A measured gradient below this, relative to the loss, is taken for 0.
_ROUNDING = 1e-13

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
    scale = scale_of(formula, classes)
    r0, r1 = response_curves(formula, GRID_P, GRID_Q, _MEMORY)
    table = build_table(r0 * scale, r1 * scale)

    def scaled(p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        r0, r1 = response_curves(formula, p, q, _THIN_MEMORY if p is THIN_P else None)
        return scale * r0, scale * r1

    return Tabulated(table, scale, table_error(table, scaled))


def scale_of(loss: Formula | CatalogueLoss, classes: int) -> float:
    """Return the factor that gives a loss cross-entropy's gradient norm where training starts, at uniform p.

    For a formula its response curves give it. Any other loss is measured: at logits of 0, which are where a network
    starts on a sigmoid output too, cross-entropy's logit gradient of one sample has the norm ``sqrt((C-1)/C)``.

    Raises:
        SymlossError: the loss has no finite gradient there.
    """
    formula = formula_alone(loss)
    if formula is not None:
        scale = scale_to_cross_entropy(formula, classes)
    else:
        logits = torch.zeros(1, classes, dtype=torch.float64, requires_grad=True)
        value = _criterion(loss)(logits, torch.zeros(1, dtype=torch.int64))
        norm = torch.autograd.grad(value, logits)[0].norm().item()
        rounding = _ROUNDING * (1 + abs(value.item()))
        scale = math.sqrt((classes - 1) / classes) / norm if norm > rounding else math.inf
    if not 0 < scale < math.inf:
        name = title(loss) if isinstance(loss, CatalogueLoss) else to_text(loss)
        place = f"uniform p = 1/{classes}" if formula is not None else "logits of 0"
        raise SymlossError(
            f"the loss {name} has no finite gradient at {place}; its gradient there must depend on the label"
        )
    return scale


def gradients_of(losses: Sequence[Formula | CatalogueLoss], classes: int) -> Gradients:
    """Return the gradients of several losses, each on cross-entropy's scale: tables where those hold, else autograd.

    Raises:
        SymlossError: a loss has no finite gradient at uniform p.
    """
    tables: list[Tensor] = []
    criterions = []
    members: tuple[list[int], list[int]] = ([], [])
    for place, loss in enumerate(losses):
        scale = scale_of(loss, classes)
        table = _table_of(loss, classes)
        if table is not None:
            tables.append(table)
        else:
            criterions.append(_Scaled(_criterion(loss), scale))
        members[table is None].append(place)
    if not criterions:
        return TableGradients(torch.stack(tables))
    if not tables:
        return AutogradGradients(criterions)
    return MixedGradients([TableGradients(torch.stack(tables)), AutogradGradients(criterions)], members)


def _table_of(loss: Formula | CatalogueLoss, classes: int) -> Tensor | None:
    """Return the table of a loss, or None where none represents it."""
    formula = formula_alone(loss)
    if formula is None:
        return None
    try:
        tabulated = tabulate(formula, classes)
    except SymlossError:  # its curves are not finite somewhere on the grid
        return None
    return tabulated.table if tabulated.resolved else None


def _criterion(loss: Formula | CatalogueLoss) -> Callable[[Tensor, Tensor], Tensor]:
    """Return ``(logits [B, C], target [B]) -> scalar``, the mean over the batch."""
    formula = formula_alone(loss)
    if formula is not None:
        return Loss(formula)
    assert isinstance(loss, CatalogueLoss)
    return build(loss)


@dataclass(frozen=True)
class _Scaled:
    loss: Callable[[Tensor, Tensor], Tensor]
    scale: float

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        return self.scale * self.loss(logits, target)
