"""Trains a population of networks, one loss each, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from symloss.codegen.tables import Gradients
from symloss.errors import SymlossError
from symloss.fitness.draws import batch_order, initial_weights
from symloss.fitness.mlp import PopulationMLP
from symloss.tasks import Task

_EVALUATION_BATCH = 1024


@dataclass(frozen=True)
class PopulationScores:
    """What training gave, as fractions of 1.

    Attributes:
        steps: the T checkpoints.
        validation: accuracy ``[T, K, S]`` float64. A sample with a logit that is not finite counts as wrong.
        test: accuracy ``[T, K, S]`` on the test set, or ``None`` when it was not asked for.
        diverged: ``[K, S]``, whether a parameter was not finite at the end.
    """

    steps: tuple[int, ...]
    validation: np.ndarray
    test: np.ndarray | None
    diverged: np.ndarray

    @property
    def final(self) -> np.ndarray:
        """The validation accuracy ``[K, S]`` at the last checkpoint."""
        return self.validation[-1]


def train_population(
    task: Task,
    gradients: Gradients,
    seeds: Sequence[int],
    steps: int | Sequence[int],
    *,
    test: bool = False,
    chunk: int = 64,
    threads: int | None = None,
    device: str | torch.device = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> PopulationScores:
    """Train one network for each of K losses and S seeds with Adam and return their accuracies.

    In one seed every loss sees the same initial weights, batches and noisy labels. A network's result depends
    on its loss, the seed and the task alone: on one machine's CPU it has the same bits whatever the other
    losses, the chunk size, the other checkpoints and the number of threads.

    Args:
        task: data and settings; ``config.steps`` is not read.
        gradients: the K losses.
        seeds: the S seeds; each picks a fold (:meth:`Task.split`), initial weights and batches.
        steps: the number of training steps, or several ascending checkpoints at which to evaluate.
        test: also evaluate on the test set. For a final audit only.
        chunk: the number of losses trained side by side, over all threads.
        threads: the number of threads, on the CPU; torch's own setting by default. Each takes networks of its
            own, so that none waits for another at every step: a busy machine slows this down only in proportion.
        device: where to train.
        progress: called with the networks done and the total, as parts of the work end.

    Raises:
        SymlossError: no seeds, a seed twice, checkpoints that do not ascend, or a count below 1.
    """
    checkpoints = (steps,) if isinstance(steps, int) else tuple(steps)
    if not checkpoints or checkpoints[0] < 1 or any(b <= a for a, b in pairwise(checkpoints)):
        raise SymlossError(f"the steps are {steps!r}; they must be whole numbers from 1 on in ascending order")
    if not seeds or len(set(seeds)) != len(seeds):
        raise SymlossError(f"the seeds are {list(seeds)!r}; give at least one, each once")
    for name, value in (("chunk", chunk), ("threads", threads)):
        if value is not None and value < 1:
            raise SymlossError(f"{name} is {value!r}; it must be at least 1")
    on_cpu = torch.device(device).type == "cpu"
    workers = (torch.get_num_threads() if threads is None else threads) if on_cpu else 1

    total = len(gradients)
    shape = (len(checkpoints), total, len(seeds))
    validation, tested = np.zeros(shape), np.zeros(shape) if test else None
    diverged = np.zeros(shape[1:], dtype=bool)

    def train(job: tuple[range, slice]) -> int:
        members, columns = job
        if on_cpu:
            torch.set_num_threads(1)
        # A lone network gets a twin: BLAS multiplies single matrices in another order than batches of them.
        part = gradients.select(list(members) if len(members) > 1 else list(members) * 2).to(device)
        training = Training(task, part, seeds[columns], device)
        rows, width = slice(members.start, members.stop), len(members)
        for index, checkpoint in enumerate(checkpoints):
            training.advance(checkpoint)
            validation[index, rows, columns] = training.validation_accuracy()[:width]
            if tested is not None:
                tested[index, rows, columns] = training.test_accuracy()[:width]
        diverged[rows, columns] = training.diverged()[:width]
        return width * diverged[:, columns].shape[1]

    done = 0
    setting = torch.get_num_threads()
    pool = ThreadPoolExecutor(workers)
    try:
        for finished in pool.map(train, _jobs(total, len(seeds), chunk, workers, on_cpu)):
            done += finished
            if progress:
                progress(done, total * len(seeds))
    finally:
        pool.shutdown(cancel_futures=True)
        if on_cpu:
            torch.set_num_threads(setting)
    return PopulationScores(checkpoints, validation, tested, diverged)


def _jobs(losses: int, seeds: int, chunk: int, workers: int, on_cpu: bool) -> list[tuple[range, slice]]:
    """Return independent pieces of work: a range of losses and a slice of seeds.

    On the CPU one seed at a time keeps the working set in the cache; a GPU is better filled with all of them.
    """
    width = max(1, min(chunk // workers, math.ceil(losses / workers)))
    ranges = [range(start, min(start + width, losses)) for start in range(0, losses, width)]
    columns = [slice(s, s + 1) for s in range(seeds)] if on_cpu else [slice(0, seeds)]
    return [(members, column) for members in ranges for column in columns]


class Training:
    """The state of one chunk's training: K losses x S seeds.

    Attributes:
        step: the number of steps taken.
        network: the networks, ``[S, K]``.
    """

    def __init__(self, task: Task, gradients: Gradients, seeds: Sequence[int], device: str | torch.device) -> None:
        config = task.config
        self.step = 0
        self._task = task
        self._gradients = gradients
        self._seeds = list(seeds)
        self._splits = [task.split(seed) for seed in seeds]
        self._device = torch.device(device)
        self._inputs = torch.tensor(task.inputs, device=device)
        self.network = PopulationMLP(
            [initial_weights(task.features, config.hidden, task.classes, seed) for seed in seeds],
            len(gradients),
            device,
        )
        # One flat tensor for all networks: Adam is elementwise, and the fused kernel passes over it once.
        self.network.parameters.grad = self.network.gradients
        self._adam = torch.optim.Adam([self.network.parameters], lr=config.lr, fused=True)

    @torch.no_grad()
    def advance(self, until: int) -> None:
        """Train on until the given number of steps has been taken."""
        if until <= self.step:
            return
        order, target = self._draw(self.step, until)
        network = self.network
        for step in range(until - self.step):
            inputs = self._inputs.index_select(0, order[step].view(-1)).view(*order[step].shape, -1)
            logits = network.forward(inputs)
            network.backward(self._gradients(logits, target[step]))
            self._adam.step()
        self.step = until

    def _draw(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Return pool indices and (noisy) labels ``[steps, S, B]`` of a range of steps."""
        orders, targets = [], []
        for seed, split in zip(self._seeds, self._splits, strict=True):
            order = batch_order(len(split.train), self._task.config.batch, start, stop, seed)
            orders.append(split.train[order])
            targets.append(split.train_labels[order])
        stacked = np.stack(orders, 1), np.stack(targets, 1)
        return torch.tensor(stacked[0], device=self._device), torch.tensor(stacked[1], device=self._device)

    def validation_accuracy(self) -> np.ndarray:
        """Return the accuracy ``[K, S]`` on each seed's validation part, with clean labels."""
        return self._accuracy(
            [(self._task.inputs[s.validation], self._task.labels[s.validation]) for s in self._splits]
        )

    def test_accuracy(self) -> np.ndarray:
        """Return the accuracy ``[K, S]`` on the test set."""
        return self._accuracy([self._task.test_set()] * len(self._splits))

    def diverged(self) -> np.ndarray:
        """Return ``[K, S]``: whether any of a network's parameters is not finite."""
        return (~self.network.finite()).T.cpu().numpy()

    @torch.no_grad()
    def _accuracy(self, sets: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        longest = max(len(labels) for _, labels in sets)
        correct = torch.zeros(len(sets), len(self._gradients), dtype=torch.int64, device=self._device)
        for start in range(0, longest, _EVALUATION_BATCH):
            stop = min(start + _EVALUATION_BATCH, longest)
            inputs = torch.zeros(len(sets), stop - start, self._inputs.shape[1], device=self._device)
            target = torch.full((len(sets), stop - start), -1, device=self._device)  # -1: no sample, never correct
            for s, (rows, labels) in enumerate(sets):
                size = max(min(stop, len(labels)) - start, 0)
                inputs[s, :size] = torch.tensor(rows[start : start + size])
                target[s, :size] = torch.tensor(labels[start : start + size])
            logits = self.network.forward(inputs)
            hit = logits.argmax(-1) == target[:, None]
            correct += (hit & logits.isfinite().all(-1)).sum(-1)
        sizes = np.array([len(labels) for _, labels in sets])
        return (correct.cpu().numpy() / sizes[:, None]).T
