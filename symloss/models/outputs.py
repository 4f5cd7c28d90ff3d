"""What networks return, in one form for whoever trains them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from symloss.errors import SymlossError

if TYPE_CHECKING:
    from torch import Tensor


class Outputs(NamedTuple):
    """The logits of a network, with those of its auxiliary head where it has one.

    The loss to train with is ``loss(logits) + aux_weight * loss(aux)``; the auxiliary head is there for that alone.

    Attributes:
        logits: ``[B, C]``, of segmentation ``[B, C, H, W]``.
        aux: the auxiliary head's logits, of the same shape, or None.
        aux_weight: the factor of its loss; 0 where there is none.
    """

    logits: Tensor
    aux: Tensor | None = None
    aux_weight: float = 0.0


def outputs_of(result: object) -> Outputs:
    """Return what a network returned as :class:`Outputs`, be it those or a tensor of logits.

    Example:
        >>> found = outputs_of(network(inputs))
        >>> loss = criterion(found.logits, target)
        >>> if found.aux is not None:
        ...     loss = loss + found.aux_weight * criterion(found.aux, target)

    Raises:
        SymlossError: it is neither.
    """
    from torch import Tensor

    if isinstance(result, Outputs):
        return result
    if isinstance(result, Tensor):
        return Outputs(result)
    raise SymlossError(
        f"the network returned a {type(result).__name__}; it must return a tensor of logits or, with an auxiliary "
        "head, symloss.models.Outputs(logits, aux, aux_weight)"
    )
