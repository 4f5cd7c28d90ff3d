"""Sums of class-wise losses, some divided by their sum over all labels: such losses couple classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from symloss.codegen.kernel.autograd_path import each_class
from symloss.codegen.kernel.fused import Scale
from symloss.codegen.kernel.job import Job, filled
from symloss.codegen.kernel.module import ClassWiseLoss
from symloss.codegen.kernel.probabilities import Curves, Odds
from symloss.codegen.stable import log_odds
from symloss.errors import SymlossError


class Summand(NamedTuple):
    """One class-wise loss of a sum.

    Attributes:
        curves: the loss.
        factor: of the loss in the sum.
        normalised: whether it is divided by its sum over all labels that the sample might have.
    """

    curves: Curves
    factor: float
    normalised: bool


class SummedLoss(ClassWiseLoss):
    """A weighted sum of class-wise losses and normalised ones, trained through autograd."""

    def __init__(
        self, summands: Sequence[Summand], *, weight: Tensor | None, ignore_index: int, reduction: str
    ) -> None:
        super().__init__(
            summands[0].curves,
            output="softmax",
            class_reduction="sum",
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=0.0,
        )
        self._summands = tuple(summands)

    def _probabilities(self, logits: Tensor, target: Tensor) -> Tensor:
        raise SymlossError("a loss that couples classes is defined for class indices; got class probabilities")

    def _run(
        self,
        logits: Tensor,
        target: Tensor,
        valid: Tensor | None,
        scale: Scale,
        *,
        hard: bool,
        labels: tuple[float, float] | None = None,
        elementwise: bool = False,
    ) -> Tensor:
        """Return the loss of class indices; ``weight`` is the factor of a sample by its true class."""
        odds = log_odds(logits.float() if logits.dtype.itemsize < 4 else logits, 1)
        loss = odds.new_zeros(())
        for summand in self._summands:
            loss = loss + _summand(summand, odds, target)
        if self.weight is not None:
            loss = loss * self.weight.to(loss.dtype)[target.squeeze(1)]
        if valid is not None:
            loss = loss.masked_fill(~valid, 0.0)
        return (loss if self.reduction == "none" else loss.sum()) * scale


def _summand(summand: Summand, odds: Tensor, target: Tensor) -> Tensor:
    """Return one summand of each sample's loss."""
    curves = summand.curves
    job = Job(curves, sigmoid=False, hard=True, labels=None, weighted=False, elementwise=False, reduce=False)
    loss = each_class(job, odds, target, None, gradient=False).sum(1)
    if summand.normalised:
        every = filled(curves.true(Odds(odds), None, False)[0], odds).sum(1)
        others = odds.shape[1] - 1
        if isinstance(curves.other, float):
            every = every + curves.other * others * odds.shape[1]
        else:
            every = every + others * filled(curves.other(Odds(odds), None, False)[0], odds).sum(1)
        loss = loss / every
    return summand.factor * loss
