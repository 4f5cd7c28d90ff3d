from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from symloss.data import SOURCES, check
from symloss.data.readers.idx import IdxReader, read_idx
from symloss.errors import SymlossError

TRAIN, TRAIN_LABELS, TEST, TEST_LABELS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def as_idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def small(tmp_path, monkeypatch, small_source):
    """Return a source of 40 + 20 images of 9x9, its arrays, and a function that writes them into a folder."""
    monkeypatch.delenv("SYMLOSS_DATA", raising=False)
    rng = np.random.default_rng(0)
    arrays = {
        TRAIN: rng.integers(0, 256, (40, 9, 9), dtype=np.uint8),
        TRAIN_LABELS: np.arange(40, dtype=np.uint8) % 4,
        TEST: rng.integers(0, 256, (20, 9, 9), dtype=np.uint8),
        TEST_LABELS: np.arange(20, dtype=np.uint8) % 4,
    }
    reader = IdxReader("small", (40, 20), 9, (0, 1, 2, 3), tuple("abcd"))
    dataset = small_source(reader, {"train": 40, "test": 20}, shape=(1, 9, 9), system=(tmp_path / "system",))

    def write(folder, packed=False, dotted=False):
        folder.mkdir(parents=True)
        for name, array in arrays.items():
            content = as_idx(array)
            name = name.replace("-idx", ".idx") if dotted else name
            (folder / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(content) if packed else content)
        return folder

    return dataset, arrays, write


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("place", ["data/small", "data", "system"])
def test_idx_files_are_found_and_read(small, place, packed, tmp_path, monkeypatch):
    dataset, arrays, write = small
    write(tmp_path / place, packed, dotted=packed)
    monkeypatch.setenv("SYMLOSS_DATA", str(tmp_path / "data"))
    train, test = dataset.open("train"), dataset.open("test")
    assert np.array_equal(train.pixels, arrays[TRAIN])
    assert np.array_equal(train.labels, arrays[TRAIN_LABELS])
    assert np.array_equal(np.asarray(test[3][0]), arrays[TEST][3])
    assert test[3][1] == 3
    assert np.array_equal(test.labels, arrays[TEST_LABELS])
    assert train.classes == 4


def test_missing_dataset_is_one_message_that_says_what_to_do(small, tmp_path, monkeypatch):
    dataset, arrays, write = small
    monkeypatch.setenv("SYMLOSS_DATA", str(tmp_path / "data"))
    folder = write(tmp_path / "data" / "small")
    (folder / TEST_LABELS).unlink()
    write(tmp_path / "system")
    (tmp_path / "system" / TRAIN_LABELS).write_bytes(as_idx(arrays[TRAIN_LABELS][::-1]))
    with pytest.raises(SymlossError) as caught:
        dataset.open("train")
    text = str(caught.value)
    for part in (
        "small is not on this machine (60 images of 9x9",
        "Ask for it.",
        "--data-dir or in SYMLOSS_DATA",
        *arrays,
        f"{folder} (lacks {TEST_LABELS})",
        f"{tmp_path / 'data'} (not there)",
        f"{tmp_path / 'system'} (its files are another dataset's)",
    ):
        assert part in text


def test_digits_do_not_pass_for_clothes(small, small_source, tmp_path, monkeypatch):
    dataset, _, write = small
    write(tmp_path / "data")
    monkeypatch.setenv("SYMLOSS_DATA", str(tmp_path / "data"))
    reader = IdxReader("other", (40, 20), 9, (9, 0), tuple("abcd"))
    other = small_source(reader, {"train": 40, "test": 20}, folders=("small",))
    dataset.open("train")
    with pytest.raises(SymlossError, match="its files are another dataset's"):
        other.open("train")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no idx file"),
        (b"<html>no such file</html>", "is no idx file of unsigned bytes: it starts with b'<htm'"),
        (as_idx(np.zeros((2, 3), dtype=np.uint8))[:-1], "has 17 bytes; its header announces 18"),
        (as_idx(np.zeros((2, 3), dtype=np.uint8)) + b"x", "has 19 bytes; its header announces 18"),
        (b"\0\0\x08\x03\0\0", "bytes; its header"),
        pytest.param(gzip.compress(b"\0" * 1000)[:-9], "cannot read", id="cut"),  # gzip writes the time: no stable name
        (b"\x1f\x8b" + b"x" * 50, "cannot read"),
    ],
)
def test_broken_idx_files_are_refused(content, message, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(SymlossError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        (TEST_LABELS, np.zeros(5, np.uint8), r"\(5,\); small has \(20,\)"),
        (TEST, np.zeros((20, 8, 9), np.uint8), r"\(20, 8, 9\); small has \(20, 9, 9\)"),
        (TEST, np.zeros((21, 9, 9), np.uint8), r"\(21, 9, 9\); small has \(20, 9, 9\)"),
        (TEST, np.zeros((), np.uint8), r"\(\); small has \(20, 9, 9\)"),
    ],
)
def test_file_of_another_size_is_refused(small, tmp_path, monkeypatch, name, wrong, message):
    dataset, _, write = small
    write(tmp_path / "system")
    (tmp_path / "system" / name).write_bytes(as_idx(wrong))
    with pytest.raises(SymlossError, match=f"{name} holds an array of shape {message}"):
        dataset.open("test")


def test_a_smaller_copy_is_read_and_a_check_says_so(small, tmp_path):
    dataset, arrays, write = small
    write(tmp_path / "system")
    for name in (TEST, TEST_LABELS):
        (tmp_path / "system" / name).write_bytes(as_idx(arrays[name][:8]))
    assert np.array_equal(dataset.open("test").pixels, arrays[TEST][:8])
    assert check(dataset).problems == ["test has 8 images; small has 20 there"]


def test_the_known_datasets_tell_each_other_apart():
    mnist, clothes = SOURCES["mnist"].reader, SOURCES["fashion-mnist"].reader
    assert mnist.begins[:4] == (5, 0, 4, 1)
    assert clothes.begins[:4] == (9, 0, 0, 3)
    assert [str(place) for place in SOURCES["fashion-mnist"].system] == ["/usr/share/datasets/fashion-mnist"]
