"""What is computed: which curves, over which classes, of which target. Both ways to compute it start here."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from symloss.codegen.kernel.probabilities import Curve, Curves


class Job(NamedTuple):
    """One kind of call of a loss.

    Attributes:
        curves: the loss.
        sigmoid: whether each class stands alone; otherwise a softmax joins the classes of dimension 1.
        hard: whether the target holds class indices (with size 1 in dimension 1); otherwise a label for every class.
        labels: the labels of other classes and of the true one, if smoothed away from 0 and 1.
        weighted: whether classes weigh differently.
        elementwise: whether every element has its own loss; otherwise the classes of a sample are summed.
        reduce: whether the losses are summed.
    """

    curves: Curves
    sigmoid: bool
    hard: bool
    labels: tuple[float, float] | None
    weighted: bool
    elementwise: bool
    reduce: bool

    def pair(self) -> tuple[Curve, Curve | float]:
        """Return what to sum over the true class and over all others."""
        if self.labels is not None:
            return self.curves.any, self.curves.any
        if self.curves.folded is not None and not self.weighted and not self.sigmoid:
            return self.curves.folded
        return self.curves.true, self.curves.other

    def label(self, true: bool, logits: Tensor) -> Tensor | None:
        """Return the label of the true class or of all others, where a curve reads it, with as many dimensions."""
        return None if self.labels is None else logits.new_full((1,) * logits.dim(), self.labels[true])


def filled(values: Tensor | float | None, like: Tensor) -> Tensor:
    """Return the values, which may be one number for all, in the shape of ``like``."""
    if isinstance(values, Tensor) and values.shape == like.shape:
        return values
    return torch.zeros_like(like) + values  # type: ignore[operator]
