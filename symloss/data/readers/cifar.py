"""CIFAR-10 and CIFAR-100: the official pickles, read without running anything that is in them, and written.

torchvision reads only files with the checksums of the official ones; files that were converted have others.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from symloss.data.images import ArrayImages
from symloss.data.readers.pickles import read_pickle
from symloss.data.readers.reader import Reader, lacking
from symloss.errors import SymlossError


@dataclass(frozen=True)
class CifarReader(Reader):
    """The files of ``cifar-10-batches-py`` or ``cifar-100-python`` (Krizhevsky 2009).

    Attributes:
        files: the files of each part, in order.
        labels: the key of the labels in each.
        meta: the file with the names of the classes.
        names: their key in it.
        classes: how many there are.
    """

    files: tuple[tuple[str, tuple[str, ...]], ...]
    labels: str
    meta: str
    names: str
    classes: int

    def lacks(self, folder: Path) -> str | None:
        return lacking(folder, [*(name for _, files in self.files for name in files), self.meta])

    def open(self, folder: Path, part: str) -> ArrayImages:
        batches = [self._batch(folder / name) for name in dict(self.files)[part]]
        rows = np.concatenate([data for data, _ in batches])
        pixels = np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        meta = read_pickle(folder / self.meta)
        names = meta.get(self.names)
        if not isinstance(names, list) or len(names) != self.classes:
            raise SymlossError(f"{folder / self.meta} has no list {self.names!r} of {self.classes} names; get it again")
        return ArrayImages(pixels, np.concatenate([labels for _, labels in batches]), self.classes, tuple(names))

    def _batch(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        content = read_pickle(path)
        data, labels = content.get("data"), content.get(self.labels)
        if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3072:
            raise SymlossError(f"{path} has no 'data' of type uint8 and shape [N, 3072]; get the file again")
        whole = isinstance(labels, list) and all(type(label) is int and 0 <= label < self.classes for label in labels)
        if not isinstance(labels, list) or not whole or len(labels) != len(data):
            raise SymlossError(
                f"{path} must have as {self.labels!r} a list of {len(data):,} numbers from 0 to {self.classes - 1}; "
                "get the file again"
            )
        return data, np.array(labels, dtype=np.int64)


def pickled_batch(title: str, data: np.ndarray, labels: list[int], filenames: list[str]) -> bytes:
    """Return the content of a batch file as the official ones are: a dict in protocol 2.

    Args:
        title: such as ``"training batch 1 of 5"``.
        data: ``[N, 3072]`` uint8: 1,024 values of red, 1,024 of green, 1,024 of blue, each row by row.
        labels: N of them, 0 to 9.
        filenames: N of them.
    """
    return _pickled({"batch_label": title, "labels": labels, "data": data, "filenames": filenames})


def pickled_meta(names: list[str], count: int) -> bytes:
    """Return the content of ``batches.meta``: the classes and the number of images in a batch."""
    return _pickled({"num_cases_per_batch": count, "label_names": names, "num_vis": 3072})


def _pickled(content: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    pickle.dump(content, file, protocol=2)
    return file.getvalue()
