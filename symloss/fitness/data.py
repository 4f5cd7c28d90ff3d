"""A task's inputs where the networks are, as rows that a training step gathers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from symloss.tasks import Task


class Resident:
    """A task's inputs on a device.

    Args:
        task: the data.
        device: where they are kept.
        flat: whether a sample is a vector ``[D]`` rather than of the task's shape.
    """

    def __init__(self, task: Task, device: str | torch.device, *, flat: bool) -> None:
        self._task = task
        self._device = torch.device(device)
        self._shape = (task.features,) if flat else task.shape
        self._pool = self._rows(task.inputs)

    def pool(self, index: Tensor) -> Tensor:
        """Return the pool's samples ``[*index, *shape]`` for indices of any shape."""
        return self._pool.index_select(0, index.reshape(-1)).view(*index.shape, *self._shape)

    def pool_batches(self, index: np.ndarray, batch: int) -> Iterator[Tensor]:
        """Yield the pool's samples of indices ``[N]``, in batches."""
        for part in torch.tensor(index, device=self._device).split(batch):
            yield self.pool(part)

    def test_batches(self, batch: int) -> Iterator[Tensor]:
        """Yield the samples of the test set, in batches."""
        for part in self._test.split(batch):
            yield part.view(-1, *self._shape)

    @cached_property
    def _test(self) -> Tensor:
        return self._rows(self._task.test_set()[0])

    def _rows(self, inputs: np.ndarray) -> Tensor:
        return torch.tensor(inputs.reshape(len(inputs), -1), device=self._device)
