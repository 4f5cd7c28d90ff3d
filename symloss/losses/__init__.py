"""The catalogue of known losses."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from symloss.errors import SymlossError, suggest, unknown
from symloss.formula.writer import number_text
from symloss.losses.catalogue import ALIASES, CATALOGUE
from symloss.losses.entry import CatalogueLoss, Paper, Parameter, Term, formula_alone

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

_NAME = r"[A-Za-z_][\w+-]*"
#: A name, and perhaps parameters in parentheses.
_CALL = re.compile(rf"({_NAME})\s*(?:\((.*)\))?", re.DOTALL)
_SETTING = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")


def find(text: str) -> CatalogueLoss:
    """Return a known loss by its name or alias, perhaps with parameters: ``"focal"``, ``"focal(gamma=1)"``.

    Raises:
        SymlossError: no such name, no such parameter, or a value that is no number or out of range.
    """
    call = _CALL.fullmatch(str(text).strip())
    name = call[1] if call else str(text)
    loss = CATALOGUE.get(ALIASES.get(name, name))
    if loss is None:
        hint = suggest(name, [*CATALOGUE, *ALIASES])
        raise SymlossError(f"unknown loss {name!r}; known: {', '.join(sorted(CATALOGUE))}{hint}")
    return loss.with_parameters(**_settings(loss, call[2])) if call and call[2] is not None else loss


def _settings(loss: CatalogueLoss, text: str) -> dict[str, float]:
    """Read ``"gamma=1, alpha=0.5"``."""
    settings: dict[str, float] = {}
    for part in text.split(",") if text.strip() else []:
        setting = _SETTING.fullmatch(part)
        if setting is None:
            known = ", ".join(f"{name}={number_text(value)}" for name, value in loss.values.items()) or "none"
            raise SymlossError(
                f"cannot read the parameter {part.strip()!r} of {loss.name}; write name=number; it has {known}"
            )
        if setting[1] in settings:
            raise SymlossError(f"the parameter {setting[1]!r} of {loss.name} is given twice; give it once")
        settings[setting[1]] = float(setting[2])
    return settings


def is_name(text: str) -> bool:
    """Return whether a text is meant for :func:`find`, known or not, rather than a formula."""
    call = _CALL.fullmatch(text.strip())
    if call is None:
        return False
    if call[1] in CATALOGUE or call[1] in ALIASES:
        return True
    return not re.search(r"\by_(pred|true)\b", text) and (call[2] is None or "=" in call[2])


def split_names(text: str) -> list[str]:
    """Split names at the commas that are outside parentheses: ``"ce,sce(alpha=1, beta=1)"`` are two."""
    return [name.strip() for name in re.split(r",(?![^()]*\))", text)]


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
