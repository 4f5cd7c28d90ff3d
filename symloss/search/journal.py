"""What a search remembers between two moments at which it could be killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from symloss.formula import Formula
from symloss.search.candidate import Candidate, Scores

#: With a larger share of duplicates among its draws a grammar is nearly exhausted.
_SCARCE = 0.6


@dataclass
class Rejection:
    """A drawn formula that a screen turned away.

    Attributes:
        expression: its text.
        screen: the screen's name.
        reason: one line.
    """

    expression: str
    screen: str
    reason: str


@dataclass
class Generation:
    """One generation as it was drawn.

    Attributes:
        number: from 0.
        candidates: those that passed every screen, in the order they were drawn: the ones to train.
        drawn: how many were drawn.
        rejections: every other one.
        known: formulas that a later screen rejected after the identity index had taken them in.
    """

    number: int
    candidates: list[Candidate] = field(default_factory=list)
    drawn: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    known: list[Formula] = field(default_factory=list)

    def rejected(self) -> Counter[str]:
        """Return how many each screen rejected."""
        return Counter(rejection.screen for rejection in self.rejections)

    @property
    def scarce(self) -> bool:
        """Whether most draws were known already: the grammar has little left."""
        return self.rejected()["duplicate"] > _SCARCE * self.drawn


class Journal(Protocol):
    """Where a search writes what it must not do twice. Each call either takes effect as a whole or not at all."""

    def load_generation(self, number: int) -> Generation | None:
        """Return a generation as it was saved, without scores, or None."""

    def save_generation(self, generation: Generation) -> None:
        """Remember a drawn generation."""

    def load_scores(self, rung: int) -> dict[str, Scores]:
        """Return the scores of a rung by candidate id."""

    def save_scores(self, rung: int, scores: Mapping[str, Scores]) -> None:
        """Remember the scores of some candidates on a rung."""

    def load_seconds(self) -> float:
        """Return how long earlier processes worked."""

    def save_seconds(self, seconds: float) -> None:
        """Remember how long all processes worked so far."""

    def load_stop(self) -> tuple[int, str] | None:
        """Return the generation before which the search stopped, and why; None if it has not."""

    def save_stop(self, generation: int, reason: str) -> None:
        """Remember that the search stopped before a generation: what follows tunes constants."""


class MemoryJournal:
    """A journal that lives as long as the process: for library use without a run directory."""

    def __init__(self) -> None:
        self._scores: dict[int, dict[str, Scores]] = {}
        self._seconds = 0.0
        self._stop: tuple[int, str] | None = None

    def load_generation(self, number: int) -> Generation | None:
        """Return None: nothing outlives the search."""
        return None

    def save_generation(self, generation: Generation) -> None:
        """Do nothing: the search itself holds its generations."""

    def load_scores(self, rung: int) -> dict[str, Scores]:
        """Return the scores of a rung by candidate id."""
        return dict(self._scores.get(rung, {}))

    def save_scores(self, rung: int, scores: Mapping[str, Scores]) -> None:
        """Remember the scores of some candidates on a rung."""
        self._scores.setdefault(rung, {}).update(scores)

    def load_seconds(self) -> float:
        """Return how long the search worked."""
        return self._seconds

    def save_seconds(self, seconds: float) -> None:
        """Remember how long the search worked."""
        self._seconds = seconds

    def load_stop(self) -> tuple[int, str] | None:
        """Return the generation before which the search stopped, and why."""
        return self._stop

    def save_stop(self, generation: int, reason: str) -> None:
        """Remember that the search stopped."""
        self._stop = generation, reason
