from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest
from torchvision.datasets import PCAM

from symloss.data import SOURCES, check
from symloss.errors import SymlossError


@pytest.fixture
def pcam(data, noise):
    h5py = pytest.importorskip("h5py")
    folder = data / "pcam"
    folder.mkdir()
    for seed, part in enumerate(("train", "valid", "test")):
        name = f"camelyonpatch_level_2_split_{part}"
        with h5py.File(folder / f"{name}_x.h5", "w") as file:
            file["x"] = noise(seed, 3, 96, 96, 3)
        with h5py.File(folder / f"{name}_y.h5", "w") as file:
            file["y"] = np.array([0, 1, 1], dtype=np.uint8).reshape(3, 1, 1, 1)
    return folder


def test_patches_are_torchvisions_and_survive_pickling(pcam, data):
    for part in ("train", "val", "test"):
        reference, found = PCAM(data, split=part), SOURCES["pcam"].open(part)
        assert found[-1][1] == 1  # opens the file
        found = pickle.loads(pickle.dumps(found))
        assert len(found) == 3
        for (image, label), (expected, target) in zip(found, reference, strict=True):
            assert label == target
            assert np.array_equal(np.asarray(image), np.asarray(expected))
    with pytest.raises(IndexError):
        found[3]


def test_missing_library_is_said_and_is_no_broken_dataset(pcam, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    for use in (lambda: SOURCES["pcam"].open("train"), lambda: check(SOURCES["pcam"])):
        with pytest.raises(SymlossError, match=r"needs h5py, which is not installed: pip install 'symloss\[data\]'"):
            use()


def test_broken_file_is_named(pcam):
    (pcam / "camelyonpatch_level_2_split_test_x.h5").write_bytes(b"no HDF5")
    test = SOURCES["pcam"].open("test")
    with pytest.raises(SymlossError, match=r"cannot read the image .*test_x.h5"):
        test[0]
