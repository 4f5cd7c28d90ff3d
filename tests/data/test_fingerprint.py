"""Telling copies of a dataset apart."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from symloss.data import SOURCES, ArrayImages, MaskedImages, fingerprint, source_of
from symloss.data.images import ImageData, Paths
from symloss.data.readers import Reader


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a few images of two classes in two parts."""
    for part in ("train", "test"):
        for number in range(6):
            path = tmp_path / "data" / part / f"class{number % 2}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((4, 4), 20 * number, np.uint8)).save(path)
    return tmp_path / "data"


CHANGES: dict[str, Callable[[Path], object]] = {
    "a label": lambda folder: (folder / "train/class0/0.png").rename(folder / "train/class1/0.png"),
    "a name": lambda folder: (folder / "train/class0/0.png").rename(folder / "train/class0/1.png"),
    "a size": lambda folder: Image.new("L", (9, 9)).save(folder / "test/class1/3.png"),
    "one less": lambda folder: (folder / "test/class1/3.png").unlink(),
    "a part": lambda folder: (folder / "test").rename(folder / "val"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_copy_is_told_apart(folder: Path, tmp_path: Path, change: str) -> None:
    first = fingerprint(source_of(f"imagefolder:{folder}"))
    assert first is not None
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert fingerprint(source_of(f"imagefolder:{copy}")) == first  # wherever it lies
    CHANGES[change](copy)
    assert fingerprint(source_of(f"imagefolder:{copy}")) not in (first, None)


class Given(Reader):
    """Gives the same data for every part."""

    def __init__(self, data: ImageData) -> None:
        self.data = data

    def lacks(self, folder: Path) -> str | None:
        return None

    def open(self, folder: Path, part: str) -> ImageData:
        return self.data


def of(data: ImageData, folder: Path) -> str | None:
    return fingerprint(replace(SOURCES["digits"], reader=Given(data), system=(folder,)))


def test_pixels_in_memory_and_masks_count(folder: Path) -> None:
    pixels, labels = np.zeros((3, 2, 2), np.uint8), np.array([0, 1, 0])
    grey = ArrayImages(pixels, labels, 2)
    assert of(grey, folder) == of(ArrayImages(pixels, labels.astype(np.int32), 2), folder)
    assert of(grey, folder) != of(ArrayImages(pixels + 1, labels, 2), folder)
    assert of(grey, folder) != of(ArrayImages(pixels, 1 - labels, 2), folder)
    one, other = (Paths(folder, [folder / "train" / name]) for name in ("class0/0.png", "class1/1.png"))
    assert of(MaskedImages(one, one, 2, 255), folder) != of(MaskedImages(one, other, 2, 255), folder)


def test_data_that_are_not_there_have_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SYMLOSS_DATA", str(tmp_path))
    assert fingerprint(SOURCES["camvid"]) is None
    (tmp_path / "cifar-10").mkdir()
    for name in (*(f"data_batch_{batch}" for batch in range(1, 6)), "test_batch", "batches.meta"):
        (tmp_path / "cifar-10" / name).write_text("damaged")
    assert fingerprint(SOURCES["cifar-10"]) is None
