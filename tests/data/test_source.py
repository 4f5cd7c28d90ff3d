from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from symloss.data import SOURCES, source_of
from symloss.data.source import amount, data_dir
from symloss.errors import SymlossError
from symloss.tasks import DATASETS


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_missing_dataset_is_one_message(source, tmp_path, monkeypatch):
    source = replace(source, system=())
    monkeypatch.setenv("SYMLOSS_DATA", str(tmp_path))
    with pytest.raises(SymlossError) as caught:
        source.open(source.parts[0])
    text = str(caught.value)
    first = (source.folders or (source.name,))[0]
    for part in (
        f"the dataset {source.name} is not on this machine",
        f"{source.size:,} images",
        amount(source.bytes),
        source.obtain,
        source.layout,
        f"a folder {first} and name the folder above it with --data-dir or in SYMLOSS_DATA",
        f"Looked in: {tmp_path / first} (not there)",
    ):
        assert part in text
    assert "\n" not in text


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_entries_are_whole(source):
    assert source.classes >= 2
    assert source.class_names == () or len(source.class_names) == source.classes
    assert (source.task == "segmentation") == (source.ignore_index is not None)
    assert set(source.sizes) <= {"train", "val", "test"}
    assert "train" in source.sizes
    for text in (source.title, source.licence, source.citation, source.layout, source.obtain):
        assert text.strip()
    assert ("symloss datasets fetch" in source.obtain) == bool(source.files)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_downloads_are_whole(source):
    """Most addresses and checksums are torchvision's, some of them from its private attributes."""
    for file in source.files:
        kind, digits = file.checksum.split(":")
        assert len(digits) == {"md5": 32, "sha256": 64}[kind]
        assert int(digits, 16)
        assert file.url.startswith("http")
        assert "?" not in file.file
    if source.files and source.name != "coco-stuff-164k":  # whose masks have no published checksum
        assert sum(file.bytes for file in source.files) == pytest.approx(source.bytes, rel=1e-3)


def test_tasks_have_every_classification_dataset_that_fits_memory():
    expected = {name for name, source in SOURCES.items() if source.task == "classification"} - {"imagenet-1k"}
    assert set(DATASETS) == expected
    for name, dataset in DATASETS.items():
        assert (dataset.classes, dataset.size) == (SOURCES[name].classes, SOURCES[name].size)


def test_no_place_is_named(monkeypatch):
    monkeypatch.delenv("SYMLOSS_DATA", raising=False)
    assert data_dir() is None
    with pytest.raises(SymlossError, match="Looked in: no place, as none is named"):
        SOURCES["svhn"].find()


def test_home_directories_are_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SYMLOSS_DATA", "~/data")
    assert SOURCES["mnist"].places() == [tmp_path / "data" / name for name in ("mnist", "MNIST/raw", ".")]


def test_digits_come_with_scikit_learn():
    digits = SOURCES["digits"].open("train")
    assert len(digits) == 1797
    image, label = digits[0]
    assert (image.mode, image.size, label) == ("L", (8, 8), 0)
    assert image.getextrema() == (0, 239)  # 15 of 16: the first digit has no darkest pixel


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(SymlossError, match=r"unknown dataset 'cifar10'.*did you mean 'cifar-10'.*imagefolder:PATH"):
        source_of("cifar10")


def test_entries_survive_pickling():
    for source in SOURCES.values():
        again = pickle.loads(pickle.dumps(source))
        assert (again.name, again.sizes, again.reader) == (source.name, source.sizes, source.reader)


def test_registry_cannot_be_changed():
    with pytest.raises(TypeError):
        SOURCES["mine"] = SOURCES["mnist"]


@pytest.mark.parametrize(
    ("size", "text"), [(999, "999 bytes"), (57_523, "58 kB"), (170_498_071, "170 MB"), (1_999_639_040, "2.0 GB")]
)
def test_amounts(size, text):
    assert amount(size) == text


def test_importing_the_registry_imports_nothing_heavy():
    import subprocess
    import sys

    code = "import sys; from symloss.data import SOURCES\n"
    code += "[source.places() for source in SOURCES.values()]\n"
    code += "assert not {'torch', 'torchvision', 'PIL', 'scipy', 'sklearn', 'h5py'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
