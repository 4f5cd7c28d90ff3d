"""Errors that a user can act on: they name the value, the rule and the fix, and carry no traceback to the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from symloss.limits import QUOTED


class SymlossError(ValueError):
    """Bad input or a failed precondition. The command line prints the message alone and exits with code 2."""


def shown(value: object) -> str:
    """Return a value as a message quotes it: short, whatever it is."""
    if isinstance(value, str) and len(value) > QUOTED:
        return repr(value[: QUOTED - 3] + "...")
    try:
        text = repr(value)
    except ValueError:  # Python does not write whole numbers of more than 4300 digits
        return f"a {type(value).__name__} of thousands of digits"
    return text if len(text) <= QUOTED else text[: QUOTED - 3] + "..."


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known name, or an empty string if none is near."""
    if len(name) > QUOTED:  # no name is so long, and to compare takes long
        return ""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the message for an unknown name: the value, what is known, and the nearest match."""
    names = sorted(known)
    return f"unknown {kind} {shown(name)}; known: {', '.join(names)}{suggest(name, names)}"
