"""A loaded task: the pool that search may see, its folds, and the test set behind an explicit call."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from symloss.errors import SymlossError
from symloss.tasks.conditions import class_counts, deal, kept, noisy_labels
from symloss.tasks.config import TaskConfig
from symloss.tasks.datasets import key_of, load_samples
from symloss.tasks.models import build_network, check_network
from symloss.tasks.samples import scaled, scaling_of

if TYPE_CHECKING:
    from torch import nn

FOLDS = 5
_TEST_SHARE = 0.25


@dataclass(frozen=True)
class Split:
    """One seed's partition of the pool.

    Attributes:
        train: indices ``[n_train]`` into the pool, ascending.
        validation: indices ``[n_validation]`` of the fold that is not trained on, ascending.
        train_labels: the labels ``[n_train]`` to train on, label noise included.
    """

    train: np.ndarray
    validation: np.ndarray
    train_labels: np.ndarray


@dataclass(frozen=True)
class _Data:
    """A dataset as tasks share it, scaled and read-only."""

    classes: int
    inputs: np.ndarray
    labels: np.ndarray
    test: tuple[np.ndarray, np.ndarray]


class Task:
    """Data and settings of one training task; build it with :func:`load_task`.

    Attributes:
        config: the settings.
        classes: the number of classes C.
        inputs: the pool's inputs ``[N, *shape]`` float32 (training and validation samples of every fold).
        labels: the pool's clean labels ``[N]`` int64.
    """

    def __init__(self, config: TaskConfig) -> None:
        data = _load_data(config.dataset, config.scaling)
        self.config = config
        self.classes, self.inputs, self.labels = data.classes, data.inputs, data.labels
        self._test = data.test
        self._checking = threading.Lock()
        self._checked = False
        counts = np.bincount(self.labels, minlength=self.classes)
        if counts.min() < 2:
            raise SymlossError(
                f"class {counts.argmin()} of the dataset {config.dataset!r} has {counts.min()} samples beside the test "
                "set; it must have at least 2, to train and to validate on"
            )
        self.split(0)  # conditions that cannot be met are an error now and not in the middle of a search

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the configuration alone: another process loads the data itself."""
        return load_task, (self.config,)

    @property
    def soft_labels(self) -> bool:
        """Whether a label can lie between 0 and 1. No task here has such labels; a search then tells more losses
        apart."""
        return False

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a sample; of images (channels, height, width)."""
        return self.inputs.shape[1:]

    @property
    def features(self) -> int:
        """The number of inputs D of a sample."""
        return math.prod(self.shape)

    def split(self, seed: int) -> Split:
        """Return the train and validation parts for a seed.

        Seeds ``5k .. 5k+4`` are the five folds of the k-th stratified partition of the pool, so a mean over them
        counts every sample of the pool once. Then the conditions of the configuration change the training part:

        1. ``train_size`` and ``imbalance`` together say how many samples of each class are kept
           (:func:`~symloss.tasks.conditions.class_counts`): ``train_size`` is what is left in the end. Which ones is
           drawn anew for each seed; of a class, those that a smaller count keeps are among those of a larger one.
        2. Label noise is drawn anew for each seed, of the whole pool: a sample that is noisy at one noise level is
           noisy, with the same label, at every higher one, whichever samples are kept. So classes have their counts
           before the noise.

        Validation and test samples stay as they are.

        Raises:
            SymlossError: a class is left without training samples, or there are fewer than ``train_size``.
        """
        config, labels = self.config, self.labels
        partition, fold = divmod(seed, FOLDS)
        validation = deal(labels, FOLDS, self.classes, "fold", partition) == fold
        train = np.flatnonzero(~validation)
        counts = class_counts(np.bincount(labels[train], minlength=self.classes), config.train_size, config.imbalance)
        if counts.sum() < len(train):
            train = train[kept(labels[train], counts, seed)]
        noisy = noisy_labels(labels, self.classes, config.label_noise, config.noise, seed)
        return Split(train, np.flatnonzero(validation), noisy[train])

    def test_set(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the test inputs ``[M, *shape]`` and labels ``[M]``: for a final audit only, never for selection.

        It is the official one where the dataset has one; else a quarter of the samples, stratified. It is the same
        for every configuration and seed of a dataset.
        """
        return self._test

    def network(self, seed: int) -> nn.Module:
        """Return a fresh network: float32, on the CPU, in training mode, with weights that depend on the seed alone.

        It takes inputs ``[B, *shape]`` and returns logits ``[B, C]``. Threads may call it side by side.

        Raises:
            SymlossError: the model does not suit the samples or is not what it should be. It is tried out once.
        """
        with self._checking:
            if not self._checked:
                check_network(self.config, self.shape, self.classes)
                self._checked = True
        return build_network(self.config, self.shape, self.classes, seed)


@lru_cache(maxsize=8)
def load_task(config: TaskConfig) -> Task:
    """Load the data of a configuration. Tasks are immutable and shared between callers.

    Raises:
        SymlossError: the data are not there or not as they should be.
    """
    return Task(config)


@lru_cache(maxsize=2)
def _load_data(dataset: str, scaling: str) -> _Data:
    """Load and scale a dataset, which all tasks on it then share."""
    samples = load_samples(dataset)
    inputs, labels = samples.inputs, samples.labels
    if samples.test is None:
        part = deal(labels, round(1 / _TEST_SHARE), samples.classes, "test", key_of(dataset))
        test, test_labels = inputs[part == 0], labels[part == 0]
        inputs, labels = inputs[part != 0], labels[part != 0]
    else:
        test, test_labels = samples.test
    shift, scale = scaling_of(scaling, inputs, samples.range, dataset)
    return _Data(
        samples.classes,
        _frozen(scaled(inputs, shift, scale)),
        _frozen(labels),
        (_frozen(scaled(test, shift, scale)), _frozen(test_labels)),
    )


def _frozen(array: np.ndarray) -> np.ndarray:
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array
