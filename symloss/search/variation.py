"""How a generation's candidates come about: from the grammar, or from parents."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from symloss.grammar import Derivation, Sampler, crossover, mutate
from symloss.runtime import keyed_random
from symloss.search.candidate import Candidate, best_first
from symloss.search.config import SearchConfig
from symloss.search.screening import Draw

#: Two scores closer than this are a tie, and the smaller formula wins.
_TIE = 0.002


class Breeder:
    """Makes the draws of one generation. A draw depends on the run's seed, the generation and its index alone.

    Args:
        config: the search's settings.
        sampler: of the grammar.
        seeds: derivations of the grammar's own seeds, the first draws of generation 0.
        generation: its number.
        pool: every candidate trained before this generation.
    """

    def __init__(
        self,
        config: SearchConfig,
        sampler: Sampler,
        seeds: Sequence[Derivation],
        generation: int,
        pool: Sequence[Candidate],
    ) -> None:
        self._config = config
        self._sampler = sampler
        self._seeds = list(seeds) if generation == 0 else []
        self._generation = generation
        # Elitism: the best so far stay parents for as long as they are the best.
        self._parents = best_first(pool)[: config.parents]

    def __call__(self, index: int) -> Draw:
        """Return draw number ``index`` of the generation."""
        if index < len(self._seeds):
            return Draw(self._seeds[index], "seed")
        rng = keyed_random(self._config.seed, "draw", self._generation, index)
        if not self._parents or rng.random() < self._config.immigrants:
            fresh = self._sampler.sample(rng)
            assert fresh is not None  # a validated grammar has formulas within its limits
            return Draw(fresh, "draw")
        first = self._select(rng)
        if rng.random() < self._config.crossover:
            second = self._select(rng)
            child = crossover(first.derivation, second.derivation, rng, self._sampler)
            return Draw(child, "crossover", (first.id, second.id))
        child = mutate(first.derivation, rng, self._sampler)
        return Draw(child, "mutation", (first.id,))

    def _select(self, rng: Random) -> Candidate:
        """Return the winner of a tournament over (rung, score, size)."""
        best = self._parents[int(rng.random() * len(self._parents))]
        for _ in range(self._config.tournament - 1):
            other = self._parents[int(rng.random() * len(self._parents))]
            if _beats(other, best):
                best = other
        return best


def _beats(a: Candidate, b: Candidate) -> bool:
    if a.rung != b.rung:
        return a.rung > b.rung
    if abs(a.score - b.score) <= _TIE:
        return a.size < b.size
    return a.score > b.score
