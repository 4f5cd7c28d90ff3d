"""MNIST and its relatives: four idx files."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from symloss.data.images import ArrayImages
from symloss.data.readers.reader import Reader
from symloss.errors import SymlossError

#: Images and labels of each part.
IDX_FILES: dict[str, tuple[str, str]] = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


@dataclass(frozen=True)
class IdxReader(Reader):
    """Four idx files (LeCun, Cortes, Burges), each plain or packed with gzip.

    Attributes:
        name: the dataset's name.
        sizes: the number of training and of test images; a copy may have fewer.
        side: the height and width of an image.
        begins: the first training labels. They tell the datasets of this form apart.
        class_names: the classes.
    """

    name: str
    sizes: tuple[int, int]
    side: int
    begins: tuple[int, ...]
    class_names: tuple[str, ...]

    def lacks(self, folder: Path) -> str | None:
        names = [name for pair in IDX_FILES.values() for name in pair]
        missing = [name for name in names if _find(folder, name) is None]
        if missing:
            return "not there" if len(missing) == len(names) else f"lacks {', '.join(missing)}"
        labels = read_idx(_there(folder, IDX_FILES["train"][1]))
        return None if tuple(labels.flat[: len(self.begins)]) == self.begins else "its files are another dataset's"

    def open(self, folder: Path, part: str) -> ArrayImages:
        most = self.sizes[list(IDX_FILES).index(part)]
        paths = [_there(folder, name) for name in IDX_FILES[part]]
        images, labels = map(read_idx, paths)
        # A smaller copy can be read, for trying things out; that it is smaller is what a check says.
        count = min(len(images), most) if images.ndim else most
        for path, array, shape in zip(paths, (images, labels), ((count, self.side, self.side), (count,)), strict=True):
            if array.shape != shape:
                raise SymlossError(
                    f"{path} holds an array of shape {array.shape}; {self.name} has {shape} there: get the file again"
                )
        return ArrayImages(images, labels.astype(np.int64), len(self.class_names), self.class_names)


def _there(folder: Path, file: str) -> Path:
    return _find(folder, file) or folder / file


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
