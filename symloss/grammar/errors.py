"""The error of this package, and a collector that reports every mistake of a grammar at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from symloss.errors import SymlossError, shown

__all__ = ["GrammarError", "Location", "Problems", "shown"]

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
        self._found: dict[tuple[int, str], None] = {}  # in order, each once
        self._more = 0

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, location: Location, message: str) -> None:
        """Note one mistake."""
        order, text = self._place(location)
        self._found[order, f"{text}: {message}"] = None

    def first(self, locations: Iterable[Location]) -> list[int]:
        """Return the indices of the locations that come first in the file, as many as are shown; count the others.

        To word a mistake takes longer than to find it, and a file may have thousands.
        """
        order = sorted((self._place(location)[0], index) for index, location in enumerate(locations))
        self._more += max(len(order) - MAX_SHOWN, 0)
        return [index for _, index in order[:MAX_SHOWN]]

    def raise_any(self) -> None:
        """Raise all mistakes noted so far, in file order; do nothing if there are none.

        Raises:
            GrammarError: one line a mistake.
        """
        if not self._found:
            return
        lines = [text for _, text in sorted(self._found, key=lambda entry: entry[0])]
        more = self._more + max(len(lines) - MAX_SHOWN, 0)
        if more:
            lines[MAX_SHOWN:] = [f"... and {more} more"]
        raise GrammarError("\n".join(lines))
