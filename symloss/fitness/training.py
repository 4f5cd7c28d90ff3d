"""The training of some losses side by side, from the first step to the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor

from symloss.codegen.tables import Gradients
from symloss.fitness.data import Resident
from symloss.fitness.draws import batch_order
from symloss.fitness.engines import build_population
from symloss.fitness.evaluation import evaluate
from symloss.fitness.graphs import StepRunner
from symloss.fitness.optimiser import FlatOptimiser
from symloss.fitness.precision import Precision
from symloss.runtime import users_code
from symloss.tasks import Task

#: Steps whose batches are drawn and sent to the device at a time.
_BLOCK = 512
#: Shorter trainings are not worth a capture.
_WORTH_A_GRAPH = 50


class Training:
    """The state of one chunk's training: K losses x S seeds.

    Args:
        task: data and settings.
        gradients: the K losses, on the device.
        seeds: the S seeds.
        device: where to train.
        engine: one of :data:`~symloss.fitness.engines.ENGINES`.
        total: the steps of the whole training, which the schedule of the step size is relative to.
        data: the task's inputs on the device, flat for the MLP, if some other training has them already.
        cancelled: asked before each step whether to give up: threads cannot be interrupted.

    Attributes:
        step: the number of steps taken.
        network: the networks, ``[S, K]``.
    """

    def __init__(
        self,
        task: Task,
        gradients: Gradients,
        seeds: Sequence[int],
        device: str | torch.device,
        *,
        engine: str = "mlp",
        total: int,
        data: Resident | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.step = 0
        self._cancelled = cancelled or _never
        self._task = task
        self._gradients = gradients
        self._seeds = list(seeds)
        self._splits = [task.split(seed) for seed in seeds]
        self._device = torch.device(device)
        self._precision = Precision.of(task.config, device)
        self.network = build_population(task, engine, seeds, len(gradients), device)
        self._data = data or Resident(task, device, flat=engine == "mlp")
        self._optimiser = FlatOptimiser(task.config, self.network.parameters, self.network.gradients, total)
        capture = self._device.type == "cuda" and self.network.capturable and total >= _WORTH_A_GRAPH
        self._run = StepRunner(self._one_step, capture)

    @torch.no_grad()
    def advance(self, until: int) -> None:
        """Train on until the given number of steps has been taken.

        Raises:
            CancelledError: ``cancelled`` said so.
        """
        place = torch.cuda.device(self._device) if self._device.type == "cuda" else nullcontext()
        with place, self._precision.products():
            while self.step < until:
                order, target = self._draw(self.step, min(until, self.step + _BLOCK))
                for rows, labels in zip(order, target, strict=True):
                    if self._cancelled():
                        raise CancelledError
                    self._optimiser.set_rate(self.step)
                    self._run(rows, labels)
                    self.step += 1

    def _one_step(self, order: Tensor, target: Tensor) -> None:
        with users_code("model", self._task.config.model, "in training"):
            logits = self.network.forward(self._data.pool(order), self.step)
        gradient = self._gradients(logits, target)
        with users_code("model", self._task.config.model, "in the backward pass"):
            self.network.backward(gradient)
        self._optimiser.step()

    def _draw(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Return pool indices and (noisy) labels ``[steps, S, B]`` of a range of steps."""
        orders, targets = [], []
        for seed, split in zip(self._seeds, self._splits, strict=True):
            order = batch_order(len(split.train), self._task.config.batch, start, stop, seed)
            orders.append(split.train[order])
            targets.append(split.train_labels[order])
        stacked = np.stack(orders, 1), np.stack(targets, 1)
        return torch.tensor(stacked[0], device=self._device), torch.tensor(stacked[1], device=self._device)

    def validation(self) -> np.ndarray:
        """Return the task's metrics ``[M, K, S]`` on each seed's validation part, with clean labels."""
        found = []
        for s, split in enumerate(self._splits):

            def batches(part: np.ndarray = split.validation) -> Iterator[Tensor]:
                return self._data.pool_batches(part, self.network.rows)

            found.append(self._metrics(s, batches, self._task.labels[split.validation]))
        return np.stack(found, -1)

    def test(self) -> np.ndarray:
        """Return the task's metrics ``[M, K, S]`` on the test set."""
        _, labels = self._task.test_set()

        def batches() -> Iterator[Tensor]:
            return self._data.test_batches(self.network.rows)

        return np.stack([self._metrics(s, batches, labels) for s in range(len(self._seeds))], -1)

    def _metrics(self, seed: int, batches: Callable[[], Iterator[Tensor]], labels: np.ndarray) -> np.ndarray:
        task = self._task
        members = len(self._gradients)
        with self._precision.products(), users_code("model", task.config.model, "in evaluation"):
            return evaluate(self.network, seed, members, batches, labels, task.classes, task.config.metrics)

    def diverged(self) -> np.ndarray:
        """Return ``[K, S]``: whether any of a network's parameters is not finite."""
        return (~self.network.finite()).T.cpu().numpy()


def _never() -> bool:
    return False
