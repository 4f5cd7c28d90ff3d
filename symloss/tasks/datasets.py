"""The datasets a task can name. A new one is a loader and an entry of :data:`DATASETS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Dataset:
    """A labelled dataset that is loaded on demand.

    Attributes:
        name: its key in :data:`DATASETS`.
        classes: the number of classes C.
        size: the number of samples N.
        features: the number of inputs D of a sample.
        description: one line for listings.
        load: returns inputs ``[N, D]`` float32, scaled to [0, 1], and labels ``[N]`` int64 in ``0..C-1``.
    """

    name: str
    classes: int
    size: int
    features: int
    description: str
    load: Callable[[], tuple[np.ndarray, np.ndarray]]


def _load_digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits  # imported here: it takes a second

    data = load_digits()
    return (data.data / 16).astype(np.float32), data.target.astype(np.int64)


#: Every dataset by name.
DATASETS: dict[str, Dataset] = {
    "digits": Dataset(
        name="digits",
        classes=10,
        size=1797,
        features=64,
        description="handwritten digits, 8x8 grey values, bundled with scikit-learn (UCI, Alpaydin and Kaynak 1998)",
        load=_load_digits,
    ),
}
