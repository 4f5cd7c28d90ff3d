"""Trains losses on a rung, and keeps each score as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from symloss.fitness import Evaluator, Rung
from symloss.formula import Formula
from symloss.losses import CatalogueLoss
from symloss.search.anchors import shifted
from symloss.search.candidate import Scores
from symloss.search.journal import Journal
from symloss.search.progress import Observer, Progress
from symloss.tasks import Task


class Scorer:
    """Gives losses their scores on all tasks of a search.

    Args:
        tasks: at least one.
        journal: where scores go.
        evaluator: trains.
        progress: its work is kept up to date.
        observer: called with it.
    """

    def __init__(
        self, tasks: Sequence[Task], journal: Journal, evaluator: Evaluator, progress: Progress, observer: Observer
    ) -> None:
        self._tasks = list(tasks)
        self._journal = journal
        self._evaluator = evaluator
        self._progress = progress
        self._observer = observer
        self._steps = tasks[0].config.steps

    def train(
        self, number: int, rung: Rung, losses: Mapping[str, Formula | CatalogueLoss], level: np.ndarray | None = None
    ) -> dict[str, Scores]:
        """Return the scores of losses by id.

        Args:
            number: the rung's, for the journal.
            rung: its steps, of the first task's; other tasks have the same share of theirs.
            losses: by id.
            level: added to all scores, ``[tasks, metrics]``; None for nothing.
        """
        names = list(losses)
        found: dict[str, Scores] = {}
        tasks = [(task, self._scaled(rung.steps, task)) for task in self._tasks]
        for part in self._evaluator.stream(tasks, list(losses.values()), rung.seeds, progress=self._ticker()):
            scores = {
                name: tuple(
                    tuple(tuple(map(float, seeds)) for seeds in task.validation[:, place]) for task in part.scores
                )
                for place, name in enumerate(names[part.start : part.stop])
            }
            if level is not None:
                scores = {name: shifted(values, level) for name, values in scores.items()}
            self._journal.save_scores(number, scores)
            found |= scores
        return found

    def _scaled(self, steps: int, task: Task) -> int:
        """Return a rung's steps on a task: the rung's share of the task's full budget."""
        return max(1, round(steps * task.config.steps / self._steps))

    def _ticker(self) -> Callable[[int, int], None]:
        before = self._progress.work_done

        def tick(done: int, total: int) -> None:
            # The evaluator counts every task's steps, the plan the first's.
            share = self._steps / sum(task.config.steps for task in self._tasks)
            self._progress.work_done = before + done * share
            self._observer(self._progress)

        return tick
