"""Losses that couple classes: sums of class-wise losses, some of them divided by their sum over all labels."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from symloss.codegen.kernel.autograd_path import each_class
from symloss.codegen.kernel.fused import Scale
from symloss.codegen.kernel.job import Job, filled
from symloss.codegen.kernel.module import ClassWiseLoss
from symloss.codegen.kernel.probabilities import Odds
from symloss.codegen.loss import curves_of
from symloss.codegen.stable import log_odds
from symloss.errors import SymlossError
from symloss.losses import Term


class CoupledLoss(ClassWiseLoss):
    """A weighted sum of terms on a softmax, each a class-wise loss L or its normalised form N(L).

    ``N(L) = L(p, y) / sum_j L(p, e_j)`` with e_j the one-hot label of class j and ``L(p, y) = sum_c L(p_c, y_c)`` (Ma et
    al., "Normalized Loss Functions for Deep Learning with Noisy Labels", ICML 2020). A class's gradient then depends on
    all probabilities, so there is no response curve: training goes through autograd.

    Args:
        terms: what is added up.
        weight: ``[C]``, the factor of a sample by its true class.
        ignore_index: the class index of samples that do not count.
        reduction: ``"mean"`` (divided by the weights of the samples that count), ``"sum"`` or ``"none"``.

    Shape:
        As :class:`symloss.Loss`, with class indices alone.

    Raises:
        SymlossError: no terms, a bad option, or a formula without a finite value at label 0 or 1.
    """

    def __init__(
        self,
        terms: Sequence[Term],
        *,
        weight: Tensor | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> None:
        if not terms:
            raise SymlossError("a coupled loss needs at least one term")
        self.terms = tuple(terms)
        curves = [curves_of(term.formula) for term in self.terms]
        super().__init__(
            curves[0],
            output="softmax",
            class_reduction="sum",
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=0.0,
        )
        self._parts = curves

    def extra_repr(self) -> str:
        """Return the terms and options for ``repr``."""
        return f"{len(self.terms)} terms, {super().extra_repr()}"

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
        logits = logits.float() if logits.dtype.itemsize < 4 else logits
        odds = log_odds(logits, 1)
        loss = sum(
            (self._term(place, odds, target) for place in range(len(self.terms))), start=odds.new_zeros(())
        )
        assert isinstance(loss, Tensor)
        if self.weight is not None:
            loss = loss * self.weight.to(loss.dtype)[target.squeeze(1)]
        if valid is not None:
            loss = loss.masked_fill(~valid, 0.0)
        return (loss if self.reduction == "none" else loss.sum()) * scale

    def _term(self, place: int, odds: Tensor, target: Tensor) -> Tensor:
        """Return one term's loss of each sample."""
        term, curves = self.terms[place], self._parts[place]
        job = Job(curves, sigmoid=False, hard=True, labels=None, weighted=False, elementwise=False, reduce=False)
        loss = each_class(job, odds, target, None, gradient=False).sum(1)
        if term.normalised:
            every = filled(curves.true(Odds(odds), None, False)[0], odds).sum(1)
            if isinstance(curves.other, float):
                every = every + curves.other * (odds.shape[1] - 1) * odds.shape[1]
            else:
                every = every + (odds.shape[1] - 1) * filled(curves.other(Odds(odds), None, False)[0], odds).sum(1)
            loss = loss / every
        return term.weight * loss
