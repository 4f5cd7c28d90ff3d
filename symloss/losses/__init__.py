"""The catalogue of known losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symloss.errors import SymlossError, unknown
from symloss.losses.catalogue import ALIASES, CATALOGUE, CatalogueLoss, Paper

if TYPE_CHECKING:
    from symloss.codegen import Loss

__all__ = ["ALIASES", "CATALOGUE", "CatalogueLoss", "Paper", "find", "get"]


def find(name: str) -> CatalogueLoss:
    """Return a known loss by its name or alias.

    Raises:
        SymlossError: no such name; the message lists them all.
    """
    loss = CATALOGUE.get(ALIASES.get(name, name))
    if loss is None:
        raise SymlossError(unknown("loss", str(name), CATALOGUE))
    return loss


def get(name: str, **options: Any) -> Loss:
    """Return a known loss as an ``nn.Module``, called as ``criterion(logits, target)``.

    Args:
        name: a name of :data:`CATALOGUE` or :data:`ALIASES`.
        **options: of :class:`symloss.Loss`; ``class_reduction`` is as published unless given.

    Raises:
        SymlossError: no such name or option value.
    """
    loss = find(name)
    # Imported here because the catalogue itself stands above torch: listing and searching need only formulas.
    from symloss.codegen import Loss

    return Loss(loss.formula, **({"class_reduction": loss.class_reduction} | options))
