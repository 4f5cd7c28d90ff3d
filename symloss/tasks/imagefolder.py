"""Folders of images, a folder a class, as ``torchvision.datasets.ImageFolder`` reads them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from symloss.errors import SymlossError
from symloss.tasks.samples import Samples

if TYPE_CHECKING:
    from PIL import Image

#: Images of several sizes are brought to one size with no side longer than this.
LONGEST_SIDE = 64

_SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # torchvision's
_GREY = ("1", "L", "LA", "I;16", "I;16L", "I;16B", "I;16N")


def load_imagefolder(path: str) -> Samples:
    """Load ``PATH/CLASS/*.png``, or ``PATH/train/CLASS/*`` with an official test set in ``PATH/test/CLASS/*``.

    Other folders beside ``train`` are not read, and without ``test`` a test set is dealt out. The classes are the
    folders in the order of their names, the images of each are in the order of their paths, as in torchvision; hidden
    folders and files are left out.

    What the training images are decides the form of all: one channel if all are grey, else RGB; their own size
    if they share one, else the median height and width, reduced in proportion so that no side exceeds
    :data:`LONGEST_SIDE`. Transparency is dropped, 16-bit grey keeps its upper 8 bits, EXIF rotation is not applied.

    Returns:
        Inputs ``[N, channels, height, width]`` uint8.

    Raises:
        SymlossError: no such folder, fewer than two classes, a class without images, a test folder with other classes,
            or a file that is no image.
    """
    root = Path(path).expanduser()
    if not root.is_dir():
        raise SymlossError(f"imagefolder:{path}: there is no folder {root.absolute()}; it should hold a folder a class")
    parted = (root / "train").is_dir() and any(_folders(root / "train"))
    train = root / "train" if parted else root
    classes = [folder.name for folder in _folders(train)]
    if len(classes) < 2:
        found = f"only {classes[0]!r}" if classes else "none"
        raise SymlossError(f"{train} must hold a folder for each of at least 2 classes; it holds {found}")
    paths, labels = _listed(train, classes)
    mode, size = _form(paths)
    test = None
    if parted and (root / "test").is_dir():
        others = [folder.name for folder in _folders(root / "test")]
        if others != classes:
            lacking, extra = sorted({*classes} - {*others}), sorted({*others} - {*classes})
            raise SymlossError(
                f"{root / 'test'} must hold the classes of {train}: "
                + "; ".join(
                    f"{what} {', '.join(names)}" for what, names in (("lacks", lacking), ("has also", extra)) if names
                )
            )
        test_paths, test_labels = _listed(root / "test", classes)
        test = (_pixels(test_paths, mode, size), test_labels)
    return Samples(_pixels(paths, mode, size), labels, len(classes), (0.0, 255.0), test)


def _folders(path: Path) -> list[Path]:
    return sorted(
        (entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")),
        key=lambda entry: entry.name,
    )


def _listed(root: Path, classes: Sequence[str]) -> tuple[list[Path], np.ndarray]:
    """Return the images' paths and labels."""
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = [
            Path(folder, file)
            for folder, _, files in sorted(os.walk(root / name, followlinks=True))
            for file in sorted(files)
            if file.lower().endswith(_SUFFIXES) and not file.startswith(".")
        ]
        if not found:
            raise SymlossError(f"{root / name} holds no image ({', '.join(_SUFFIXES)}); add some or remove the folder")
        paths += found
        labels += [label] * len(found)
    return paths, np.array(labels, dtype=np.int64)


def _form(paths: Sequence[Path]) -> tuple[str, tuple[int, int]]:
    """Return the mode ("L" or "RGB") and the size (width, height) that all images are brought to."""
    from PIL import Image

    grey, sizes = True, []
    for path in paths:
        try:
            with Image.open(path) as image:  # the header alone
                grey = grey and image.mode in _GREY
                sizes.append(image.size)
        except Exception as error:
            raise _broken(path, error) from error
    width, height = (float(side) for side in np.median(np.array(sizes), axis=0))
    shrink = 1.0 if len({*sizes}) == 1 else min(1.0, LONGEST_SIDE / max(width, height))
    return ("L" if grey else "RGB"), (max(1, round(width * shrink)), max(1, round(height * shrink)))


def _pixels(paths: Sequence[Path], mode: str, size: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    channels = 1 if mode == "L" else 3
    pixels = np.empty((len(paths), channels, size[1], size[0]), dtype=np.uint8)
    for place, path in enumerate(paths):
        try:
            with Image.open(path) as image:
                pixels[place] = image_pixels(image, mode, size)
        except Exception as error:  # Pillow raises half a dozen kinds for broken files
            raise _broken(path, error) from error
    return pixels


def image_pixels(image: Image.Image, mode: str, size: tuple[int, int] | None = None) -> np.ndarray:
    """Return an image as ``[channels, height, width]`` uint8, in the mode "L" or "RGB" and a size (width, height)."""
    from PIL import Image

    if image.mode.startswith("I;16"):  # Pillow's own conversion clips at 255 in some versions
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise ValueError(f"its mode {image.mode} has no known range; save it with 8 or 16 bits a channel")
    image = image.convert(mode)
    if size is not None and image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    values = np.asarray(image)
    return values[None] if mode == "L" else np.moveaxis(values, -1, 0)


def _broken(path: Path, error: Exception) -> SymlossError:
    text = " ".join(str(error).split()) or type(error).__name__
    return SymlossError(f"cannot read the image {path}: {text}; repair or remove it")
