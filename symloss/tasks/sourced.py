"""Known datasets of images as samples in memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from symloss.data import SOURCES, ArrayImages, ImageData
from symloss.data.pixels import image_pixels
from symloss.errors import SymlossError
from symloss.tasks.samples import Samples

#: Images of several sizes, and large ones, are brought to this height and width, whatever their proportions.
SIDE = 64

_BATCH = 1024


def load_source(name: str, shape: tuple[int, ...]) -> Samples:
    """Load a dataset for classification of :data:`~symloss.data.SOURCES`.

    The official test set is the test set, where there is one. Where there is an official part for validation, it
    follows the one for training.

    Args:
        name: the dataset.
        shape: (channels, height, width) that every image gets: channels 1 for grey or 3 for RGB; sizes are changed
            bilinearly (Pillow's, with the antialiasing that it has when it makes an image smaller).

    Returns:
        Inputs ``[N, *shape]`` uint8.

    Raises:
        SymlossError: the data are not there, or not as they should be.
    """
    source = SOURCES[name]
    folder = source.find()
    parts = source.parts_in(folder)
    opened = {part: source.reader.open(folder, part) for part in parts}
    loaded = {part: (_pixels(data, shape), _labels(data, name)) for part, data in opened.items()}
    pool = [loaded[part] for part in parts if part != "test"]
    inputs, labels = pool[0] if len(pool) == 1 else tuple(np.concatenate(arrays) for arrays in zip(*pool, strict=True))
    return Samples(inputs, labels, source.classes, (0.0, 255.0), loaded.get("test"))


def _labels(data: ImageData, name: str) -> np.ndarray:
    if data.labels is None:
        raise SymlossError(f"the dataset {name!r} has masks instead of labels")
    return data.labels


def _pixels(data: ImageData, shape: tuple[int, ...]) -> np.ndarray:
    channels, height, width = shape
    if isinstance(data, ArrayImages):
        grey = data.pixels.ndim == 3
        if data.pixels.shape[1:3] == (height, width) and channels == (1 if grey else 3):
            return data.pixels[:, None] if grey else np.ascontiguousarray(data.pixels.transpose(0, 3, 1, 2))
    pixels = np.empty((len(data), *shape), dtype=np.uint8)

    def fill(index: int) -> None:
        pixels[index] = image_pixels(data[index][0], "L" if channels == 1 else "RGB", (width, height))

    with ThreadPoolExecutor() as threads:  # Pillow decodes without Python's lock
        for start in range(0, len(data), _BATCH):
            for _ in threads.map(fill, range(start, min(start + _BATCH, len(data)))):
                pass
    return pixels
