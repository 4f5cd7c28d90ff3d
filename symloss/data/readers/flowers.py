"""Oxford's 102 flowers: images in one folder, labels and parts in MATLAB files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from symloss.data.images import FileImages, Paths
from symloss.data.readers.reader import Reader, lacking
from symloss.data.readers.svhn import read_mat
from symloss.errors import SymlossError

_PARTS = {"train": "trnid", "val": "valid", "test": "tstid"}


@dataclass(frozen=True)
class FlowersReader(Reader):
    """``jpg/image_00001.jpg``, ..., ``imagelabels.mat``, ``setid.mat`` (Nilsback and Zisserman 2008).

    torchvision reads the same files, and only with the official checksums.
    """

    def lacks(self, folder: Path) -> str | None:
        return lacking(folder, ["jpg", "imagelabels.mat", "setid.mat"])

    def open(self, folder: Path, part: str) -> FileImages:
        labels = read_mat(folder / "imagelabels.mat", ("labels",))["labels"].reshape(-1).astype(np.int64) - 1
        numbers = read_mat(folder / "setid.mat", tuple(_PARTS.values()))[_PARTS[part]].reshape(-1).astype(np.int64)
        if len(numbers) == 0 or not 1 <= numbers.min() <= numbers.max() <= len(labels):
            raise SymlossError(
                f"{folder / 'setid.mat'} must have numbers from 1 to {len(labels):,}, the labels in imagelabels.mat; "
                "get both files again"
            )
        images = [folder / "jpg" / f"image_{number:05d}.jpg" for number in numbers]
        return FileImages(Paths(folder, images), labels[numbers - 1], classes=102)
