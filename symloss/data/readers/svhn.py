"""SVHN's cropped digits: a MATLAB file a part. torchvision reads them only with the official checksums."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from symloss.data.images import ArrayImages
from symloss.data.readers.reader import Reader, lacking
from symloss.errors import SymlossError


@dataclass(frozen=True)
class SvhnReader(Reader):
    """``train_32x32.mat`` and ``test_32x32.mat`` (Netzer et al. 2011). The label 10 of the digit 0 becomes 0."""

    def lacks(self, folder: Path) -> str | None:
        return lacking(folder, ["train_32x32.mat", "test_32x32.mat"])

    def open(self, folder: Path, part: str) -> ArrayImages:
        content = read_mat(folder / f"{part}_32x32.mat", ("X", "y"))
        values, labels = content["X"], content["y"].reshape(-1).astype(np.int64)
        if values.dtype != np.uint8 or values.shape != (32, 32, 3, len(labels)):
            raise SymlossError(
                f"{folder / f'{part}_32x32.mat'} holds images of shape {values.shape} and {len(labels):,} labels; they "
                f"must be (32, 32, 3, {len(labels)}) bytes: get the file again"
            )
        labels[labels == 10] = 0
        return ArrayImages(np.ascontiguousarray(values.transpose(3, 0, 1, 2)), labels, 10, tuple("0123456789"))


def read_mat(path: Path, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Read arrays from a MATLAB file.

    Raises:
        SymlossError: it cannot be read or lacks one of them.
    """
    from scipy.io import loadmat

    try:
        content = loadmat(str(path))
    except Exception as error:  # what scipy raises for a broken file has no bounds
        raise SymlossError(f"cannot read {path}: {' '.join(str(error).split())}; get the file again") from error
    missing = [key for key in keys if not isinstance(content.get(key), np.ndarray)]
    if missing:
        raise SymlossError(f"{path} has no array {' and no array '.join(missing)}; get the file again")
    return {key: content[key] for key in keys}
