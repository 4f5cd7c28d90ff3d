"""Regularised evolution: the oldest die, however good they are, and only mutation makes new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from symloss.grammar import Sampler, mutate
from symloss.search.candidate import Candidate
from symloss.search.config import SearchConfig
from symloss.search.draw import Breeder, Draw
from symloss.search.strategies.base import fresh, seeded, stream, tournament


class RegularizedEvolution:
    """Ageing evolution: Real et al. 2019, "Regularized evolution for image classifier architecture search", AAAI.

    The population is the last ``config.parents`` candidates trained. A loss whose luck on few seeds put it first
    cannot stay there; only its line can, by doing well again and again.
    """

    learns: ClassVar[bool] = True
    uses_surrogate: ClassVar[bool] = True

    def __init__(self, config: SearchConfig, sampler: Sampler) -> None:
        self._config = config
        self._sampler = sampler

    def breeder(self, generation: int, archive: Sequence[Candidate]) -> Breeder:
        """See :meth:`Strategy.breeder`."""
        population = sorted(archive, key=lambda c: (c.generation, c.index))[-self._config.parents :]

        def breed(index: int) -> Draw:
            rng = stream(self._config, generation, index)
            if not population:
                return fresh(self._sampler, rng)
            parent = tournament(population, self._config.tournament, rng)
            return Draw(mutate(parent.derivation, rng, self._sampler), "mutation", (parent.id,))

        return seeded(self._sampler.grammar.seeds, generation, breed)
