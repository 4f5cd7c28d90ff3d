from __future__ import annotations

import pickle

import numpy as np
import pytest
from torchvision.datasets import ImageFolder

from symloss.data import SOURCES, check, source_of
from symloss.data.readers import FolderLayout, FolderReader
from symloss.errors import SymlossError


@pytest.fixture
def write(data, save, noise):
    """Return a function that saves a small image at each path below the data directory."""

    def images(*paths, shape=(7, 9, 3)):
        for seed, path in enumerate(paths):
            save(data / path, noise(seed, *shape))

    return images


@pytest.mark.parametrize("root", ["malaria/cell_images", "malaria", "."])
def test_malaria_as_published(write, data, root):
    write(*(f"{root}/{c}/{n}.png" for c in ("Uninfected", "Parasitized") for n in "10"))
    (data / root / "Parasitized" / "Thumbs.db").write_bytes(b"no image")
    source = SOURCES["malaria"]
    train = source.open("train")
    assert train.labels.tolist() == [0, 0, 1, 1]
    assert train.class_names == ("Parasitized", "Uninfected")
    image, label = train[0]
    assert (image.mode, image.size, label) == ("RGB", (9, 7), 0)
    assert source.parts_in(source.find()) == ("train",)
    with pytest.raises(SymlossError, match="has no part 'test'; it has train: hold some of the training images out"):
        source.open("test")
    with pytest.raises(SymlossError, match="has no part 'tset'; did you mean 'test'"):
        source.open("tset")


def test_malaria_in_parts_has_a_test_set(write):
    write(*(f"malaria/{part}/{c}/1.png" for part in ("train", "test") for c in ("Parasitized", "Uninfected")))
    source = SOURCES["malaria"]
    assert source.parts_in(source.find()) == ("train", "test")
    assert len(source.open("test")) == 2
    assert check(source).found == 0  # the counts of the published parts do not hold for these


def test_order_and_pixels_are_torchvisions_and_survive_pickling(write, data):
    write(*(f"own/{c}/{n}.png" for c in "ba" for n in ("10", "9", "deep/1")))
    found = pickle.loads(pickle.dumps(source_of(f"imagefolder:{data / 'own'}").open("train")))
    reference = ImageFolder(data / "own")
    assert len(found) == len(reference) == 6
    for (image, label), (expected, target) in zip(found, reference, strict=True):
        assert label == target
        assert np.array_equal(np.asarray(image), np.asarray(expected))
    with pytest.raises(IndexError):
        found[6]


def test_tissues(write, data):
    names = SOURCES["colorectal-histology"].class_names
    root = "colorectal-histology/Kather_texture_2016_image_tiles_5000"
    write(*(f"{root}/{name}/tile.tif" for name in names), shape=(150, 150, 3))
    train = SOURCES["colorectal-histology"].open("train")
    assert train.labels.tolist() == list(range(8))
    assert train[3][0].size == (150, 150)
    next(iter((data / root / "08_EMPTY").iterdir())).unlink()
    (data / root / "08_EMPTY").rmdir()
    with pytest.raises(SymlossError, match=r"has no 01_TUMOR, .*in Kather_texture"):
        SOURCES["colorectal-histology"].open("train")


def test_caltechs_background_is_no_class(write):
    folders = [f"kind{n:03d}" for n in range(101)] + ["BACKGROUND_Google"]
    write(*(f"caltech-101/caltech-101/101_ObjectCategories/{name}/image_0001.jpg" for name in folders))
    train = SOURCES["caltech-101"].open("train")
    assert train.labels.tolist() == list(range(101))
    assert "BACKGROUND_Google" not in train.class_names


def test_imagenet_has_training_and_validation(write, small_source):
    write(*(f"small/{part}/n0{c}/n0{c}_1.JPEG" for part in ("train", "val") for c in range(3)))
    reader = FolderReader((FolderLayout((("train", "train"), ("val", "val"))),), classes=3)
    source = small_source(reader, {"train": 3, "val": 3}, classes=3)
    assert source.open("val").labels.tolist() == [0, 1, 2]
    assert SOURCES["imagenet-1k"].reader.layouts == reader.layouts
    assert SOURCES["imagenet-1k"].reader.lacks(source.find()) == "has no 1000 folders in train/ and val/"


def test_own_folder_with_parts(write, data):
    write(*(f"own/{part}/{c}/1.png" for part in ("train", "val") for c in "ab"))
    source = source_of(f"imagefolder:{data / 'own'}")
    assert dict(source.sizes) == {"train": 2, "val": 2}
    assert source.classes == 2
    assert source.find() == data / "own"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "there is no folder"),
        (["own/a/1.png"], "a folder for each of at least 2 classes; it holds only 'a'"),
        (["own/train/a/1.png", "own/train/b/1.png", "own/val/a/1.png"], "val must hold the classes of"),
    ],
)
def test_own_folder_that_is_none(write, data, files, message):
    write(*files)
    with pytest.raises(SymlossError, match=message):
        source_of(f"imagefolder:{data / 'own'}")


def test_broken_image_is_named(write, data):
    write("own/a/1.png", "own/b/1.png")
    (data / "own" / "b" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    images = source_of(f"imagefolder:{data / 'own'}").open("train")
    with pytest.raises(SymlossError, match=r"cannot read the image .*b/1.png"):
        images[1]


def test_real_cells(shared, monkeypatch):
    monkeypatch.setenv("SYMLOSS_DATA", str(shared("malaria").parent))
    test = SOURCES["malaria"].open("test")
    assert len(test) == 1600
    assert np.bincount(test.labels).tolist() == [800, 800]
    assert test[0][0].size == (50, 50)
