"""What is known of one property of a loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Value = str | float | tuple[float, ...]


@dataclass(frozen=True)
class Property:
    """One property.

    Attributes:
        value: ``"yes"``, ``"no"`` or ``"unknown"``, or a number or numbers; ``"unbounded"`` in place of an infinite
            one.
        exact: whether a symbolic or interval proof shows it. False for what was measured and for what is unknown.
        note: one line: what was proven, a witness, or how it was measured.
    """

    value: Value
    exact: bool
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {"value": value, "exact": self.exact, "note": self.note}


def yes(note: str, exact: bool = True) -> Property:
    """Return a property that holds."""
    return Property("yes", exact, note)


def no(note: str, exact: bool = True) -> Property:
    """Return a property that does not hold."""
    return Property("no", exact, note)


def unknown(note: str) -> Property:
    """Return a property that stays open."""
    return Property("unknown", False, note)
