"""A loaded task: the pool that search may see, its folds, and the test set behind an explicit call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from symloss.runtime import keyed_numpy
from symloss.tasks.config import TaskConfig
from symloss.tasks.datasets import DATASETS

FOLDS = 5
_TEST_SHARE = 0.25


@dataclass(frozen=True)
class Split:
    """One seed's partition of the pool.

    Attributes:
        train: indices ``[n_train]`` into the pool, ascending.
        validation: the remaining indices ``[n_validation]``, ascending.
        train_labels: the labels ``[n_train]`` to train on, label noise included.
    """

    train: np.ndarray
    validation: np.ndarray
    train_labels: np.ndarray


class Task:
    """Data and settings of one training task; build it with :func:`load_task`.

    Attributes:
        config: the settings.
        classes: the number of classes C.
        inputs: the pool's inputs ``[N, D]`` float32 (training and validation samples of every fold).
        labels: the pool's clean labels ``[N]`` int64.
    """

    def __init__(self, config: TaskConfig) -> None:
        dataset = DATASETS[config.dataset]
        inputs, labels = dataset.load()
        test = _deal(labels, round(1 / _TEST_SHARE), dataset.classes, "test", config.dataset) == 0
        if config.scaling == "standard":
            pool = inputs[~test].astype(np.float64)
            inputs = ((inputs - pool.mean()) / pool.std()).astype(np.float32)
        self.config = config
        self.classes = dataset.classes
        self.inputs, self.labels = _frozen(inputs[~test]), _frozen(labels[~test])
        self._test = (_frozen(inputs[test]), _frozen(labels[test]))

    @property
    def soft_labels(self) -> bool:
        """Whether a label can lie between 0 and 1. No task here has such labels; a search then tells more losses
        apart."""
        return False

    @property
    def features(self) -> int:
        """The number of inputs D of a sample."""
        return self.inputs.shape[1]

    def split(self, seed: int) -> Split:
        """Return the train and validation parts for a seed.

        Seeds ``5k .. 5k+4`` are the five folds of the k-th stratified partition of the pool, so a mean over them
        counts every sample of the pool once. Label noise is drawn anew for each seed; a sample that is noisy at
        one noise level is noisy, with the same label, at every higher one.
        """
        partition, fold = divmod(seed, FOLDS)
        validation = _deal(self.labels, FOLDS, self.classes, "fold", partition) == fold
        rng = keyed_numpy("label noise", seed)
        flipped = rng.random(len(self.labels)) < self.config.label_noise
        other = (self.labels + rng.integers(1, self.classes, len(self.labels))) % self.classes
        noisy = np.where(flipped, other, self.labels)
        return Split(np.flatnonzero(~validation), np.flatnonzero(validation), noisy[~validation])

    def test_set(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the test inputs ``[M, D]`` and labels ``[M]``: for a final audit only, never for selection.

        The part is the same for every configuration and seed of a dataset.
        """
        return self._test


@lru_cache(maxsize=8)
def load_task(config: TaskConfig) -> Task:
    """Load the data of a configuration. Tasks are immutable and shared between callers."""
    return Task(config)


def _deal(labels: np.ndarray, parts: int, classes: int, *key: int | str) -> np.ndarray:
    """Return a stratified random part number in ``0..parts-1`` for each sample.

    The samples are dealt out like cards, class by class without a fresh start: both a class and the whole are
    spread to within one sample.
    """
    order = np.concatenate(
        [keyed_numpy(*key, label).permutation(np.flatnonzero(labels == label)) for label in range(classes)]
    )
    part = np.empty(len(labels), dtype=np.int64)
    part[order] = np.arange(len(labels)) % parts
    return part


def _frozen(array: np.ndarray) -> np.ndarray:
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array
