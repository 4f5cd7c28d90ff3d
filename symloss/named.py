"""Names with parameters in parentheses, such as ``focal(gamma=1)`` and ``resnet18(head=paper)``, taken apart."""

from __future__ import annotations

import re
from collections.abc import Iterable

from symloss.errors import SymlossError

_CALL = re.compile(r"([A-Za-z_][\w+-]*)\s*(?:\((.*)\))?", re.DOTALL)
_OUTSIDE = re.compile(r",(?![^()]*\))")


def split_call(text: str) -> tuple[str, str | None] | None:
    """Return a name and what stands in the parentheses behind it (None without any), or None for any other text."""
    call = _CALL.fullmatch(text.strip())
    return (call[1], call[2]) if call else None


def split_names(text: str) -> list[str]:
    """Split names at the commas that are outside parentheses: ``"ce,sce(alpha=1, beta=1)"`` are two."""
    return [name.strip() for name in _OUTSIDE.split(text)]


def read_settings(owner: str, text: str, value: str, form: str, known: Iterable[str]) -> dict[str, str]:
    """Read ``"gamma=1, alpha=0.5"``.

    Args:
        owner: what has the parameters, for messages.
        text: what stands in the parentheses.
        value: a regular expression without groups for what may stand behind ``=``.
        form: the same in a word, for messages.
        known: the owner's parameters, for messages, such as ``"gamma=2"``.

    Returns:
        The values as text, by name, in the order that they have there.

    Raises:
        SymlossError: not of this form, or a name is given twice.
    """
    settings: dict[str, str] = {}
    for part in text.split(",") if text.strip() else []:
        setting = re.fullmatch(rf"\s*([A-Za-z_]\w*)\s*=\s*({value})\s*", part)
        if setting is None:
            has = ", ".join(known) or "none"
            raise SymlossError(
                f"cannot read the parameter {part.strip()!r} of {owner}; write name={form}; it has {has}"
            )
        if setting[1] in settings:
            raise SymlossError(f"the parameter {setting[1]!r} of {owner} is given twice; give it once")
        settings[setting[1]] = setting[2]
    return settings
