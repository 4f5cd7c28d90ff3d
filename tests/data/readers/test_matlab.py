"""SVHN and the flowers, whose labels are in MATLAB files."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat
from torchvision.datasets import SVHN, Flowers102

from symloss.data import SOURCES
from symloss.errors import SymlossError


@pytest.fixture
def svhn(data, noise):
    folder = data / "svhn"
    folder.mkdir()
    for seed, part in enumerate(("train", "test")):
        labels = np.array([[1], [10], [9], [10]], dtype=np.uint8)
        savemat(folder / f"{part}_32x32.mat", {"X": noise(seed, 32, 32, 3, 4), "y": labels})
    return folder


def test_house_numbers_are_torchvisions(svhn, monkeypatch):
    monkeypatch.setattr("torchvision.datasets.svhn.check_integrity", lambda *arguments: True)
    for part in ("train", "test"):
        reference, found = SVHN(svhn, split=part), SOURCES["svhn"].open(part)
        assert found.labels.tolist() == reference.labels.tolist() == [1, 0, 9, 0]
        for (image, label), (expected, target) in zip(found, reference, strict=True):
            assert label == target
            assert np.array_equal(np.asarray(image), np.asarray(expected))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"X": np.zeros((32, 32, 3, 3), np.uint8), "y": np.ones((4, 1), np.uint8)}, r"must be \(32, 32, 3, 4\) bytes"),
        ({"X": np.zeros((32, 32, 3, 4)), "y": np.ones((4, 1))}, r"must be \(32, 32, 3, 4\) bytes"),
        ({"X": np.zeros((32, 32, 3, 4), np.uint8)}, "has no array y"),
        (None, "cannot read"),
    ],
)
def test_broken_house_numbers_are_refused(svhn, content, message):
    if content is None:
        (svhn / "test_32x32.mat").write_bytes(b"MATLAB?")
    else:
        savemat(svhn / "test_32x32.mat", content)
    with pytest.raises(SymlossError, match=message):
        SOURCES["svhn"].open("test")


@pytest.fixture
def flowers(data, save, noise):
    folder = data / "flowers-102"
    for number in range(1, 7):
        save(folder / "jpg" / f"image_{number:05d}.jpg", noise(number, 20, 30, 3))
    savemat(folder / "imagelabels.mat", {"labels": np.array([[77, 77, 102, 1, 5, 9]])})
    savemat(folder / "setid.mat", {"trnid": [[4, 2]], "valid": [[1]], "tstid": [[6, 3, 5]]})
    return folder


def test_flowers_are_torchvisions(flowers, data, monkeypatch):
    monkeypatch.setattr("torchvision.datasets.flowers102.check_integrity", lambda *arguments: True)
    for part, labels in (("train", [0, 76]), ("val", [76]), ("test", [8, 101, 4])):
        found = SOURCES["flowers-102"].open(part)
        assert found.labels.tolist() == labels
        if part != "val":  # torchvision does not read a list of one
            reference = Flowers102(data, split=part)
            for (image, label), (expected, target) in zip(found, reference, strict=True):
                assert label == target
                assert np.array_equal(np.asarray(image), np.asarray(expected))


def test_number_of_no_flower_is_refused(flowers):
    savemat(flowers / "setid.mat", {"trnid": [[4, 7]], "valid": [[1]], "tstid": [[6]]})
    with pytest.raises(SymlossError, match="must have numbers from 1 to 6"):
        SOURCES["flowers-102"].open("train")
