"""The catalogue of known losses."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from symloss.errors import SymlossError, suggest, unknown
from symloss.formula.writer import number_text
from symloss.losses.catalogue import ALIASES, CATALOGUE
from symloss.losses.entry import CatalogueLoss, Paper, Parameter, Term, formula_alone
from symloss.named import read_settings, split_call, split_names

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "ALIASES",
    "CATALOGUE",
    "CatalogueLoss",
    "Paper",
    "Parameter",
    "Term",
    "build",
    "find",
    "formula_alone",
    "get",
    "is_name",
    "split_names",
    "title",
]

#: What may stand behind ``=`` in a parameter.
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"


def find(text: str) -> CatalogueLoss:
    """Return a known loss by its name or alias, perhaps with parameters: ``"focal"``, ``"focal(gamma=1)"``.

    Raises:
        SymlossError: no such name, no such parameter, or a value that is no number or out of range.
    """
    call = split_call(str(text))
    name = call[0] if call else str(text)
    loss = CATALOGUE.get(ALIASES.get(name, name))
    if loss is None:
        hint = suggest(name, [*CATALOGUE, *ALIASES])
        raise SymlossError(f"unknown loss {name!r}; known: {', '.join(sorted(CATALOGUE))}{hint}")
    if call is None or call[1] is None:
        return loss
    known = [f"{name}={number_text(value)}" for name, value in loss.values.items()]
    settings = read_settings(loss.name, call[1], _NUMBER, "number", known)
    return loss.with_parameters(**{name: float(value) for name, value in settings.items()})


def is_name(text: str) -> bool:
    """Return whether a text is meant for :func:`find`, known or not, rather than a formula."""
    call = split_call(text)
    if call is None:
        return False
    if call[0] in CATALOGUE or call[0] in ALIASES:
        return True
    return not re.search(r"\by_(pred|true)\b", text) and (call[1] is None or "=" in call[1])


def title(loss: CatalogueLoss) -> str:
    """Return what :func:`find` finds the loss by: its name, with the parameters that are not as published."""
    published = CATALOGUE.get(loss.name, loss).values
    changed = [f"{name}={number_text(value)}" for name, value in loss.values.items() if value != published.get(name)]
    return f"{loss.name}({', '.join(changed)})" if changed else loss.name


def get(name: str, **options: Any) -> nn.Module:
    """Return a known loss as an ``nn.Module``, called as ``criterion(logits, target)``.

    Args:
        name: a name of :data:`CATALOGUE` or :data:`ALIASES`; parameters may stand behind it, as in
            ``"focal(gamma=1)"``.
        **options: parameters of the loss, such as ``gamma`` of focal, and options of :class:`symloss.Loss` (of
            ``CoupledLoss`` if the loss couples the classes); each is as published unless given.

    Raises:
        SymlossError: no such name or option, or a value out of its range.
    """
    loss = find(name)
    return build(
        loss.with_parameters(**{key: options.pop(key) for key in loss.parameters if key in options}), **options
    )


def build(loss: CatalogueLoss, **options: Any) -> nn.Module:
    """Return a loss as an ``nn.Module``, with options of the module.

    Raises:
        SymlossError: no such option, or a bad value.
    """
    # Imported here because the catalogue itself stands above torch: listing and searching need only formulas.
    from symloss import codegen

    kind = codegen.Loss if loss.formula is not None else codegen.CoupledLoss
    known = list(inspect.signature(kind).parameters)[1:]
    for key in options:
        if key not in known:
            raise SymlossError(unknown(f"option of {loss.name}", key, {*loss.parameters, *known}))
    given = {**loss.options, **options}
    if loss.formula is None:
        return codegen.CoupledLoss(loss.terms, **given)
    return codegen.Loss(loss.formula, **{"class_reduction": loss.class_reduction, "output": loss.output, **given})
