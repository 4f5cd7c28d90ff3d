"""Errors that a user can act on: they name the value, the rule and the fix, and carry no traceback to the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class SymlossError(ValueError):
    """Bad input or a failed precondition. The command line prints the message alone and exits with code 2."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known name, or an empty string if none is near."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the message for an unknown name: the value, what is known, and the nearest match."""
    names = sorted(known)
    return f"unknown {kind} {name!r}; known: {', '.join(names)}{suggest(name, names)}"
