"""The search: draw, screen, train in rungs, select, repeat."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from symloss.errors import SymlossError
from symloss.events import Event, Listener, ignore
from symloss.fitness import Evaluator
from symloss.grammar import Grammar, Sampler
from symloss.losses import find
from symloss.runtime import keyed_seed
from symloss.search.candidate import Candidate, best_first, choose_finalists, hall_of_fame, pareto_front
from symloss.search.config import SearchConfig
from symloss.search.draw import Breeder
from symloss.search.journal import Generation, Journal
from symloss.search.plan import Plan
from symloss.search.progress import Observer, Progress
from symloss.search.rungs import Rungs
from symloss.search.screening import Screening
from symloss.search.strategies import STRATEGIES, Tuning
from symloss.search.surrogate import MIN_TRAINED, Surrogate
from symloss.symbolic import Identity
from symloss.tasks import METRICS, Task


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        hall_of_fame: the best candidate of each size on the last rung, best first.
        candidates: every trained candidate.
        drawn: how many candidates were drawn.
        rejected: how many each screen rejected.
        noise: the standard deviation of cross-entropy's score over seeds, which decided ``last_seeds``.
        last_seeds: seeds of the last rung.
        stopped: why the search ended: ``"budget"``, ``"time"``, ``"plateau"`` or ``"exhausted"``.
    """

    hall_of_fame: list[Candidate]
    candidates: list[Candidate]
    drawn: int
    rejected: Counter[str]
    noise: float
    last_seeds: int
    stopped: str


class Search:
    """One search. Its result depends on the grammar, the tasks and the configuration alone, unless time limits it.

    Args:
        grammar: where candidates come from.
        tasks: what they are trained on, one or several; only their pools are used.
        config: the settings.
        journal: what an earlier, killed process already did, and where this one writes.
        observer: called whenever the progress has changed.
        evaluator: where training runs; by default in this process on the CPU.
        listener: told what happened, event by event: see :mod:`symloss.events`.

    Attributes:
        progress: what is done and what is left, kept up to date.
        plan: how much work there is.
    """

    def __init__(
        self,
        grammar: Grammar,
        tasks: Task | Sequence[Task],
        config: SearchConfig,
        journal: Journal,
        observer: Observer,
        evaluator: Evaluator | None = None,
        listener: Listener = ignore,
    ) -> None:
        self._tasks = [tasks] if isinstance(tasks, Task) else list(tasks)
        _check(self._tasks)
        self._config = config
        self._journal = journal
        self._observer = observer
        self._listener = listener
        self._evaluator = evaluator or Evaluator()
        sampler = Sampler(grammar)
        self._strategy = STRATEGIES[config.strategy](config, sampler)
        soft = any(task.soft_labels for task in self._tasks)
        classes = [task.classes for task in self._tasks]
        self._tuning = Tuning(config, sampler, classes)
        self._screening = Screening(classes, Identity(soft_labels=soft))
        self._candidates: list[Candidate] = []
        self._scarce, self._best, self._best_since = False, "", 0
        baselines = {loss.id: loss for loss in map(find, config.baselines)}
        self._baselines = baselines
        self.progress = Progress(
            generations=config.generations,
            budget=config.budget,
            seconds_limit=config.seconds,
            metric=self._tasks[0].config.metrics[0],
            earlier_seconds=journal.load_seconds(),
        )
        self._rungs = Rungs(
            self._tasks,
            config,
            journal,
            self._evaluator,
            baselines,
            self.progress,
            observer,
            listener,
            turns=self._strategy.learns,
        )
        self._noise, self._last_seeds = 0.0, config.seeds_for(0.0)
        self.plan = Plan(config, self._tasks[0].config.steps, len(baselines))
        self._plan_work()

    def run(self) -> Found:
        """Search, or go on searching, until the budget or the time is spent, or nothing improves any more."""
        for baseline in self._baselines.values():
            if baseline.plain:  # a candidate is a formula alone, so it equals no other baseline
                self._screening.reserve(baseline.plain_formula)
        self._noise, self._last_seeds = self._rungs.measure_noise()
        self._plan_work()
        number, stopped = 0, ""
        while not stopped:
            places = self._config.places(len(self._candidates))
            seconds = self._generation(number, places, self._strategy.breeder(number, self._candidates))
            number += 1
            stopped = "exhausted" if seconds is None else self._why_stop(number, seconds)
        if stopped != "exhausted":
            stopped = self._tune(number, stopped)
        families = self._strategy.uses_surrogate
        finalists = choose_finalists(self._candidates, self._config.finalists, families=families)
        self.progress.phase = "final rung"
        last = self._config.final_rung(self._tasks[0].config.steps, self._last_seeds)
        self._rungs.train(self._rungs.last, last, finalists, self._candidates)
        playoff = self._config.playoff(self._tasks[0].config.steps, self._noise)
        if playoff is not None:
            best = best_first(finalists)[: -(-len(finalists) // 4)]
            self._rungs.train(self._rungs.last + 1, playoff, best, self._candidates)
        self._journal.save_seconds(self.progress.seconds)
        return Found(
            hall_of_fame(self._candidates, self._rungs.last),
            self._candidates,
            self.progress.drawn,
            Counter(self.progress.rejected),
            self._noise,
            self._last_seeds,
            stopped,
        )

    def front(self) -> list[Candidate]:
        """Return the best so far of each size that no smaller one beats, among those on the highest rung reached."""
        top = max((candidate.rung for candidate in self._candidates), default=-1)
        return pareto_front([c for c in self._candidates if c.rung == top and c.scores])

    def _tune(self, number: int, stopped: str) -> str:
        """Spend what is reserved on the constants of the best losses, from generation ``number`` on.

        Where nothing is left to tune, the strategy has these places too. Return why the search ends.
        """
        left = self._config.tuned
        tuning = True
        while left > 0:
            places = min(self._config.size, left)
            breeder = self._tuning.breeder(number, self._candidates, places) if tuning else None
            before = len(self._candidates)
            found = self._generation(
                number, places, breeder or self._strategy.breeder(number, self._candidates), plain=breeder is not None
            )
            number += 1
            left -= len(self._candidates) - before
            if found is None:
                if breeder is None:
                    return "exhausted"
                tuning = False
        return stopped

    def _generation(self, number: int, places: int, breeder: Breeder, *, plain: bool = False) -> float | None:
        """Draw and train one generation; return how many seconds that took, None if nothing was left to draw.

        Args:
            number: which.
            places: how many candidates it trains.
            breeder: makes its draws.
            plain: no surrogate chooses among them, and they may be near to each other.
        """
        self._evaluator.stopping.check()
        started, before = self.progress.seconds, self.progress.work_done - self.progress.work_replayed
        generation = self._draw(number, places, breeder, plain)
        self._candidates += generation.candidates
        self._scarce = generation.scarce
        if not generation.candidates:
            return None
        if number == 0:
            self._rungs.try_out(generation.candidates)
            self._plan_work()
        learns = self._strategy.uses_surrogate and self._config.surplus > 1
        self._rungs.climb(generation.candidates, self._candidates, learns=learns)
        if number == 0:
            self._plan_work()
        best = best_first(self._candidates)[0].id
        if best != self._best:
            self._best, self._best_since = best, number
        self._journal.save_seconds(self.progress.seconds)
        seconds = self.progress.seconds - started
        if self.progress.work_done - self.progress.work_replayed > before:
            self._tell_generation(number, seconds)
        return seconds

    def _tell_generation(self, number: int, seconds: float) -> None:
        progress = self.progress
        fields = {
            "generation": number,
            "generations": progress.generations,
            "trained": progress.trained,
            "budget": progress.budget,
            "best": progress.best,
            "baseline": progress.baseline,
            "formula": progress.best_formula,
            "seconds": round(seconds, 3),
        }
        self._listener(Event("generation", fields))

    def _why_stop(self, number: int, seconds: float) -> str:
        """Return why generation ``number`` is not to be drawn, or an empty string.

        Args:
            number: the generation, from 1.
            seconds: how long the one before it took.
        """
        config = self._config
        if config.budget is not None and config.places(len(self._candidates)) == 0:
            return "budget"
        stop = self._journal.load_stop()
        if stop is not None and number >= stop[0]:
            return stop[1]
        if self._journal.load_generation(number) is not None:
            return ""  # an earlier process went on
        found = ""
        if config.seconds is not None and self.progress.seconds + self._seconds_after(seconds) > config.seconds:
            found = "time"
        elif config.patience is not None and number - self._best_since > config.patience:
            found = "plateau"
        if found:
            self._journal.save_stop(number, found)
        return found

    def _seconds_after(self, generation: float) -> float:
        """Return how long what follows would take if one more generation were drawn, which takes that long."""
        progress, config = self.progress, self._config
        trained = progress.work_done - progress.work_replayed
        pace = progress.own_seconds / trained if trained > 0 else 0.0
        tuned = generation * config.tuned / config.size
        found = generation + tuned + pace * self.plan.final(self._noise, self._last_seeds)
        if config.control != "none":
            found += progress.seconds + found
        return found + pace * self.plan.comparison

    def _draw(self, number: int, places: int, breeder: Breeder, plain: bool) -> Generation:
        progress = self.progress
        progress.phase, progress.generation = "screening", number
        before_drawn, before_rejected = progress.drawn, Counter(progress.rejected)

        def report(generation: Generation) -> None:
            progress.drawn = before_drawn + generation.drawn
            progress.rejected = before_rejected + generation.rejected()
            self._observer(progress)

        generation = self._journal.load_generation(number)
        if generation is None:
            started = time.monotonic()
            generation = self._screening.fill(
                number,
                places,
                breeder,
                report,
                surplus=self._config.surplus,
                surrogate=None if plain else self._surrogate(number),
                apart_from=None if plain else self._good(),
            )
            self._journal.save_generation(generation)
            self._listener(Event("drawn", _drawn(generation) | {"seconds": round(time.monotonic() - started, 3)}))
        else:
            self._screening.replay(generation)
        report(generation)
        return generation

    def _good(self) -> list[np.ndarray] | None:
        """Return the profiles that a new one must not be near to; None where the strategy may train clones.

        Those that climbed: what is near to one that did not may still have better luck.
        """
        if not self._choosy:
            return None
        return [candidate.profile for candidate in self._candidates if candidate.rung > 0]

    @property
    def _choosy(self) -> bool:
        """Whether there is enough to choose from, and enough trained to know what."""
        return self._strategy.uses_surrogate and len(self._candidates) >= MIN_TRAINED and not self._scarce

    def _surrogate(self, generation: int) -> Surrogate | None:
        if self._config.surplus == 1 or not self._choosy:
            return None
        return Surrogate(self._candidates, keyed_seed(self._config.seed, "surrogate", generation))

    def _plan_work(self) -> None:
        """Tell the progress how much there is to do, as far as it is known."""
        rungs = self._rungs
        beside = rungs.work_beside + rungs.anchor_work()
        self.progress.work_total = self.plan.whole(rungs.ladder, beside, self._noise, self._last_seeds)


def _drawn(generation: Generation) -> dict[str, object]:
    rejected = generation.rejected()
    counts = {"generation": generation.number, "candidates": len(generation.candidates), "drawn": generation.drawn}
    return {**counts, "duplicates": rejected["duplicate"], "rejected": dict(rejected)}


def _check(tasks: Sequence[Task]) -> None:
    if not tasks:
        raise SymlossError("a search has no task; give at least one")
    if len({task.config.metrics for task in tasks}) > 1:
        raise SymlossError("the tasks of a search have different metrics; give all the same")
    if len({task.config for task in tasks}) < len(tasks):
        raise SymlossError("a search has one task twice; give each once")
    metrics = tasks[0].config.metrics
    if not any(METRICS[name].higher_is_better for name in metrics):
        raise SymlossError(
            f"a search by {', '.join(metrics)} alone finds losses that do not learn: a network at chance can be best; "
            f"add a metric, such as accuracy,{metrics[0]}"
        )
