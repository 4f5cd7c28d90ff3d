"""Training as jobs: pieces of work that any process can do, with the same scores wherever they are done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch

from symloss.codegen.gradients import gradients_of
from symloss.fitness.population import train_population
from symloss.formula import Formula
from symloss.losses import CatalogueLoss, find, title
from symloss.runtime import Executor, InProcess, Stopping, begun
from symloss.tasks import Task, TaskConfig, load_task

#: Losses in one job in this process, and in one of a worker: the MLP trains side by side, others mostly do not.
_TOGETHER = {True: 64, False: 8}
#: On an NVIDIA GPU more of them cost hardly more time, and a population takes as many of a job as memory holds.
_ON_CUDA = 512
_APIECE = {True: 32, False: 4}

Loss = Formula | CatalogueLoss
#: Called with the networks x steps done and in all.
Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """Some losses to train on a task.

    Attributes:
        task: its settings; the data is loaded where the job runs.
        losses: formulas, and known losses by their titles.
        seeds: of the networks.
        steps: training steps.
        test: whether to evaluate on the test set too: for a final comparison only.
        device: where to train.
    """

    task: TaskConfig
    losses: tuple[Formula | str, ...]
    seeds: tuple[int, ...]
    steps: int
    test: bool = False
    device: str = "cpu"


@dataclass(frozen=True)
class JobScores:
    """What a job gave.

    Attributes:
        validation: ``[M, K, S]`` float64, by metric, loss and seed.
        test: the same on the test set, or None when it was not asked for.
        diverged: ``[K, S]``, whether a parameter was not finite at the end.
    """

    validation: np.ndarray
    test: np.ndarray | None
    diverged: np.ndarray


def run_job(job: Job, threads: int | None = 1, progress: Callable[[int, int], None] | None = None) -> JobScores:
    """Do a job.

    Args:
        job: what to train.
        threads: see :func:`train_population`; a worker process has one.
        progress: called with the networks done and in all.
    """
    task = load_task(job.task)
    losses = [find(loss) if isinstance(loss, str) else loss for loss in job.losses]
    scores = train_population(
        task,
        gradients_of(losses, task.classes),
        job.seeds,
        job.steps,
        test=job.test,
        threads=threads,
        device=job.device,
        progress=progress,
    )
    tested = None if scores.all_test is None else scores.all_test[:, -1]
    return JobScores(scores.all_validation[:, -1], tested, scores.diverged)


@dataclass(frozen=True)
class Scored:
    """The scores of neighbouring losses of a list.

    Attributes:
        start, stop: which.
        scores: one for each task.
    """

    start: int
    stop: int
    scores: tuple[JobScores, ...]


class Evaluator:
    """Trains losses on tasks, wherever the executor runs.

    A score has the same bits on any number of workers (on CPUs of one kind), because a network's bits depend on its
    loss, seed and task alone.

    Args:
        executor: where jobs run; by default in this process, on all its threads.
        device: what each job trains on.
        stopping: may ask to stop; then the losses in training are finished and yielded, and no others begun.
    """

    def __init__(self, executor: Executor | None = None, device: str = "cpu", stopping: Stopping | None = None) -> None:
        self.executor = executor or InProcess()
        self.device = device
        self.stopping = stopping or Stopping()

    def stream(
        self,
        tasks: Sequence[tuple[Task, int]],
        losses: Sequence[Loss],
        seeds: Sequence[int],
        *,
        test: bool = False,
        progress: Tick | None = None,
    ) -> Iterator[Scored]:
        """Train every loss with every seed on every task; yield the scores of a loss once all are there, in any order.

        Args:
            tasks: each with its number of training steps.
            losses: formulas and known losses.
            seeds: the same for all.
            test: also read the test sets.
            progress: called with networks x steps, done and in all.

        Raises:
            KeyboardInterrupt: it was asked to stop.
        """
        named = [loss if isinstance(loss, Formula) else title(loss) for loss in losses]
        total = sum(steps for _, steps in tasks) * len(losses) * len(seeds)
        parts = self._slices(tasks, len(losses), len(seeds))
        done = 0

        def job(part: slice, number: int, chosen: Sequence[int]) -> Job:
            task, steps = tasks[number]
            return Job(task.config, tuple(named[part]), tuple(chosen), steps, test, self.device)

        if isinstance(self.executor, InProcess):
            for part in parts:
                self.stopping.check()
                found = []
                for number, (_, steps) in enumerate(tasks):

                    def tick(networks: int, _: int, before: int = done, steps: int = steps) -> None:
                        if progress:
                            progress(before + networks * steps, total)

                    found.append(run_job(job(part, number, seeds), None, tick))
                    done += (part.stop - part.start) * len(seeds) * steps
                yield Scored(part.start, part.stop, tuple(found))
            return

        # Workers get one seed a job: the more jobs there are, the less one waits for another at the end.
        keys = list(product(range(len(parts)), range(len(tasks)), range(len(seeds))))
        jobs = [job(parts[place], number, [seeds[s]]) for place, number, s in keys]
        gathered: dict[int, dict[tuple[int, int], JobScores]] = {}
        results = self.executor.imap(run_job, jobs)
        for index, scores in begun(results, self.stopping, [place for place, _, _ in keys], self.executor.workers):
            place, number, s = keys[index]
            part = parts[place]
            mine = gathered.setdefault(place, {})
            mine[number, s] = scores
            done += (part.stop - part.start) * tasks[number][1]
            if progress:
                progress(done, total)
            if len(mine) == len(tasks) * len(seeds):
                del gathered[place]
                joined = (_join([mine[n, s] for s in range(len(seeds))]) for n in range(len(tasks)))
                yield Scored(part.start, part.stop, tuple(joined))

    def train(
        self,
        task: Task,
        losses: Sequence[Loss],
        seeds: Sequence[int],
        steps: int,
        *,
        test: bool = False,
        progress: Tick | None = None,
    ) -> JobScores:
        """Train every loss with every seed on one task and return all scores, in the losses' order."""
        parts = sorted(
            self.stream([(task, steps)], losses, seeds, test=test, progress=progress), key=lambda part: part.start
        )
        return _join([part.scores[0] for part in parts], axis=0)

    def _slices(self, tasks: Sequence[tuple[Task, int]], losses: int, seeds: int) -> list[slice]:
        together = all(task.config.model == "mlp" for task, _ in tasks)
        if isinstance(self.executor, InProcess):
            width = _ON_CUDA if torch.device(self.device).type == "cuda" else _TOGETHER[together]
        else:
            # Two jobs a worker at least, where there is work for that.
            share = -(-losses * len(tasks) * seeds // (2 * self.executor.workers))
            width = max(1, min(_APIECE[together], share))
        return [slice(start, min(start + width, losses)) for start in range(0, losses, width)]


def _join(parts: Sequence[JobScores], axis: int = 1) -> JobScores:
    """Join scores along the losses (axis 0) or the seeds (axis 1)."""
    tests = [part.test for part in parts if part.test is not None]
    return JobScores(
        np.concatenate([part.validation for part in parts], axis + 1),
        np.concatenate(tests, axis + 1) if tests else None,
        np.concatenate([part.diverged for part in parts], axis),
    )
