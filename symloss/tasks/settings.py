"""What the settings of a task and of a full-size recipe share: the checks of single values, and how settings are named.

Each error says the value, the rule and a value that would do.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from symloss.errors import SymlossError, unknown

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: Settings of one training with a sample value, by the range that they must lie in.
_SHARES = {"momentum": 0.9, "warmup": 0.1, "label_noise": 0.4}


def check_choices(settings: object, choices: Mapping[str, Mapping[str, object]]) -> None:
    """See that each of some fields is one of its names.

    Raises:
        SymlossError: one is not.
    """
    for field, known in choices.items():
        value = getattr(settings, field)
        if value not in tuple(known):  # a tuple, as the value may have no hash
            raise SymlossError(unknown(field, str(value), known))


def check_whole(field: str, value: object, least: int) -> None:
    """See that a value is a whole number of at least ``least``; true and false are none.

    Raises:
        SymlossError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SymlossError(f"{field} is {value!r}; it must be a whole number of at least {least}")


def real(field: str, value: object) -> float:
    """Return a number as a float; 0 and 0.0 are one setting.

    Raises:
        SymlossError: it is no number, or one that no float holds.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SymlossError(f"{field} is {value!r}; it must be a number")
    try:
        return float(value)
    except OverflowError:
        raise SymlossError(f"{field} is a number of {len(str(value))} digits; it must be a finite float") from None


def check_training(settings: Any, lr: float) -> None:
    """See that step size, weight decay, momentum, warm-up and label noise are in range, and make floats of them.

    Args:
        settings: has them as fields.
        lr: a step size that would do, for the message.

    Raises:
        SymlossError: one is not.
    """
    for field in ("lr", "weight_decay", *_SHARES):
        object.__setattr__(settings, field, real(field, getattr(settings, field)))
    if not (settings.lr > 0 and math.isfinite(settings.lr)):
        raise SymlossError(f"lr is {settings.lr!r}; it must be above 0 and finite, such as {lr:g}")
    if not (settings.weight_decay >= 0 and math.isfinite(settings.weight_decay)):
        raise SymlossError(
            f"weight_decay is {settings.weight_decay!r}; it must be at least 0 and finite, such as 0.0005"
        )
    for field, example in _SHARES.items():
        if not 0 <= getattr(settings, field) < 1:
            raise SymlossError(f"{field} is {getattr(settings, field)!r}; it must be in [0, 1), such as {example}")


def distinct_names(value: object, known: Iterable[str], what: str) -> tuple[str, ...]:
    """Return a list of metrics as a tuple.

    Args:
        value: the list; it may be empty.
        known: what there is.
        what: what a name is, for the message.

    Raises:
        SymlossError: no list, an unknown name, or one that is there twice.
    """
    if not isinstance(value, tuple | list):
        raise SymlossError(f"metrics is {value!r}; it must be a list of names, such as ['accuracy']")
    known = tuple(known)
    for name in value:
        if name not in known:
            raise SymlossError(unknown(what, str(name), known))
    if len({*value}) < len(value):
        raise SymlossError(f"metrics is {list(value)!r}; give each once")
    return tuple(value)


def digest(settings: DataclassInstance, idle: Iterable[str]) -> str:
    """Return 16 hexadecimal digits that name settings; equal digests, equal results.

    Args:
        settings: a dataclass whose fields have JSON's types.
        idle: fields that decide nothing beside the others' values, such as the momentum of Adam. They count as if they
            had their defaults, so that nobody trains twice for them.
    """
    values = asdict(settings)
    defaults = {field.name: field.default for field in fields(settings)}
    values |= {name: defaults[name] for name in idle}
    return hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=8).hexdigest()
