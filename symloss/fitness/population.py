"""Trains a population of networks, one loss each, side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from symloss.codegen.tables import Gradients
from symloss.errors import SymlossError
from symloss.fitness.choice import choose
from symloss.fitness.data import Resident
from symloss.fitness.engines import Shares, shares
from symloss.fitness.memory import Narrowing, measured_chunk
from symloss.fitness.training import Training
from symloss.tasks import Task

#: Members in training at a time, over all threads, on devices that cannot be asked for their memory.
_CHUNK = 64
#: Training steps that show what memory a population needs.
_MEMORY_STEPS = 2


@dataclass(frozen=True)
class PopulationScores:
    """What training gave.

    Attributes:
        steps: the T checkpoints.
        metrics: the names of M metrics; selection goes by the first.
        all_validation: ``[M, T, K, S]`` float64. A sample with a logit that is not finite counts as wrong.
        all_test: the same on the test set, or ``None`` when it was not asked for.
        diverged: ``[K, S]``, whether a parameter was not finite at the end.
        engine: what trained the networks, one of :data:`~symloss.fitness.engines.ENGINES`.
        reason: why that engine.
    """

    steps: tuple[int, ...]
    metrics: tuple[str, ...]
    all_validation: np.ndarray
    all_test: np.ndarray | None
    diverged: np.ndarray
    engine: str = "mlp"
    reason: str = ""

    @property
    def validation(self) -> np.ndarray:
        """The first metric ``[T, K, S]`` on the validation parts."""
        found: np.ndarray = self.all_validation[0]
        return found

    @property
    def test(self) -> np.ndarray | None:
        """The first metric ``[T, K, S]`` on the test set, or ``None`` when it was not asked for."""
        return None if self.all_test is None else self.all_test[0]

    @property
    def final(self) -> np.ndarray:
        """The first metric ``[K, S]`` on the validation parts at the last checkpoint."""
        found: np.ndarray = self.validation[-1]
        return found


def train_population(
    task: Task,
    gradients: Gradients,
    seeds: Sequence[int],
    steps: int | Sequence[int],
    *,
    test: bool = False,
    chunk: int | None = None,
    threads: int | None = None,
    device: str | torch.device = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> PopulationScores:
    """Train one network for each of K losses and S seeds and return their metrics.

    In one seed every loss sees the same initial weights, batches, noisy labels and dropout. A network's result depends
    on its loss, the seed and the task alone: on one machine's CPU it has the same bits whatever the other losses, the
    chunk size, the checkpoints before the last and the number of threads. (With ``config.engine`` of ``"auto"`` and a
    model other than ``"mlp"``, this holds within a process: which engine trains is measured, and engines round
    differently.)

    Args:
        task: data and settings; ``config.steps`` is not read.
        gradients: the K losses.
        seeds: the S seeds; each picks a fold (:meth:`Task.split`), initial weights and batches.
        steps: the number of training steps, or several ascending checkpoints at which to evaluate. Schedules of the
            step size are relative to the last.
        test: also evaluate on the test set. For a final audit only.
        chunk: the most losses trained side by side, over all threads; by default 64, and on an NVIDIA GPU what its
            memory holds. Where memory runs out the chunk is halved.
        threads: the number of threads, on the CPU; torch's own setting by default. Each takes networks of its
            own, so that none waits for another at every step: a busy machine slows this down only in proportion.
        device: where to train.
        progress: called with the networks done and the total, as parts of the work end.

    Raises:
        SymlossError: no seeds, a seed twice, checkpoints that do not ascend, a count below 1, or no memory for a
            single network.
    """
    checkpoints = (steps,) if isinstance(steps, int) else tuple(steps)
    if not checkpoints or checkpoints[0] < 1 or any(b <= a for a, b in pairwise(checkpoints)):
        raise SymlossError(f"the steps are {steps!r}; they must be whole numbers from 1 on in ascending order")
    if not seeds or len(set(seeds)) != len(seeds):
        raise SymlossError(f"the seeds are {list(seeds)!r}; give at least one, each once")
    for name, value in (("chunk", chunk), ("threads", threads)):
        if value is not None and value < 1:
            raise SymlossError(f"{name} is {value!r}; it must be at least 1")
    device = torch.device(device)
    on_cpu = device.type == "cpu"
    workers = (torch.get_num_threads() if threads is None else threads) if on_cpu else 1

    total = len(gradients)
    choice = choose(task, device, total, workers)
    shape = (len(task.config.metrics), len(checkpoints), total, len(seeds))
    validation, tested = np.zeros(shape), np.zeros(shape) if test else None
    diverged = np.zeros(shape[2:], dtype=bool)
    data = Resident(task, device, flat=choice.engine == "mlp")
    cancelled = threading.Event()

    def training(members: Sequence[int], columns: range) -> Training:
        # A lone network gets a twin: BLAS multiplies single matrices in another order than batches of them.
        twins = list(members) * 2 if len(members) == 1 and choice.engine == "mlp" else list(members)
        return Training(
            task,
            gradients.select(twins).to(device),
            [seeds[s] for s in columns],
            device,
            engine=choice.engine,
            total=checkpoints[-1],
            data=data,
            cancelled=cancelled.is_set,
        )

    def train(members: range, columns: range) -> None:
        if on_cpu:
            torch.set_num_threads(1)
        current = training(members, columns)
        rows, cols, width = slice(members.start, members.stop), slice(columns.start, columns.stop), len(members)
        for index, checkpoint in enumerate(checkpoints):
            current.advance(checkpoint)
            validation[:, index, rows, cols] = current.validation()[:, :width]
            if tested is not None:
                tested[:, index, rows, cols] = current.test()[:, :width]
        diverged[rows, cols] = current.diverged()[:width]

    def sample(members: int) -> None:
        current = training(range(members), range(len(seeds)))
        current.advance(_MEMORY_STEPS)
        current.validation()

    if chunk is None:
        chunk = measured_chunk(sample, total, device) if device.type == "cuda" else _CHUNK
    plan = shares(choice.engine, chunk, total, len(seeds), workers, on_cpu)
    narrowing = Narrowing(device, choice.remedy)

    def do(job: tuple[range, range]) -> int:
        narrowing.run(train, *job)
        return len(job[0]) * len(job[1])

    done = 0
    setting = torch.get_num_threads()
    pool = ThreadPoolExecutor(plan.workers)
    try:
        for finished in pool.map(do, _jobs(total, len(seeds), plan)):
            done += finished
            if progress:
                progress(done, total * len(seeds))
    finally:
        cancelled.set()  # an exception or Ctrl-C does not wait for what the threads have begun
        pool.shutdown(cancel_futures=True)
        if on_cpu:
            torch.set_num_threads(setting)
    return PopulationScores(
        checkpoints, tuple(task.config.metrics), validation, tested, diverged, choice.engine, choice.reason
    )


def _jobs(losses: int, seeds: int, plan: Shares) -> list[tuple[range, range]]:
    """Return independent pieces of work: ranges of losses and of seeds."""
    members = [range(k, min(k + plan.members, losses)) for k in range(0, losses, plan.members)]
    columns = [range(s, min(s + plan.seeds, seeds)) for s in range(0, seeds, plan.seeds)]
    return [(some, column) for some in members for column in columns]
