"""Opened image datasets: as long as they have images, and each image is read when it is asked for."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from symloss.data.pixels import in_mode, unreadable
from symloss.errors import SymlossError

if TYPE_CHECKING:
    from PIL import Image


class ImageData(ABC):
    """One part of a dataset: a map-style dataset as ``torch.utils.data.DataLoader`` takes it, and picklable.

    ``data[i]`` is ``(image, label)`` for classification and ``(image, mask)`` for segmentation: PIL images in one
    mode, "RGB" or for grey datasets "L", labels as int, masks in mode "L" whose values are class indices or
    :attr:`ignore_index`. It raises IndexError beyond the end and SymlossError for a file that cannot be read.

    Attributes:
        classes: the number of classes C.
        class_names: their names in the order of the labels; empty where none are known.
        labels: ``[N]`` int64 in ``0..C-1``, or None for segmentation.
        ignore_index: the value of pixels that count nowhere, or None for classification.
    """

    classes: int
    class_names: tuple[str, ...]
    labels: np.ndarray | None
    ignore_index: int | None

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of images N."""

    @abstractmethod
    def __getitem__(self, index: int) -> tuple[Image.Image, int | Image.Image]:
        """Return an image and its label or mask."""

    def __iter__(self) -> Iterator[tuple[Image.Image, int | Image.Image]]:
        """Give all images in order."""
        return (self[index] for index in range(len(self)))


@dataclass(frozen=True, eq=False)
class ArrayImages(ImageData):
    """Images in memory.

    Attributes:
        pixels: ``[N, H, W]`` for grey images or ``[N, H, W, 3]``, uint8.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: int
    class_names: tuple[str, ...] = ()
    ignore_index: None = field(default=None, init=False)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        from PIL import Image

        return Image.fromarray(self.pixels[index]), int(self.labels[index])


class Paths:
    """Paths below a folder, as one array of bytes.

    A list of a million ``Path`` takes a quarter of a gigabyte, which every worker of a loader would copy in time, as
    counting references writes to it.
    """

    def __init__(self, root: Path, paths: Iterable[Path]) -> None:
        self.root = root
        self._names = np.array([os.fsencode(os.path.relpath(path, root)) for path in paths], dtype=np.bytes_)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> Path:
        return self.root / os.fsdecode(bytes(self._names[index]))


@dataclass(frozen=True, eq=False)
class FileImages(ImageData):
    """Images in files of their own; each is converted to RGB.

    Attributes:
        paths: the N files.
    """

    paths: Paths
    labels: np.ndarray
    classes: int
    class_names: tuple[str, ...] = ()
    ignore_index: None = field(default=None, init=False)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        return read_image(self.paths[index]), int(self.labels[index])


@dataclass(frozen=True, eq=False)
class MaskedImages(ImageData):
    """Images with masks of the same size, in files of their own.

    Attributes:
        paths: the N images.
        masks: the N masks: images whose values are taken as they are, or the ``.mat`` files of SBD.
        table: ``[256]`` uint8, the class or ``ignore_index`` for each value in a file; None where they are these.
    """

    paths: Paths
    masks: Paths
    classes: int
    ignore_index: int
    class_names: tuple[str, ...] = ()
    table: np.ndarray | None = None
    labels: None = field(default=None, init=False)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Image.Image, Image.Image]:
        return read_image(self.paths[index]), self.mask(index)

    def mask(self, index: int) -> Image.Image:
        """Return a mask alone.

        Raises:
            SymlossError: the file cannot be read, or has another type than one byte a pixel.
        """
        from PIL import Image

        path = self.masks[index]
        try:
            values = _sbd_mask(path) if path.suffix == ".mat" else _png_mask(path)
        except Exception as error:  # Pillow and scipy raise half a dozen kinds for broken files
            raise unreadable(path, error) from error
        return Image.fromarray(values if self.table is None else self.table[values])


def read_image(path: Path) -> Image.Image:
    """Read an image file as RGB.

    Raises:
        SymlossError: it cannot be read.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            return in_mode(image, "RGB")
    except Exception as error:  # Pillow raises half a dozen kinds for broken files
        raise unreadable(path, error) from error


def _png_mask(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as image:
        if image.mode not in ("L", "P"):  # a palette's indices are the classes, its colours are for people
            raise ValueError(f"a mask has one byte a pixel (mode L or P), this has mode {image.mode}")
        return np.asarray(image)


def _sbd_mask(path: Path) -> np.ndarray:
    from scipy.io import loadmat

    return np.asarray(loadmat(str(path))["GTcls"][0]["Segmentation"][0], dtype=np.uint8)


def paired(root: Path, images: list[Path], masks: list[Path], lists: str) -> tuple[Paths, Paths]:
    """Return images and masks as paths below a folder.

    Args:
        root: the folder.
        images: the images.
        masks: the mask that each must have.
        lists: where the images are from, for messages.

    Raises:
        SymlossError: there is no image, or an image or a mask is not there.
    """
    if not images:
        raise SymlossError(f"{lists} names no image; get the dataset again")
    have = {folder: set(os.listdir(folder)) for folder in {p.parent for p in [*images, *masks]} if folder.is_dir()}
    gone = [path for path in [*images, *masks] if path.name not in have.get(path.parent, ())]
    if gone:
        raise SymlossError(f"{len(gone):,} of the files that {lists} asks for are not there, such as {gone[0]}")
    return Paths(root, images), Paths(root, masks)
