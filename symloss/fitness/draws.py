"""The random draws of one training run, keyed by its seed alone: every loss meets the same ones."""

from __future__ import annotations

import numpy as np

from symloss.runtime import keyed_numpy


def batch_order(size: int, batch: int, start: int, stop: int, seed: int) -> np.ndarray:
    """Return the samples of steps ``start..stop-1`` as indices ``[stop - start, batch]`` into ``0..size-1``.

    Each epoch is a fresh permutation; batches run on across the seams, so every sample is used equally often.
    """
    first, last = start * batch // size, (stop * batch - 1) // size
    epochs = [keyed_numpy("batches", seed, epoch).permutation(size) for epoch in range(first, last + 1)]
    indices = np.concatenate(epochs)[start * batch - first * size :]
    return indices[: (stop - start) * batch].reshape(stop - start, batch)
