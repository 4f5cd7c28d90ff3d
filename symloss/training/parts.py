"""Which images are trained on, which select and which test, and with what labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symloss.data import ImageData, Source, source_of
from symloss.errors import SymlossError
from symloss.tasks.conditions import deal, noisy_labels
from symloss.tasks.datasets import key_of
from symloss.training.recipe import Recipe

#: The share of the images that is the test part where a dataset has none: one in so many, as tasks have it.
_TEST_DEAL = 4


@dataclass(frozen=True, eq=False)
class Part:
    """Some images of an opened part of a dataset.

    Attributes:
        data: the opened part.
        official: its name.
        rows: which of its images, ``[N]`` int64, ascending.
        labels: their labels ``[N]`` int64, label noise included; None for segmentation.
    """

    data: ImageData
    official: str
    rows: np.ndarray
    labels: np.ndarray | None

    def __len__(self) -> int:
        return len(self.rows)


class Parts:
    """The parts that a recipe and a seed train, select and test with.

    Where the dataset has an official validation part beside a test part, it selects; else a share of the training
    images does. Where there is no test part the official validation part is it (its labels are what published
    numbers are on: ImageNet, VOC, COCO-Stuff), and where there is neither, a stratified quarter of the images, the same
    that tasks test on.

    Args:
        recipe: the settings.
        seed: of the label noise.

    Attributes:
        train: the images to train on.
        validation: the images that select, with clean labels.
        classes: C.
        ignore_index: the value of mask pixels that count nowhere; None for classification.

    Raises:
        SymlossError: the dataset is not there, or leaves a part without images.
    """

    def __init__(self, recipe: Recipe, seed: int) -> None:
        self._recipe = recipe
        self._source = source_of(recipe.dataset)
        self._names = _names(self._source)
        official = self._source.open("train")
        self._train = official
        self.classes, self.ignore_index = official.classes, official.ignore_index
        pool = np.arange(len(official))
        if "test" not in self._names and "val" not in self._names:
            pool = np.flatnonzero(~self._dealt())
        noisy = official.labels
        if noisy is not None:
            # Of all images, so that an image's label does not depend on which others are taken.
            noisy = noisy_labels(noisy, self.classes, recipe.label_noise, recipe.noise, seed)
        if "val" in self._names and "test" in self._names:
            name, data = "val", self._source.open("val")
            rows = np.arange(len(data))
        else:
            name, data = "train", official
            held = max(1, round(recipe.validation * len(pool)))
            rows = pool[self._spread(official, pool, held, "validation")]
            pool = np.setdiff1d(pool, rows)
        if not len(pool) or not len(rows):
            raise SymlossError(
                f"the dataset {recipe.dataset!r} has {len(official)} images for training, of which validation "
                f"{recipe.validation} leaves {len(pool)} to train on; take another share"
            )
        pool, rows = self._limited(official, pool), self._limited(data, rows)
        self.train = Part(official, "train", pool, None if noisy is None else noisy[pool])
        self.validation = Part(data, name, rows, None if data.labels is None else data.labels[rows])

    def test(self) -> Part:
        """Open the test part: for the end of a training, never for selection."""
        if "test" in self._names or "val" in self._names:
            name = "test" if "test" in self._names else "val"
            data = self._source.open(name)
            rows = np.arange(len(data))
        else:
            name, data, rows = "train", self._train, np.flatnonzero(self._dealt())
        rows = self._limited(data, rows)
        return Part(data, name, rows, None if data.labels is None else data.labels[rows])

    def _dealt(self) -> np.ndarray:
        data = self._train
        labels = np.zeros(len(data), dtype=np.int64) if data.labels is None else data.labels
        return deal(labels, _TEST_DEAL, data.classes, "test", key_of(self._recipe.dataset)) == 0

    def _limited(self, data: ImageData, rows: np.ndarray) -> np.ndarray:
        limit = self._recipe.images
        return rows if limit is None or limit >= len(rows) else rows[self._spread(data, rows, limit, "images")]

    def _spread(self, data: ImageData, rows: np.ndarray, count: int, purpose: str) -> np.ndarray:
        """Return ``count`` of some rows, as ascending places in them, each class in its share to within one image."""
        labels = np.zeros(len(rows), dtype=np.int64) if data.labels is None else data.labels[rows]
        place = deal(labels, len(rows), data.classes, purpose, self._recipe.split_seed)
        return np.flatnonzero((place + 1) * count // len(rows) > place * count // len(rows))


def _names(source: Source) -> tuple[str, ...]:
    """Return the parts that the copy here has."""
    return source.parts_in(source.find())
