from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from symloss.data import SOURCES, ArrayImages, check
from symloss.data.checking import MOST_PROBLEMS
from symloss.data.readers import FolderLayout, FolderReader, Reader
from symloss.errors import SymlossError


class InMemory(Reader):
    """Gives the images that it has, wherever it is asked to look."""

    def __init__(self, **parts):
        self.parts = parts

    def lacks(self, folder):
        return None

    def open(self, folder, part):
        return self.parts[part]


def grey(count, labels=None, side=8, classes=4):
    labels = np.arange(count) % classes if labels is None else np.array(labels)
    return ArrayImages(np.zeros((count, side, side), np.uint8), labels, classes)


def check_of(small_source, parts, sizes=None, quick=False, **others):
    sizes = {part: len(found) for part, found in parts.items()} if sizes is None else sizes
    return check(small_source(InMemory(**parts), sizes, **others), quick)


def test_whole_dataset_has_no_problem(data, small_source):
    told = []
    parts = {"train": grey(40), "test": grey(8)}
    source = small_source(InMemory(**parts), {"train": 40, "test": 8}, shape=(1, 8, 8))
    result = check(source, progress=lambda *facts: told.append(facts))
    assert (result.counts, result.read, result.problems, result.found) == ({"train": 40, "test": 8}, 48, [], 0)
    assert told[0] == ("train", 1, 40)
    assert told[-1] == ("test", 8, 8)


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        ([0, 1, 2, 3, 4], "train: 1 labels are not from 0 to 3, such as 4 of image 4"),
        ([0, 1, 2, -1, 3], "train: 1 labels are not from 0 to 3, such as -1 of image 3"),
        ([0, 1, 3, 3, 3], "train: 1 of the 4 classes have no image, such as 2"),
    ],
)
def test_labels(data, small_source, labels, problem):
    assert check_of(small_source, {"train": grey(5, labels)}).problems == [problem]


def test_counts_and_shapes(data, small_source):
    result = check_of(small_source, {"train": grey(40)}, {"train": 41}, shape=(1, 8, 8))
    assert result.problems == ["train has 40 images; small has 41 there"]
    result = check_of(small_source, {"train": grey(40)}, shape=(3, 8, 8))
    assert result.problems[0] == "train, image 0: it has the shape (1, 8, 8); small has (3, 8, 8)"
    assert (len(result.problems), result.found) == (MOST_PROBLEMS, 40)


def test_quick_check_reads_some_of_each_part_from_end_to_end(data, small_source):
    class Recorded(ArrayImages):
        def __getitem__(self, index):
            seen.append(index)
            return super().__getitem__(index)

    seen = []
    parts = {"train": Recorded(np.zeros((1000, 8, 8), np.uint8), np.arange(1000) % 4, 4), "test": grey(40)}
    assert check_of(small_source, parts, quick=True).read == 240
    assert len(set(seen)) == 200
    assert {0, 999} <= set(seen)


def test_every_broken_image_is_found(data, small_source, save, noise):
    for number in range(30):
        save(data / "small" / f"{number % 2}" / f"{number:02d}.png", noise(number, 5, 6, 3))
    broken = data / "small" / "1" / "13.png"
    broken.write_bytes(broken.read_bytes()[:60])
    reader = FolderReader((FolderLayout((("train", "."),)),), classes=2)
    result = check(small_source(reader, {"train": 30}, classes=2))
    assert result.found == 1
    assert f"train, image 21: cannot read the image {broken}" in result.problems[0]
    assert result.read == 30


def test_masks(data, save, noise):
    root = data / "camvid"
    for part, count in (("train", 3), ("val", 1), ("test", 1)):
        for number in range(count):
            save(root / part / f"{number}.png", noise(number, 6, 8, 3))
            save(root / f"{part}annot" / f"{number}.png", np.full((6, 8), 11, dtype=np.uint8))
    source = replace(SOURCES["camvid"], sizes={"train": 3, "val": 1, "test": 1})
    assert check(source).problems == []
    save(root / "trainannot" / "1.png", np.full((6, 8), 12, dtype=np.uint8))
    save(root / "trainannot" / "2.png", np.zeros((6, 9), dtype=np.uint8))
    (root / "testannot" / "0.png").unlink()
    found = check(source).problems
    assert found[0] == "train, image 1: its mask has the value 12; it must be from 0 to 10 or 11"
    assert found[1] == "train, image 2: its mask is 9x6, the image 8x6"
    assert found[2].startswith("test: 1 of the files that")
    assert len(found) == 3


def test_dataset_that_is_not_there_is_no_broken_one(data):
    with pytest.raises(SymlossError, match="is not on this machine"):
        check(SOURCES["svhn"])
