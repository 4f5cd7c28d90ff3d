"""An event, who listens to it, and how listeners are put together."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        name: one of those that :mod:`symloss.events` lists.
        fields: what JSON can say.
    """

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)


#: Called with each event, in the order in which they happen.
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Do nothing with an event."""


def to_stderr(event: Event) -> None:
    """Print warnings of symloss's own to standard error, and nothing else: what listens where nobody else does."""
    if event.name == "warning" and "category" not in event.fields:
        print(f"symloss: {event.fields['message']}", file=sys.stderr)


def all_of(*listeners: Callable[[T], None]) -> Callable[[T], None]:
    """Return a listener, or an observer, that passes what it is called with to several, in this order."""

    def listen(value: T) -> None:
        for listener in listeners:
            listener(value)

    return listen


def marked(listener: Listener, **fields: Any) -> Listener:
    """Return a listener that adds fields to each event before it passes it on."""
    return lambda event: listener(Event(event.name, {**event.fields, **fields}))


@contextmanager
def warnings_to(listener: Listener) -> Iterator[None]:
    """Make events of Python's warnings too, each text once; they are shown, or raised, as they were."""
    before, seen = warnings.showwarning, set()

    def show(message: Warning | str, category: type[Warning], *others: Any, **named: Any) -> None:
        before(message, category, *others, **named)
        text = " ".join(str(message).split())
        if text not in seen:
            seen.add(text)
            listener(Event("warning", {"message": text, "category": category.__name__}))

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before
