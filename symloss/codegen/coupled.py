"""Losses that couple classes as an ``nn.Module``."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from symloss.codegen.kernel.coupled import Summand, SummedLoss
from symloss.codegen.loss import curves_of
from symloss.errors import SymlossError
from symloss.formula import to_text
from symloss.losses import Term


class CoupledLoss(SummedLoss):
    """A weighted sum of terms on a softmax, each a class-wise loss L or its normalised form N(L).

    ``N(L) = L(p, y) / sum_j L(p, e_j)`` with e_j the one-hot label of class j and ``L(p, y) = sum_c L(p_c, y_c)``
    (Ma et al., "Normalized Loss Functions for Deep Learning with Noisy Labels", ICML 2020). A class's gradient then
    depends on all probabilities, so there is no response curve: training goes through autograd.

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
        summands = [Summand(curves_of(term.formula), term.weight, term.normalised) for term in terms]
        super().__init__(summands, weight=weight, ignore_index=ignore_index, reduction=reduction)
        self.terms = tuple(terms)

    def extra_repr(self) -> str:
        """Return the terms and options for ``repr``."""
        shown = (f"N({to_text(term.formula)})" if term.normalised else to_text(term.formula) for term in self.terms)
        return f"{' + '.join(shown)!r}, {super().extra_repr()}"
