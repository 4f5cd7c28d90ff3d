"""The settings of a search: with the grammar and the task they decide its result, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from symloss.benchmark.compare import MAX_SEEDS
from symloss.errors import SymlossError, unknown
from symloss.fitness import Ladder, Rung

#: Seeds below this belong to final comparisons, so no search ever trains with them.
FIRST_SEARCH_SEED = 5000
_SEEDS_PER_RUN = 500


#: Every strategy with how many candidates a generation of it has: what learns from each generation has small ones.
STRATEGY_GENERATIONS = {"gp": 64, "regularized-evolution": 64, "random": 128, "cmaes": 32}

#: Controls that can run beside a search.
CONTROLS = ("none", "random")

#: The last rung has as many seeds as bring the standard error of a loss's mean score below this, in these limits.
NOISE_TARGET = 0.0015
_FEWEST, _MOST, _MOST_MORE, _FOLDS = 10, 30, 100, 5

#: With this standard deviation of a score one seed will do on the first rung; with more all rungs have more seeds.
NOISE_OF_ONE = 0.008
_MOST_REPEATS = 4

#: In a search that learns the first rungs have other seeds for each turn, so many candidates in whole generations, and
#: after so many turns they come round again. Shorter turns would cost more: some losses are trained with the seeds of
#: each.
PER_TURN, TURNS = 128, 20

#: What the first rung's share of the steps can be, where a trial decides; without one it is the first of them.
FIRST_SHARES = (0.3, 0.5, 0.7, 1.0)

#: How many losses a trial compares, and the least budget that affords one: it costs as much as the whole search of
#: 128 candidates.
TRIED = 64
LEAST_FOR_TRIAL = 512


@dataclass(frozen=True)
class SearchConfig:
    """One search.

    Attributes:
        seed: the run's seed, from 0.
        strategy: a name in :data:`symloss.search.STRATEGIES`.
        budget: how many candidates are trained, at least on the first rung; None for as many as ``seconds`` allow.
        seconds: stop drawing generations in time to end after so many seconds; None for no limit. What a limited run
            finds depends on the machine's speed.
        patience: stop after so many generations in which the best loss did not improve; None to never stop early.
        generation_size: candidates trained in each generation; None for the strategy's own number.
        immigrants: the share of each later generation that is drawn afresh from the grammar.
        crossover: the share of the others that is made by crossover; the rest is mutated.
        tournament: how many candidates compete to become a parent.
        parents: how many of the best so far may become parents, over all islands, one of each family; the population of
            regularised evolution.
        islands: how many populations of genetic programming evolve beside each other.
        surplus: how many candidates pass the symbolic screens for each one trained, from the second generation on;
            the surrogate chooses among them. 1 does without it.
        tuning: the share of the budget that goes to the constants of the best losses, at the end.
        finalists: how many candidates are trained on the last, longest rung at the end; a quarter of them meets once
            more where noise leaves them close.
        repeats: seeds of the first rung, which the others have in proportion; None to decide by the noise that is
            measured before the search.
        last_seeds: seeds of the last rung; None to decide by the noise.
        first_rung: the first rung's steps as a share of the task's, in (0, 1]; None to decide by a trial on the task,
            which a budget below :data:`LEAST_FOR_TRIAL` goes without.
        discovered: how many losses the hall of fame hands to the final comparison.
        audit_seeds: fresh seeds of the final comparison.
        baselines: catalogue losses that are compared with; the first is what gains are measured against.
        control: ``"random"`` for an equal-budget random search beside it, whose best the final comparison includes.
    """

    seed: int = 0
    strategy: str = "gp"
    budget: int | None = 1280
    seconds: float | None = None
    patience: int | None = None
    generation_size: int | None = None
    immigrants: float = 0.5
    crossover: float = 0.4
    tournament: int = 4
    parents: int = 96
    islands: int = 4
    surplus: int = 10
    tuning: float = 0.15
    finalists: int = 24
    repeats: int | None = None
    last_seeds: int | None = None
    first_rung: float | None = None
    discovered: int = 8
    audit_seeds: int = 20
    baselines: tuple[str, ...] = ("ce", "ngl", "focal")
    control: str = "none"

    def __post_init__(self) -> None:
        if isinstance(self.baselines, str) or not all(isinstance(name, str) for name in self.baselines or (None,)):
            raise SymlossError(f"the baselines are {self.baselines!r}; give a list of names that begins with 'ce'")
        object.__setattr__(self, "baselines", tuple(self.baselines))
        for name in ("strategy", "control"):
            if not isinstance(getattr(self, name), str):
                raise SymlossError(f"the {name} is {getattr(self, name)!r}; it must be a name, such as 'random'")
        if self.strategy not in STRATEGY_GENERATIONS:
            raise SymlossError(unknown("strategy", str(self.strategy), STRATEGY_GENERATIONS))
        if self.control not in CONTROLS:
            raise SymlossError(unknown("control", str(self.control), CONTROLS))
        if self.generation_size is None:
            object.__setattr__(self, "generation_size", STRATEGY_GENERATIONS[self.strategy])
        for name, low in _WHOLE.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise SymlossError(
                    f"{name.replace('_', ' ')} is {value!r}; it must be a whole number of at least {low}"
                )
        if self.budget is None and self.seconds is None:
            raise SymlossError("a search has neither a budget nor a time limit; give one of them")
        if self.seconds is not None:
            value = self.seconds
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise SymlossError(f"the time limit is {value!r}; it must be a number of seconds above 0")
            object.__setattr__(self, "seconds", float(value))
        if self.audit_seeds > MAX_SEEDS:
            raise SymlossError(f"audit seeds is {self.audit_seeds}; it must be at most {MAX_SEEDS}")
        for name, most in (("last_seeds", _MOST), ("repeats", _MOST_REPEATS)):
            value = getattr(self, name)
            if value is not None and value > most:
                raise SymlossError(f"{name.replace('_', ' ')} is {value}; it must be at most {most}")
        for name in ("immigrants", "crossover", "tuning"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise SymlossError(f"{name} is {value!r}; it must be from 0 to 1")
        value = self.first_rung
        if value is not None:
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
                raise SymlossError(f"first rung is {value!r}; it must be a share of the steps in (0, 1], such as 0.3")
            object.__setattr__(self, "first_rung", float(value))
        if not self.baselines or self.baselines[0] != "ce":
            raise SymlossError(f"the baselines are {', '.join(self.baselines) or 'none'}; begin with ce")

    def ladder(self, steps: int, repeats: int = 1, share: float | None = None) -> Ladder:
        """Return the rungs for a task's full budget of ``steps``: a share of them, seven tenths at least, and all.

        They have 1, 2 and 5 seeds, each ``repeats`` times. The share is the first rung's of the configuration, or else
        the one given; see :class:`~symloss.search.trial.Trial`. Five consecutive seeds are the folds of one partition,
        so the third rung validates on every sample once.
        """
        first = self._first_seed
        share = self.first_rung or share or FIRST_SHARES[0]
        return Ladder(
            rungs=(
                Rung(max(1, round(share * steps)), tuple(range(first, first + repeats))),
                Rung(max(2, round(max(share, 0.7) * steps)), tuple(range(first + 5, first + 5 + 2 * repeats))),
                Rung(max(3, steps), tuple(range(first + 15, first + 15 + 5 * repeats))),
            ),
            keep=(0.25, 0.25),
        )

    def turned(self, ladder: Ladder, turn: int) -> Ladder:
        """Return a ladder whose first two rungs have the seeds of a turn; those of turn 0 are the ladder's own.

        Args:
            ladder: from :meth:`ladder`.
            turn: from 0, below :data:`TURNS`.
        """
        if turn == 0:
            return ladder
        first, second, third = ladder.rungs
        start = self._first_seed + 210 + 15 * (turn - 1)
        return replace(ladder, rungs=(_with_seeds(first, start), _with_seeds(second, start + 5), third))

    def trial_rung(self, steps: int, repeats: int) -> Rung:
        """Return the rung that a trial takes for the truth: full steps, twice the first rung's seeds, all its own."""
        first = self._first_seed + 200
        return Rung(max(3, steps), tuple(range(first, first + 2 * repeats)))

    @property
    def tried(self) -> int:
        """How many losses of the first generation decide by a trial where the first rung ends; 0 without one."""
        enough = (self.budget is None or self.budget >= LEAST_FOR_TRIAL) and self.size >= TRIED
        return TRIED if enough and self.first_rung is None else 0

    def final_rung(self, steps: int, seeds: int) -> Rung:
        """Return the rung that ranks the finalists: full steps, seeds of their own."""
        return Rung(max(4, steps), tuple(range(self._first_seed + 40, self._first_seed + 40 + seeds)))

    def playoff(self, steps: int, deviation: float) -> Rung | None:
        """Return the rung on which the best finalists meet once more where the last one leaves them within noise.

        Its seeds are fresh: the best of many on the last rung owes part of its score to luck, and here it has none.
        Without enough noise for that, or with the seeds of the last rung given, there is none.
        """
        more = min(_needed(deviation) - _MOST, _MOST_MORE)
        if self.last_seeds is not None or more <= 0:
            return None
        return Rung(max(5, steps), tuple(range(self._first_seed + 80, self._first_seed + 80 + max(more, _MOST + 5))))

    def noise_rung(self, steps: int) -> Rung:
        """Return the rung on which cross-entropy is trained before anything else, to see how large noise is."""
        return self.final_rung(steps, 15)

    def seeds_for(self, deviation: float) -> int:
        """Return how many seeds the last rung has, given the standard deviation of a score over seeds.

        As many as bring the standard error of a mean below :data:`NOISE_TARGET`, in whole partitions of five folds.
        """
        if self.last_seeds is not None:
            return self.last_seeds
        return min(max(_needed(deviation), _FEWEST), _MOST)

    def repeats_for(self, deviation: float) -> int:
        """Return how many seeds the first rung has, given the standard deviation of a score over seeds.

        What a rung promotes is a lottery if noise is larger than what losses differ by.
        """
        if self.repeats is not None:
            return self.repeats
        return min(max(round((deviation / NOISE_OF_ONE) ** 2), 1), _MOST_REPEATS)

    @property
    def _first_seed(self) -> int:
        return FIRST_SEARCH_SEED + _SEEDS_PER_RUN * self.seed

    @property
    def generations(self) -> int | None:
        """The number of generations that the budget fills, if the grammar does; None without a budget."""
        if self.budget is None:
            return None
        return -(-(self.budget - self.tuned) // self.size) + -(-self.tuned // self.size)

    @property
    def size(self) -> int:
        """Candidates trained in a generation."""
        assert self.generation_size is not None  # set above
        return self.generation_size

    @property
    def tuned(self) -> int:
        """How many candidates at the end tune constants: none where a strategy does so itself or learns nothing.

        Without a budget it is one generation.
        """
        if self.strategy in ("cmaes", "random") or self.tuning == 0:
            return 0
        return self.size if self.budget is None else round(self.tuning * self.budget)

    def places(self, trained: int) -> int:
        """How many candidates the next generation trains when so many are: what is left before tuning, at most."""
        return self.size if self.budget is None else min(self.size, max(self.budget - self.tuned - trained, 0))

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
                raise SymlossError(unknown("search setting", str(name), known))
        return cls(**values)


def _with_seeds(rung: Rung, start: int) -> Rung:
    return replace(rung, seeds=tuple(range(start, start + len(rung.seeds))))


def _needed(deviation: float) -> int:
    """Return how many seeds bring the standard error of a mean below the target, in whole partitions of five folds."""
    return _FOLDS * math.ceil((deviation / NOISE_TARGET) ** 2 / _FOLDS)


#: The least value of each whole number, and which may be None.
_WHOLE = {
    "seed": 0,
    "budget": 1,
    "patience": 1,
    "generation_size": 1,
    "tournament": 1,
    "parents": 1,
    "islands": 1,
    "surplus": 1,
    "finalists": 1,
    "repeats": 1,
    "last_seeds": 1,
    "discovered": 1,
    "audit_seeds": 2,
}
_OPTIONAL = ("budget", "patience", "repeats", "last_seeds")
