"""Image files: which there are below a folder, and their pixels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from symloss.errors import SymlossError

if TYPE_CHECKING:
    from PIL import Image

#: The names of image files end so, in any case; these are torchvision's.
SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")

#: Pillow's modes of grey images.
GREY = ("1", "L", "LA", "I;16", "I;16L", "I;16B", "I;16N")


def class_folders(path: Path) -> list[Path]:
    """Return the folders in a folder by name, without hidden ones; none where there is no such folder."""
    if not path.is_dir():
        return []
    return sorted(
        (entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")),
        key=lambda entry: entry.name,
    )


def listed(root: Path, classes: Sequence[str]) -> tuple[list[Path], np.ndarray]:
    """Return the paths of the images in ``root/CLASS/``, at any depth, and their labels ``[N]`` int64.

    The order is torchvision's ``ImageFolder``'s: by class, then by path.

    Raises:
        SymlossError: a class has no image.
    """
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = [
            Path(folder, file)
            for folder, _, files in sorted(os.walk(root / name, followlinks=True))
            for file in sorted(files)
            if file.lower().endswith(SUFFIXES) and not file.startswith(".")
        ]
        if not found:
            raise SymlossError(f"{root / name} holds no image ({', '.join(SUFFIXES)}); add some or remove the folder")
        paths += found
        labels += [label] * len(found)
    return paths, np.array(labels, dtype=np.int64)


def in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Return an image in the mode "L" or "RGB". Transparency is dropped, 16-bit grey keeps its upper 8 bits.

    Raises:
        ValueError: its values have no known range.
    """
    from PIL import Image

    if image.mode.startswith("I;16"):  # Pillow's own conversion clips at 255 in some versions
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise ValueError(f"its mode {image.mode} has no known range; save it with 8 or 16 bits a channel")
    return image.convert(mode)


def image_pixels(image: Image.Image, mode: str, size: tuple[int, int] | None = None) -> np.ndarray:
    """Return an image as ``[channels, height, width]`` uint8, in the mode "L" or "RGB" and a size (width, height)."""
    from PIL import Image

    image = in_mode(image, mode)
    if size is not None and image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    values = np.asarray(image)
    return values[None] if mode == "L" else np.moveaxis(values, -1, 0)


def unreadable(path: Path, error: Exception) -> SymlossError:
    """Return the error for a file that is no image, or a broken one."""
    text = " ".join(str(error).split()) or type(error).__name__
    return SymlossError(f"cannot read the image {path}: {text}; repair or remove it")
