"""Trains candidates up the ladder, and says what their scores are worth."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from symloss.errors import SymlossError
from symloss.events import Event, Listener, ignore
from symloss.fitness import Evaluator, Rung
from symloss.formula import Formula, to_text
from symloss.losses import CatalogueLoss
from symloss.runtime import keyed_seed
from symloss.search.anchors import Anchors
from symloss.search.candidate import Candidate, Scores, best_first, means
from symloss.search.config import FIRST_SHARES, PER_TURN, TURNS, SearchConfig
from symloss.search.journal import Journal
from symloss.search.merit import Merit
from symloss.search.progress import Leader, Observer, Progress
from symloss.search.promise import by_promise, promises
from symloss.search.scoring import Scorer
from symloss.search.trial import Trial
from symloss.tasks import METRICS, Task

#: The journal's number for the rung on which cross-entropy alone shows how large noise is.
NOISE_RUNG = -1

#: Its numbers for those on which a trial decides where the first rung ends count down from here: all steps, then each
#: share that it tries.
TRIAL_RUNG = -2

#: Those on which anchors are trained count down from here, two for each turn: the first rung and the second.
ANCHOR_RUNG = -100

#: How many of the best losses the progress shows.
_LEADERS = 5


class Rungs:
    """The rungs of one search: who was trained on each, and who climbs.

    Args:
        tasks: at least one; all have the same metrics.
        config: the search's settings.
        journal: the scores of an earlier process, and where new ones go.
        evaluator: trains.
        baselines: catalogue losses by id, cross-entropy first; each rung trains them too, and each turn.
        progress: kept up to date.
        observer: called with it.
        listener: told what was trained.
        turns: whether the first rungs have other seeds in each turn, if a trial affords that.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        config: SearchConfig,
        journal: Journal,
        evaluator: Evaluator,
        baselines: Mapping[str, CatalogueLoss],
        progress: Progress,
        observer: Observer,
        listener: Listener = ignore,
        *,
        turns: bool = False,
    ) -> None:
        self._tasks = list(tasks)
        self._config = config
        self._journal = journal
        self._scorer = Scorer(tasks, journal, evaluator, progress, observer)
        self._baselines = dict(baselines)
        self._progress = progress
        self._observer = observer
        self._listener = listener
        self._turns = turns
        self._anchors = Anchors(baselines)
        self._best = "", 0
        self._steps = tasks[0].config.steps
        self._merit = Merit([METRICS[name].higher_is_better for name in tasks[0].config.metrics])
        self._repeats = 1
        #: Networks x steps of the trial and of anchors on the first generation's seeds, as far as they are known.
        self.work_beside = 0.0
        self._credited: set[int] = set()
        self.ladder = config.ladder(self._steps)

    @property
    def last(self) -> int:
        """The number of the rung that ranks the finalists."""
        return len(self.ladder.rungs)

    def measure_noise(self) -> tuple[float, int]:
        """Return the standard deviation of cross-entropy's score over seeds, and how many seeds the last rung has.

        It decides the seeds of the other rungs too.
        """
        self._progress.phase = "noise"
        name, loss = next(iter(self._baselines.items()))
        rung = self._config.noise_rung(self._steps)
        known = self._journal.load_scores(NOISE_RUNG)
        fresh, started = name not in known, time.monotonic()
        if fresh:
            known |= self._scorer.train(NOISE_RUNG, rung, {name: loss})
        for task, scores in zip(self._tasks, known[name], strict=True):
            metric = METRICS[task.config.metrics[0]]
            if all(score == metric.worst for score in scores[0]):
                raise SymlossError(
                    f"cross-entropy ends with {metric.name} {metric.worst:g}, the worst there is, with each of "
                    f"{len(scores[0])} seeds on {task.config.dataset}, {task.config.model}: its networks return nan "
                    "or have learned nothing; lower the learning rate, or see to the model and the data"
                )
        deviation = max(float(np.std(task[0], ddof=1)) for task in known[name])
        self._repeats = self._config.repeats_for(deviation)
        self.ladder = self._config.ladder(self._steps, self._repeats)
        last = self._config.seeds_for(deviation)
        if fresh:
            self._tell("noise", started, std=deviation, seeds=[len(self.ladder.rungs[0].seeds), last])
        return deviation, last

    def try_out(self, generation: Sequence[Candidate]) -> None:
        """Decide by a trial with the first of a generation how many steps the first rung has.

        The shares that are tried have the first rung's seeds, so the scores of the one that is chosen count there.
        """
        losses = generation[: self._config.tried]
        if len(losses) < self._config.tried or not losses:
            return
        self._progress.phase = "trial"
        before, started = self._progress.work_replayed, time.monotonic()
        everyone = self._baselines | {c.id: c.derivation.formula for c in losses}
        truth = self._beside(TRIAL_RUNG, self._config.trial_rung(self._steps, self._repeats), everyone)
        half = [self._merits(truth, losses, slice(part, None, 2)) for part in (0, 1)]
        merits = self._merits(truth, losses, slice(None))
        trial = Trial(np.stack(half), merits)
        if self._turns:
            best = np.argsort(-np.nan_to_num(merits, nan=-np.inf), kind="stable")[: Anchors.CHOSEN]
            self._anchors.choose(losses[place] for place in best)
        for place, share in enumerate(FIRST_SHARES[:-1]):
            self.ladder = self._config.ladder(self._steps, self._repeats, share)
            scores = self._beside(TRIAL_RUNG - 1 - place, self.ladder.rungs[0], everyone)
            if trial.suffices(self._merits(scores, losses, slice(None))):
                known = self._journal.load_scores(0)
                self._journal.save_scores(0, {name: found for name, found in scores.items() if name not in known})
                break
        else:
            share = FIRST_SHARES[-1]
            self.ladder = self._config.ladder(self._steps, self._repeats, share)
        if self._progress.work_replayed == before:
            self._tell("trial", started, share=share, steps=self.ladder.rungs[0].steps)

    def _beside(self, number: int, rung: Rung, wanted: Mapping[str, Formula | CatalogueLoss]) -> dict[str, Scores]:
        """Train losses on a rung that is beside the ladder, or take the journal's scores."""
        known = self._journal.load_scores(number)
        missing = {name: loss for name, loss in wanted.items() if name not in known}
        if number in self._credited:
            return known  # a turn that has come round again
        self._credited.add(number)
        if number > ANCHOR_RUNG - len(self.ladder.keep):
            self.work_beside += rung.cost * len(wanted)
        self._progress.replay(rung.cost * (len(wanted) - len(missing)))
        if missing:
            known |= self._scorer.train(number, rung, missing)
        return known

    def _merits(self, scores: Mapping[str, Scores], losses: Sequence[Candidate], seeds: slice) -> np.ndarray:
        """Return merits ``[K]`` by the scores of some of the seeds."""

        def mean(name: str) -> np.ndarray:
            return means(tuple(tuple(metric[seeds] for metric in task) for task in scores[name]))

        return self._merit(np.stack([mean(c.id) for c in losses]), mean(next(iter(self._baselines))))

    def climb(
        self,
        generation: Sequence[Candidate],
        archive: Sequence[Candidate],
        *,
        learns: bool = False,
    ) -> None:
        """Train a generation on the first rung; then on each next one as many as its share of all has room for.

        Who climbs is the best that has not yet, of whatever generation: asynchronous successive halving's rule (Li et
        al. 2020, "A System for Massively Parallel Hyperparameter Tuning", MLSys), applied once a generation. So a loss
        that narrowly missed a strong generation's cut takes a place that a weak one would waste.

        Args:
            generation: the candidates to train.
            archive: they and all before them.
            learns: whether most of those that climb are chosen by what their profiles promise, see
                :func:`~symloss.search.promise.promises`, and not by score alone.
        """
        self._progress.phase = "training"
        born = generation[0].generation if generation else 0
        turn = (len(archive) - len(generation)) // PER_TURN % TURNS if self._anchors.chosen else 0
        ladder = self._config.turned(self.ladder, turn)
        self.train(0, ladder.rungs[0], generation, archive, turn=turn)
        self._progress.trained += len(generation)
        for number in range(len(self.ladder.keep)):
            here = [c for c in archive if number in c.scores]
            waiting = {c.id: c for c in here if number + 1 not in c.scores}
            entries = [c.entry(number) for c in waiting.values()]
            names = self.ladder.promoted(number, entries, len(here) - len(waiting))
            if learns:
                seed = keyed_seed(self._config.seed, "promise", number, len(here))
                promise = promises(here, number, seed)
                if promise is not None:
                    names = by_promise([c.id for c in best_first(waiting.values())], len(names), promise)
            climbing = [waiting[name] for name in names]
            self.train(number + 1, ladder.rungs[number + 1], climbing, archive, turn=turn, promoted=True)
        if born == 0 and self._anchors.chosen:
            for number in range(len(ladder.keep)):
                self._anchors.first[number] = self._on_first_seeds(number)

    def train(
        self,
        number: int,
        rung: Rung,
        candidates: Sequence[Candidate],
        archive: Sequence[Candidate],
        *,
        turn: int = 0,
        promoted: bool = False,
    ) -> None:
        """Give each candidate, and each baseline, its scores on a rung: the journal's, or newly trained.

        Then every candidate of the archive that was trained on this rung has its merit there anew. With a turn's seeds
        scores are brought to the level of the first turn's.
        """
        self._progress.rung = number
        level = self._level(number, rung, turn)
        known = self._journal.load_scores(number)
        formulas = {c.id: c.derivation.formula for c in candidates}
        wanted: dict[str, Formula | CatalogueLoss] = {**self._baselines, **formulas}
        missing = {name: loss for name, loss in wanted.items() if name not in known}
        started, generation = time.monotonic(), self._progress.generation if number < self.last else None
        if missing:
            if promoted and candidates:
                losses = [{"id": c.id, "formula": c.expression} for c in candidates]
                self._listener(Event("promoted", {"generation": generation, "rung": number, "losses": losses}))
            known |= self._scorer.train(number, rung, missing, level)
        trained = sum(name in formulas for name in missing)
        if number == 0:
            self._progress.trained_before += len(candidates) - trained
        self._progress.replay(rung.cost * (len(candidates) - trained))
        for candidate in candidates:
            candidate.scores[number] = known[candidate.id]
        reference = means(known[next(iter(self._baselines))])
        here = [candidate for candidate in archive if number in candidate.scores]
        if here:
            merits = self._merit(np.stack([means(c.scores[number]) for c in here]), reference)
            for candidate, merit in zip(here, merits, strict=True):
                candidate.merits[number] = float(merit)
        if missing:
            top = max(candidates, key=lambda c: np.nan_to_num(c.merits[number], nan=-np.inf), default=None)
            self._tell(
                "rung",
                started,
                generation=generation,
                rung=number,
                candidates=trained,
                baselines=len(missing) - trained,
                seeds=len(rung.seeds),
                steps=rung.steps,
                best=top and {"formula": top.expression, "score": float(means(top.scores[number])[0, 0])},
                baseline=float(reference[0, 0]),
            )
        self._report_best(number, archive, float(reference[0, 0]), fresh=bool(missing))

    def _level(self, number: int, rung: Rung, turn: int) -> np.ndarray | None:
        """Return what a turn's scores need to be at the first's level, ``[tasks, metrics]``; None if nothing."""
        if turn == 0 or rung == self.ladder.rungs[number]:
            return None
        place = ANCHOR_RUNG - len(self.ladder.keep) * turn - number
        return self._anchors.level(number, self._beside(place, rung, self._anchors.losses))

    def _on_first_seeds(self, number: int) -> dict[str, Scores]:
        """Return the anchors' scores on a rung with the first generation's seeds, right after that has climbed."""
        known = self._journal.load_scores(number)
        climbed = {c.id: c.scores[number] for c in self._anchors.chosen if number in c.scores}
        others = {c.id: c.derivation.formula for c in self._anchors.chosen if number not in c.scores}
        apart = self._beside(ANCHOR_RUNG - number, self.ladder.rungs[number], others) if others else {}
        return {name: known[name] for name in self._baselines} | climbed | apart

    def anchor_work(self) -> float:
        """Networks x steps of the anchors in all turns but the first, as far as there is a budget."""
        config = self._config
        turns = min(config.generations or 1, -(-(config.budget or 1) // PER_TURN), TURNS) - 1
        turns = turns if self._anchors.chosen else 0
        return float(turns * len(self._anchors.losses) * sum(rung.cost for rung in self.ladder.rungs[:-1]))

    def _tell(self, name: str, started: float, **fields: object) -> None:
        self._listener(Event(name, fields | {"seconds": round(time.monotonic() - started, 3)}))

    def _report_best(self, number: int, archive: Sequence[Candidate], reference: float, fresh: bool) -> None:
        ranked = best_first(archive)
        if not ranked or ranked[0].rung != number:
            return
        best, progress = ranked[0], self._progress
        progress.best, progress.best_formula = best.score, to_text(best.derivation.formula)
        progress.best_rung = number
        progress.baseline = reference
        progress.leaders = [Leader(c.score, c.size, c.expression) for c in ranked[:_LEADERS] if c.rung == number]
        known, self._best = self._best, (best.id, number)
        if fresh and known != self._best:
            fields = {"formula": best.expression, "id": best.id, "size": best.size, "generation": best.generation}
            self._listener(Event("best", fields | {"rung": number, "score": best.score, "baseline": reference}))
        self._observer(self._progress)
