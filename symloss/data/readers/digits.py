"""The handwritten digits that scikit-learn has with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from symloss.data.images import ArrayImages
from symloss.data.readers.reader import Reader, lacking


@dataclass(frozen=True)
class DigitsReader(Reader):
    """``sklearn.datasets.load_digits``; its values from 0 to 16 become 0 to 255."""

    def lacks(self, folder: Path) -> str | None:
        return lacking(folder, ["digits.csv.gz"])

    def open(self, folder: Path, part: str) -> ArrayImages:
        from sklearn.datasets import load_digits  # imported here: it takes a second

        data = load_digits()
        pixels = np.rint(data.images * (255 / 16)).astype(np.uint8)
        return ArrayImages(pixels, data.target.astype(np.int64), 10, tuple("0123456789"))
