"""What a dataset gives: samples, labels, the range of the values, and a test set where one is official."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from symloss.errors import SymlossError

#: How the inputs are scaled, with one line each.
SCALINGS: dict[str, str] = {
    "unit": "to [0, 1] by the dataset's known range, or by the pool's own range where none is known",
    "standard": "to mean 0 and standard deviation 1 over all inputs of the pool together",
}

# Larger arrays are scaled in parts, so that float64 copies stay small beside the data.
_PART = 1 << 22


@dataclass(frozen=True)
class Samples:
    """A loaded dataset.

    Attributes:
        inputs: ``[N, *shape]``, uint8 or float32. Images are ``[N, channels, height, width]``.
        labels: ``[N]`` int64 in ``0..C-1``, each class at least once.
        classes: the number of classes C, at least 2.
        range: the least and the largest value that an input can have, or ``None`` where that is not known.
        test: inputs ``[M, *shape]`` and labels ``[M]`` of the official test set, or ``None`` where there is none.
    """

    inputs: np.ndarray
    labels: np.ndarray
    classes: int
    range: tuple[float, float] | None
    test: tuple[np.ndarray, np.ndarray] | None = None


def scaling_of(scaling: str, pool: np.ndarray, known: tuple[float, float] | None, dataset: str) -> tuple[float, float]:
    """Return ``(shift, scale)``: a scaled input is ``(input - shift) / scale``.

    Args:
        scaling: a name in :data:`SCALINGS`.
        pool: the inputs ``[N, *shape]`` that training and validation samples are from; no test data.
        known: the range of the values, if it is known.
        dataset: its name, for the message.

    Raises:
        SymlossError: all inputs of the pool have one value.
    """
    if scaling == "unit":
        low, high = known or (float(pool.min()), float(pool.max()))
        shift, scale = low, high - low
    else:
        shift, scale = _moments(pool)
    if not scale > 0:
        raise SymlossError(f"every input of the dataset {dataset!r} is {pool.flat[0]}; inputs must differ to be scaled")
    return shift, scale


def scaled(inputs: np.ndarray, shift: float, scale: float) -> np.ndarray:
    """Return ``(inputs - shift) / scale`` as a new float32 array, computed in float64."""
    result = np.empty(inputs.shape, dtype=np.float32)
    for rows in _parts(inputs):
        result[rows] = (inputs[rows].astype(np.float64) - shift) / scale
    return result


def _moments(pool: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation. A pool of one part gives the bits of numpy's own ``mean`` and ``std``."""
    mean = sum(pool[rows].astype(np.float64).sum() for rows in _parts(pool)) / pool.size
    square = sum(np.square(pool[rows].astype(np.float64) - mean).sum() for rows in _parts(pool)) / pool.size
    return float(mean), float(np.sqrt(square))


def _parts(array: np.ndarray) -> Iterator[slice]:
    rows = max(1, _PART // max(1, array[0].size))
    return (slice(start, start + rows) for start in range(0, len(array), rows))
