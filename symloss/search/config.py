"""The settings of a search: with the grammar and the task they decide its result, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from symloss.benchmark.compare import MAX_SEEDS
from symloss.errors import SymlossError
from symloss.fitness import Ladder, Rung

#: Seeds below this belong to final comparisons, so no search ever trains with them.
FIRST_SEARCH_SEED = 5000
_SEEDS_PER_RUN = 500


@dataclass(frozen=True)
class SearchConfig:
    """One search.

    Attributes:
        seed: the run's seed, from 0.
        budget: how many candidates are trained, at least on the first rung.
        generation_size: candidates trained in each generation.
        immigrants: the share of each later generation that is drawn afresh from the grammar.
        crossover: the share of the others that is made by crossover; the rest is mutated.
        tournament: how many candidates compete to become a parent.
        parents: how many of the best so far may become parents.
        surplus: how many candidates pass the symbolic screens for each one trained, from the second generation on;
            the surrogate chooses among them. 1 does without it.
        finalists: how many candidates are trained on the last, longest rung at the end.
        discovered: how many losses the hall of fame hands to the final comparison.
        audit_seeds: fresh seeds of the final comparison.
        baselines: catalogue losses that are compared with; the first is what gains are measured against.
    """

    seed: int = 0
    budget: int = 1280
    generation_size: int = 128
    immigrants: float = 0.25
    crossover: float = 0.4
    tournament: int = 4
    parents: int = 96
    surplus: int = 5
    finalists: int = 24
    discovered: int = 8
    audit_seeds: int = 20
    baselines: tuple[str, ...] = ("ce", "ngl", "focal")

    def __post_init__(self) -> None:
        object.__setattr__(self, "baselines", tuple(self.baselines))
        for name, low in (
            ("seed", 0),
            ("budget", 1),
            ("generation_size", 1),
            ("tournament", 1),
            ("parents", 1),
            ("surplus", 1),
            ("finalists", 1),
            ("discovered", 1),
            ("audit_seeds", 2),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise SymlossError(
                    f"{name.replace('_', ' ')} is {value!r}; it must be a whole number of at least {low}"
                )
        if self.audit_seeds > MAX_SEEDS:
            raise SymlossError(f"audit seeds is {self.audit_seeds}; it must be at most {MAX_SEEDS}")
        for name in ("immigrants", "crossover"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise SymlossError(f"{name} is {value!r}; it must be from 0 to 1")
        if not self.baselines or self.baselines[0] != "ce":
            raise SymlossError(f"the baselines are {', '.join(self.baselines) or 'none'}; begin with ce")

    def ladder(self, steps: int) -> Ladder:
        """Return the rungs for a task's full budget of ``steps``: three tenths, seven tenths and all of it.

        A shorter first rung misleads under label noise: ``experiments/quality/rungs.py`` measures how well the score at
        fewer steps foretells the score at all of them. Five consecutive seeds are the folds of one partition, so the
        third rung validates on every sample once.
        """
        first = FIRST_SEARCH_SEED + _SEEDS_PER_RUN * self.seed
        return Ladder(
            rungs=(
                Rung(max(1, 3 * steps // 10), (first,)),
                Rung(max(2, 7 * steps // 10), tuple(range(first + 5, first + 7))),
                Rung(max(3, steps), tuple(range(first + 10, first + 15))),
            ),
            keep=(0.25, 0.25),
        )

    def final_rung(self, steps: int) -> Rung:
        """Return the rung that ranks the finalists: full steps, 15 seeds of their own."""
        first = FIRST_SEARCH_SEED + _SEEDS_PER_RUN * self.seed + 20
        return Rung(max(4, steps), tuple(range(first, first + 15)))

    @property
    def generations(self) -> int:
        """The number of generations that the budget fills."""
        return -(-self.budget // self.generation_size)

    def places(self, generation: int) -> int:
        """How many candidates a generation trains; the last takes what is left of the budget."""
        return min(self.generation_size, self.budget - generation * self.generation_size)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return asdict(self) | {"baselines": list(self.baselines)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SearchConfig:
        """Build a configuration from :meth:`to_dict`'s data.

        Raises:
            SymlossError: an unknown field or a value out of range.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise SymlossError(f"unknown search setting {name!r}; known: {', '.join(known)}")
        return cls(**values)
