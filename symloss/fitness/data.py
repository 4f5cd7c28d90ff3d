"""A task's inputs where the networks are, as rows that a training step gathers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from symloss.tasks import Task


def rows(inputs: np.ndarray, layout: str) -> Tensor:
    """Return inputs ``[N, *shape]`` as rows ``[N, D]`` that :func:`shaped` makes samples of in a given layout.

    Args:
        inputs: float32.
        layout: ``"flat"`` (a sample is a vector ``[D]``), ``"plain"`` (its own shape), or ``"channels_last"`` (the
            shape ``[C, H, W]``, with the channels of a pixel side by side in memory).
    """
    if layout == "channels_last":
        inputs = inputs.transpose(0, 2, 3, 1)
    return torch.tensor(np.ascontiguousarray(inputs).reshape(len(inputs), -1))


def shaped(rows: Tensor, layout: str, shape: tuple[int, ...]) -> Tensor:
    """Return rows ``[..., D]`` as samples ``[..., *shape]``, or as they are if the layout is flat."""
    if layout == "flat":
        return rows
    if layout == "plain":
        return rows.unflatten(-1, shape)
    channels, height, width = shape
    return rows.unflatten(-1, (height, width, channels)).movedim(-1, -3)


class Resident:
    """A task's inputs on a device, in a layout (see :func:`rows`)."""

    def __init__(self, task: Task, device: str | torch.device, layout: str) -> None:
        self._task = task
        self._device = torch.device(device)
        self._layout = layout
        self._pool = rows(task.inputs, layout).to(device)

    def pool(self, index: Tensor) -> Tensor:
        """Return the pool's samples ``[*index, *shape]`` for indices of any shape."""
        found = self._pool.index_select(0, index.reshape(-1))
        return shaped(found.view(*index.shape, -1), self._layout, self._task.shape)

    def pool_batches(self, index: np.ndarray, batch: int) -> Iterator[Tensor]:
        """Yield the pool's samples of indices ``[N]``, in batches."""
        for part in torch.tensor(index, device=self._device).split(batch):
            yield self.pool(part)

    def test_batches(self, batch: int) -> Iterator[Tensor]:
        """Yield the samples of the test set, in batches."""
        for part in self._test.split(batch):
            yield shaped(part, self._layout, self._task.shape)

    @cached_property
    def _test(self) -> Tensor:
        return rows(self._task.test_set()[0], self._layout).to(self._device)
