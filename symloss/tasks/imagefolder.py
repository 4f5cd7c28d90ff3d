"""Folders of images, a folder a class, as ``torchvision.datasets.ImageFolder`` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from symloss.data.pixels import GREY, class_folders, image_pixels, listed, unreadable
from symloss.errors import SymlossError
from symloss.tasks.samples import Samples

#: Images of several sizes are brought to one size with no side longer than this.
LONGEST_SIDE = 64


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
    parted = (root / "train").is_dir() and any(class_folders(root / "train"))
    train = root / "train" if parted else root
    classes = [folder.name for folder in class_folders(train)]
    if len(classes) < 2:
        found = f"only {classes[0]!r}" if classes else "none"
        raise SymlossError(f"{train} must hold a folder for each of at least 2 classes; it holds {found}")
    paths, labels = listed(train, classes)
    mode, size = _form(paths)
    test = None
    if parted and (root / "test").is_dir():
        others = [folder.name for folder in class_folders(root / "test")]
        if others != classes:
            lacking, extra = sorted({*classes} - {*others}), sorted({*others} - {*classes})
            raise SymlossError(
                f"{root / 'test'} must hold the classes of {train}: "
                + "; ".join(
                    f"{what} {', '.join(names)}" for what, names in (("lacks", lacking), ("has also", extra)) if names
                )
            )
        test_paths, test_labels = listed(root / "test", classes)
        test = (_pixels(test_paths, mode, size), test_labels)
    return Samples(_pixels(paths, mode, size), labels, len(classes), (0.0, 255.0), test)


def _form(paths: Sequence[Path]) -> tuple[str, tuple[int, int]]:
    """Return the mode ("L" or "RGB") and the size (width, height) that all images are brought to."""
    from PIL import Image

    grey, sizes = True, []
    for path in paths:
        try:
            with Image.open(path) as image:  # the header alone
                grey = grey and image.mode in GREY
                sizes.append(image.size)
        except Exception as error:
            raise unreadable(path, error) from error
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
            raise unreadable(path, error) from error
    return pixels
