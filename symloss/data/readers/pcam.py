"""PatchCamelyon: HDF5 files, from which each image is read when it is asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from symloss.data.images import ImageData
from symloss.data.pixels import unreadable
from symloss.data.readers.reader import Reader, lacking
from symloss.errors import SymlossError

if TYPE_CHECKING:
    from PIL import Image

_PARTS = {"train": "train", "val": "valid", "test": "test"}


def pcam_file(part: str, kind: str) -> str:
    """Return the name of a part's images, kind "x", or labels, kind "y"."""
    return f"camelyonpatch_level_2_split_{_PARTS[part]}_{kind}.h5"


@dataclass(frozen=True)
class PcamReader(Reader):
    """``camelyonpatch_level_2_split_train_x.h5`` and its five fellows (Veeling et al. 2018).

    torchvision's reader of them cannot be pickled, and opens the files anew for each image.
    """

    def lacks(self, folder: Path) -> str | None:
        return lacking(folder, [pcam_file(part, kind) for part in _PARTS for kind in "xy"])

    def open(self, folder: Path, part: str) -> HdfImages:
        h5py = _h5py()
        path = folder / pcam_file(part, "y")
        try:
            with h5py.File(path) as file:
                labels = np.asarray(file["y"]).reshape(-1).astype(np.int64)
        except Exception as error:
            raise SymlossError(f"cannot read {path}: {error}; get the file again") from error
        return HdfImages(folder / pcam_file(part, "x"), labels)


class HdfImages(ImageData):
    """Images in the array "x" ``[N, H, W, 3]`` uint8 of an HDF5 file.

    A process opens the file when it first reads an image: an open one can neither be pickled nor survive a fork.
    """

    classes = 2
    class_names = ("no tumour", "tumour")

    labels: np.ndarray
    ignore_index = None

    def __init__(self, path: Path, labels: np.ndarray) -> None:
        self.path, self.labels = path, labels
        self._opened: tuple[int, Any] | None = None

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_opened": None}

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        from PIL import Image

        label = int(self.labels[index])  # beyond the end this raises what ends a loop
        try:
            return Image.fromarray(self._images()[range(len(self))[index]]), label
        except Exception as error:  # h5py raises half a dozen kinds for broken files
            raise unreadable(self.path, error) from error

    def _images(self) -> Any:
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), _h5py().File(self.path)["x"])
        return self._opened[1]


def _h5py() -> ModuleType:
    try:
        import h5py
    except ImportError:
        raise SymlossError(
            "the dataset pcam is in HDF5 files, and reading them needs h5py, which is not installed: "
            "pip install 'symloss[data]'"
        ) from None
    return h5py
