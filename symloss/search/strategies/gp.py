"""Genetic programming on islands, with parents from the elite and from the front of merit against size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from symloss.grammar import Sampler, crossover, mutate
from symloss.search.candidate import FAMILY, Candidate, best_first, pareto_front
from symloss.search.config import SearchConfig
from symloss.search.draw import Breeder, Draw
from symloss.search.spacing import Spacing
from symloss.search.strategies.base import fresh, seeded, stream, tournament

#: Every so many generations each island also breeds from the best of its neighbour.
_MIGRATION = 3

#: How many migrate.
_MIGRANTS = 4


class GeneticProgramming:
    """Crossover and mutation that stay inside the grammar (Whigham 1995), on islands that rarely mix.

    Draw ``i`` belongs to island ``i mod islands``, and so does the candidate that it becomes; no island is stored. The
    best so far stay parents for as long as they are the best (elitism), but of each family by profile one alone, or
    the first good one would soon be everyone's parent. So do the small formulas that nothing as small beats: they are
    what larger ones are made of.
    """

    learns: ClassVar[bool] = True
    uses_surrogate: ClassVar[bool] = True

    def __init__(self, config: SearchConfig, sampler: Sampler) -> None:
        self._config = config
        self._sampler = sampler

    def breeder(self, generation: int, archive: Sequence[Candidate]) -> Breeder:
        """See :meth:`Strategy.breeder`."""
        islands = [self._parents(island, generation, archive) for island in range(self._config.islands)]

        def breed(index: int) -> Draw:
            return self._breed(generation, index, islands[index % len(islands)])

        return seeded(self._sampler.grammar.seeds, generation, breed)

    def _breed(self, generation: int, index: int, parents: Sequence[Candidate]) -> Draw:
        config = self._config
        rng = stream(config, generation, index)
        if not parents or rng.random() < config.immigrants:
            return fresh(self._sampler, rng)
        first = tournament(parents, config.tournament, rng)
        if rng.random() < config.crossover:
            second = tournament(parents, config.tournament, rng)
            child = crossover(first.derivation, second.derivation, rng, self._sampler)
            return Draw(child, "crossover", (first.id, second.id))
        return Draw(mutate(first.derivation, rng, self._sampler), "mutation", (first.id,))

    def _parents(self, island: int, generation: int, archive: Sequence[Candidate]) -> list[Candidate]:
        """Return an island's parents, best first."""
        config = self._config
        here = [candidate for candidate in archive if candidate.index % config.islands == island]
        ranked = best_first(here)
        families = Spacing([candidate.profile for candidate in ranked], [], FAMILY)
        count = max(1, config.parents // config.islands)
        parents = [ranked[place] for place in families.pick(range(len(ranked)), count)]
        if parents:
            top = [candidate for candidate in here if candidate.rung == parents[0].rung]
            parents += [candidate for candidate in pareto_front(top) if candidate not in parents]
        if config.islands > 1 and generation % _MIGRATION == 0:
            neighbour = (island - 1) % config.islands
            there = [candidate for candidate in archive if candidate.index % config.islands == neighbour]
            parents += best_first(there)[:_MIGRANTS]
        return parents
