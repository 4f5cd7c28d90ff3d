"""The error of this package, and a collector that reports every mistake of a grammar at once."""

from __future__ import annotations

from collections.abc import Callable

from symloss.errors import SymlossError

#: A position in the data of a grammar, such as ``("rules", "expr", 2, "weight")``.
Location = tuple[str | int, ...]

MAX_SHOWN = 20


class GrammarError(SymlossError):
    """A grammar, or a derivation, that breaks a rule. Each line of the message names a place and the fix."""


class Problems:
    """Collects messages with their places, so that a user can mend a file in one go.

    Args:
        place: maps a location to ``(sort key, text)``; the text, such as ``"my.yaml:14"``, starts a message.
    """

    def __init__(self, place: Callable[[Location], tuple[int, str]]) -> None:
        self._place = place
        self._found: list[tuple[int, str]] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, location: Location, message: str) -> None:
        """Note one mistake."""
        order, text = self._place(location)
        entry = (order, f"{text}: {message}")
        if entry not in self._found:
            self._found.append(entry)

    def raise_any(self) -> None:
        """Raise all mistakes noted so far, in file order; do nothing if there are none.

        Raises:
            GrammarError: one line a mistake.
        """
        if not self._found:
            return
        lines = [text for _, text in sorted(self._found, key=lambda entry: entry[0])]
        if len(lines) > MAX_SHOWN:
            lines[MAX_SHOWN:] = [f"... and {len(lines) - MAX_SHOWN} more"]
        raise GrammarError("\n".join(lines))


def shown(value: object) -> str:
    """Return a value as a message quotes it: short, whatever it is."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
