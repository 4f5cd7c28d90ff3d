"""The catalogue of known losses."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from symloss.errors import SymlossError, unknown
from symloss.losses.catalogue import ALIASES, CATALOGUE
from symloss.losses.entry import CatalogueLoss, Paper, Parameter, Term

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ALIASES", "CATALOGUE", "CatalogueLoss", "Paper", "Parameter", "Term", "find", "get"]


def find(name: str) -> CatalogueLoss:
    """Return a known loss by its name or alias.

    Raises:
        SymlossError: no such name; the message lists them all.
    """
    loss = CATALOGUE.get(ALIASES.get(name, name))
    if loss is None:
        raise SymlossError(unknown("loss", str(name), CATALOGUE))
    return loss


def get(name: str, **options: Any) -> nn.Module:
    """Return a known loss as an ``nn.Module``, called as ``criterion(logits, target)``.

    Args:
        name: a name of :data:`CATALOGUE` or :data:`ALIASES`.
        **options: parameters of the loss, such as ``gamma`` of focal, and options of :class:`symloss.Loss` (of
            ``CoupledLoss`` if the loss couples the classes); each is as published unless given.

    Raises:
        SymlossError: no such name or option, or a value out of its range.
    """
    found = find(name)
    loss = found.with_parameters(**{key: options.pop(key) for key in found.parameters if key in options})
    # Imported here because the catalogue itself stands above torch: listing and searching need only formulas.
    from symloss import codegen

    kind = codegen.Loss if loss.formula is not None else codegen.CoupledLoss
    known = list(inspect.signature(kind).parameters)[1:]
    for key in options:
        if key not in known:
            raise SymlossError(unknown(f"option of {loss.name}", key, [*loss.parameters, *known]))
    given = {**loss.options, **options}
    if loss.formula is None:
        return codegen.CoupledLoss(loss.terms, **given)
    return codegen.Loss(loss.formula, **{"class_reduction": loss.class_reduction, "output": loss.output, **given})
