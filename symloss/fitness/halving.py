"""Successive halving: many candidates on a short budget, the best of them on a longer one.

The rules alone, without any training: Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and
Hyperparameter Optimization", AISTATS 2016.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from symloss.errors import SymlossError


@dataclass(frozen=True)
class Rung:
    """One budget.

    Attributes:
        steps: training steps, at least 1.
        seeds: the seeds to train with; the score is the mean over them.
    """

    steps: int
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise SymlossError(f"a rung has {self.steps!r} steps; it must be at least 1")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise SymlossError(f"a rung has the seeds {self.seeds!r}; give at least one, each once")

    @property
    def cost(self) -> int:
        """Training steps per candidate, over all seeds."""
        return self.steps * len(self.seeds)


@dataclass(frozen=True)
class Entry:
    """A candidate's result on a rung.

    Attributes:
        id: the candidate's name.
        size: its complexity; of two equal scores the smaller wins.
        score: higher is better; nan ranks below everything.
    """

    id: str
    size: int
    score: float


@dataclass(frozen=True)
class Ladder:
    """Rungs of rising cost, and the fraction that climbs from each to the next.

    Attributes:
        rungs: at least one; each costs more than the one before.
        keep: for every rung but the last, the fraction in (0, 1] promoted, rounded up.
    """

    rungs: tuple[Rung, ...]
    keep: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.keep) != len(self.rungs) - 1:
            raise SymlossError(
                f"{len(self.rungs)} rungs have {len(self.keep)} keep fractions; give one between each two rungs"
            )
        for fraction in self.keep:
            if not 0 < fraction <= 1:
                raise SymlossError(f"a keep fraction is {fraction!r}; it must be in (0, 1], such as 0.25")
        for cheap, dear in zip(self.rungs, self.rungs[1:], strict=False):
            if dear.cost <= cheap.cost:
                raise SymlossError(f"a rung of cost {dear.cost} follows one of {cheap.cost}; costs must rise")

    def promoted(self, rung: int, waiting: Iterable[Entry], climbed: int = 0) -> list[str]:
        """Return the ids that climb from a rung to the next, best first; from the last rung none do.

        Args:
            rung: its number.
            waiting: the results of those on it that have not climbed.
            climbed: how many others of it have; they keep their places.
        """
        ranked = rank(waiting)
        if rung >= len(self.keep):
            return []
        free = max(self.places(rung, len(ranked) + climbed) - climbed, 0)
        return [entry.id for entry in ranked[:free]]

    def places(self, rung: int, entries: int) -> int:
        """Return how many of the entries on a rung are promoted."""
        # Rounded before the ceiling: 0.07 * 100 is 7.000000000000001, and that is seven places.
        return math.ceil(round(self.keep[rung] * entries, 9))

    def cost(self, entries: int) -> int:
        """Return the training steps, over all candidates and seeds, of one pass up the ladder."""
        total = 0
        for number, rung in enumerate(self.rungs):
            total += entries * rung.cost
            if number < len(self.keep):
                entries = self.places(number, entries)
        return total


def rank(entries: Iterable[Entry]) -> list[Entry]:
    """Return entries best first: by score, then the smaller, then by id. A nan score ranks last."""

    def key(entry: Entry) -> tuple[bool, float, int, str]:
        missing = math.isnan(entry.score)
        return missing, 0.0 if missing else -entry.score, entry.size, entry.id

    return sorted(entries, key=key)
