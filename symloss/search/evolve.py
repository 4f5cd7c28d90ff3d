"""The evolutionary search: draw, screen, train in rungs, select, repeat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symloss.codegen.gradients import gradients_of
from symloss.fitness import Rung, train_population
from symloss.formula import to_text
from symloss.grammar import Grammar, Sampler
from symloss.losses import find
from symloss.runtime import keyed_seed
from symloss.search.candidate import Candidate, best_first, choose_finalists, hall_of_fame, pareto_front
from symloss.search.config import SearchConfig
from symloss.search.journal import Generation, Journal
from symloss.search.progress import Observer, Progress
from symloss.search.screening import Screening
from symloss.search.surrogate import MIN_TRAINED, Surrogate
from symloss.search.variation import Breeder
from symloss.symbolic import Identity
from symloss.tasks import Task

#: Candidates trained between two entries in the journal.
_CHUNK = 64


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes:
        hall_of_fame: the best candidate of each size on the last rung, best score first.
        candidates: every trained candidate.
        drawn: how many candidates were drawn.
        rejected: how many each screen rejected.
    """

    hall_of_fame: list[Candidate]
    candidates: list[Candidate]
    drawn: int
    rejected: Counter[str]


class Search:
    """One search. Its result depends on the grammar, the task and the configuration alone.

    Args:
        grammar: where candidates come from.
        task: what they are trained on; only its pool is used.
        config: the settings.
        journal: what an earlier, killed process already did, and where this one writes.
        observer: called whenever the progress has changed.
    """

    def __init__(
        self, grammar: Grammar, task: Task, config: SearchConfig, journal: Journal, observer: Observer
    ) -> None:
        self._grammar = grammar
        self._task = task
        self._config = config
        self._journal = journal
        self._observer = observer
        self._ladder = config.ladder(task.config.steps)
        self._final = config.final_rung(task.config.steps)
        self._sampler = Sampler(grammar)
        self._screening = Screening(task.classes, Identity(soft_labels=task.soft_labels))
        self._candidates: list[Candidate] = []
        self._baselines = {loss.id: loss for loss in map(find, config.baselines)}
        self.progress = Progress(generations=config.generations, budget=config.budget)
        self.progress.work_total = self._planned_work()

    def run(self) -> Found:
        """Search, or go on searching, until the budget is spent."""
        for baseline in self._baselines.values():
            if baseline.plain:  # a candidate is a formula alone, so it equals no other baseline
                self._screening.reserve(baseline.plain_formula)
        for number in range(self._config.generations):
            generation = self._draw(number)
            self._candidates += generation.candidates
            self._climb(generation.candidates)
            if not generation.candidates:
                break  # the grammar has no more losses to offer
        last = len(self._ladder.rungs)
        finalists = choose_finalists(self._candidates, self._config.finalists)
        self.progress.phase = "final rung"
        self._train(last, self._final, finalists)
        return Found(
            hall_of_fame(self._candidates, last),
            self._candidates,
            self.progress.drawn,
            Counter(self.progress.rejected),
        )

    def front(self) -> list[Candidate]:
        """Return the best so far of each size that no smaller one beats, among those on the highest rung reached."""
        top = max((candidate.rung for candidate in self._candidates), default=-1)
        return pareto_front([c for c in self._candidates if c.rung == top and c.scores])

    def _draw(self, number: int) -> Generation:
        progress = self.progress
        progress.phase, progress.generation = "screening", number
        before_drawn, before_rejected = progress.drawn, Counter(progress.rejected)

        def report(generation: Generation) -> None:
            progress.drawn = before_drawn + generation.drawn
            progress.rejected = before_rejected + generation.rejected()
            self._observer(progress)

        generation = self._journal.load_generation(number)
        if generation is None:
            breeder = Breeder(self._config, self._sampler, self._grammar.seeds, number, self._candidates)
            generation = self._screening.fill(
                number,
                self._config.places(number),
                breeder,
                report,
                surplus=self._config.surplus,
                surrogate=self._surrogate(number),
            )
            self._journal.save_generation(generation)
        else:
            self._screening.replay(generation)
        report(generation)
        return generation

    def _surrogate(self, generation: int) -> Surrogate | None:
        if self._config.surplus == 1 or len(self._candidates) < MIN_TRAINED:
            return None
        curves = [self._screening.fingerprints[candidate.id] for candidate in self._candidates]
        return Surrogate(self._candidates, curves, keyed_seed(self._config.seed, "surrogate", generation))

    def _climb(self, candidates: Sequence[Candidate]) -> None:
        """Train a generation up the ladder."""
        self.progress.phase = "training"
        for number, rung in enumerate(self._ladder.rungs):
            self._train(number, rung, candidates)
            if number == 0:
                self.progress.trained += len(candidates)
            names = set(self._ladder.promoted(number, [c.entry(number) for c in candidates]))
            candidates = [c for c in candidates if c.id in names]

    def _train(self, number: int, rung: Rung, candidates: Sequence[Candidate]) -> None:
        """Give each candidate, and each baseline, its scores on a rung: the journal's, or newly trained."""
        self.progress.rung = number
        known = self._journal.load_scores(number)
        formulas = {c.id: c.derivation.formula for c in candidates}
        missing = [name for name in (*self._baselines, *formulas) if name not in known]
        for start in range(0, len(missing), _CHUNK):
            names = missing[start : start + _CHUNK]
            chunk = [self._baselines[n] if n in self._baselines else formulas[n] for n in names]
            scores = train_population(
                self._task,
                gradients_of(chunk, self._task.classes),
                rung.seeds,
                rung.steps,
                progress=self._ticker(rung),
            ).final
            trained = {name: tuple(map(float, row)) for name, row in zip(names, scores, strict=True)}
            self._journal.save_scores(number, trained)
            known |= trained
        replayed = rung.cost * (len(candidates) - sum(n in formulas for n in missing))
        self.progress.work_done += replayed
        self.progress.work_replayed += replayed
        for candidate in candidates:
            candidate.scores[number] = known[candidate.id]
        self._report_best(number, known)

    def _ticker(self, rung: Rung) -> Callable[[int, int], None]:
        before = self.progress.work_done

        def tick(done: int, total: int) -> None:
            self.progress.work_done = before + done * rung.steps
            self._observer(self.progress)

        return tick

    def _report_best(self, number: int, known: dict[str, tuple[float, ...]]) -> None:
        ranked = best_first(self._candidates)
        if not ranked or ranked[0].rung != number:
            return
        best = ranked[0]
        reference = known[next(iter(self._baselines))]
        self.progress.best, self.progress.best_formula = best.score, to_text(best.derivation.formula)
        self.progress.baseline = sum(reference) / len(reference)
        self._observer(self.progress)

    def _planned_work(self) -> float:
        """Networks x steps of the whole search and its final comparison."""
        config = self._config
        total = sum(self._ladder.cost(config.places(number)) for number in range(config.generations))
        total += config.finalists * self._final.cost
        total += len(self._baselines) * sum(rung.cost for rung in (*self._ladder.rungs, self._final))
        return total + self.comparison_work()

    def comparison_work(self) -> float:
        """Networks x steps of the final comparison."""
        losses = self._config.discovered + len(set(self._config.baselines))
        return float(losses * self._config.audit_seeds * self._task.config.steps)
