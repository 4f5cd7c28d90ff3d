"""What a strategy is: it makes a generation's draws out of what has been trained before."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import ClassVar, Protocol

from symloss.grammar import Derivation, Sampler
from symloss.runtime import keyed_random
from symloss.search.candidate import Candidate
from symloss.search.config import SearchConfig
from symloss.search.draw import FRESH, Breeder, Draw

#: Two merits closer than this are a tie, and the smaller formula wins.
_TIE = 0.002


class Strategy(Protocol):
    """Decides which losses are tried next.

    A draw depends on the run's seed, the generation, its index and the archive alone, so that a resumed run makes the
    same ones. What the screens reject is drawn, counted and forgotten; the next index takes its place.

    Attributes:
        learns: whether what it draws depends on scores. If so, the first rungs have other seeds now and then.
        uses_surrogate: whether more candidates than places may be drawn, and the surrogate chooses among them.
    """

    learns: ClassVar[bool]
    uses_surrogate: ClassVar[bool]

    def __init__(self, config: SearchConfig, sampler: Sampler) -> None: ...

    def breeder(self, generation: int, archive: Sequence[Candidate]) -> Breeder:
        """Return what makes a generation's draws.

        Args:
            generation: its number, from 0.
            archive: every candidate trained before it, by generation and index.
        """


def seeded(seeds: Sequence[Derivation], generation: int, breeder: Breeder) -> Breeder:
    """Return a breeder whose first draws in generation 0 are the grammar's own seeds."""
    if generation > 0 or not seeds:
        return breeder
    return lambda index: Draw(seeds[index], "seed") if index < len(seeds) else breeder(index)


def fresh(sampler: Sampler, rng: Random) -> Draw:
    """Return a draw from the grammar."""
    derivation = sampler.sample(rng)
    assert derivation is not None  # a validated grammar has formulas within its limits
    return Draw(derivation, FRESH)


def stream(config: SearchConfig, generation: int, index: int) -> Random:
    """Return the random stream of one draw."""
    return keyed_random(config.seed, "draw", generation, index)


def tournament(pool: Sequence[Candidate], entrants: int, rng: Random) -> Candidate:
    """Return the best by (rung, merit, size) of some of a pool, drawn with replacement."""
    best = pool[int(rng.random() * len(pool))]
    for _ in range(entrants - 1):
        other = pool[int(rng.random() * len(pool))]
        if _beats(other, best):
            best = other
    return best


def _beats(a: Candidate, b: Candidate) -> bool:
    if a.rung != b.rung:
        return a.rung > b.rung
    if abs(a.merit - b.merit) <= _TIE:
        return a.size < b.size
    return a.merit > b.merit
