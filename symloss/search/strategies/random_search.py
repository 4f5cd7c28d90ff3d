"""Random search: every draw is fresh. The control that any other strategy has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from symloss.grammar import Sampler
from symloss.search.candidate import Candidate
from symloss.search.config import SearchConfig
from symloss.search.draw import Breeder
from symloss.search.strategies.base import fresh, seeded, stream


class RandomSearch:
    """Draws from the grammar and learns nothing; Bergstra and Bengio 2012, JMLR 13, on why that is hard to beat."""

    learns: ClassVar[bool] = False
    uses_surrogate: ClassVar[bool] = False

    def __init__(self, config: SearchConfig, sampler: Sampler) -> None:
        self._config = config
        self._sampler = sampler

    def breeder(self, generation: int, archive: Sequence[Candidate]) -> Breeder:
        """See :meth:`Strategy.breeder`; the archive is not read."""
        return seeded(
            self._sampler.grammar.seeds,
            generation,
            lambda index: fresh(self._sampler, stream(self._config, generation, index)),
        )
