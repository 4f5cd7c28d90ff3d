from __future__ import annotations

import os
import pickle
import struct
from dataclasses import replace

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

from symloss.data import SOURCES
from symloss.data.readers.cifar import pickled_batch, pickled_meta, read_pickle
from symloss.errors import SymlossError

NAMES = list(SOURCES["cifar-10"].class_names)


def of_python_2(content):
    """Pickle a dict as Python 2 did in protocol 2: every string, and the bytes of an array, as a byte string."""

    def write(value):
        if isinstance(value, str | bytes):
            raw = value.encode() if isinstance(value, str) else value
            return b"T" + struct.pack("<I", len(raw)) + raw
        if isinstance(value, bool | None):
            return {True: b"\x88", False: b"\x89", None: b"N"}[value]
        if isinstance(value, int):
            return b"J" + struct.pack("<i", value)
        if isinstance(value, list):
            return b"](" + b"".join(map(write, value)) + b"e"
        if isinstance(value, tuple):
            return b"(" + b"".join(map(write, value)) + b"t"
        if isinstance(value, dict):
            return b"}(" + b"".join(write(key) + write(entry) for key, entry in value.items()) + b"u"
        array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
        kind = b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR" + write((3, "|", None, None, None, -1, -1, 0)) + b"b"
        return array + b"(K\x01" + write(value.shape) + kind + b"\x89" + write(value.tobytes()) + b"tb"

    return b"\x80\x02" + write(content) + b"."


def batch(noise, seed, count=4):
    return {
        "batch_label": f"batch {seed}",
        "labels": [(seed + row) % 10 for row in range(count)],
        "data": noise(seed, count, 3072),
        "filenames": [f"{row}.png" for row in range(count)],
    }


FORMS = {
    "python 2": of_python_2,
    "python 3": lambda content: pickle.dumps(content, protocol=2),
    "bytes as keys": lambda content: pickle.dumps({key.encode(): value for key, value in content.items()}, protocol=4),
}


@pytest.fixture
def cifar(data, noise):
    """Return a function that writes CIFAR-10 with four images a batch, and the batches."""
    batches = {f"data_batch_{n}": batch(noise, n) for n in range(1, 6)} | {"test_batch": batch(noise, 6)}

    def write(form=FORMS["python 2"]):
        folder = data / "cifar-10-batches-py"
        folder.mkdir()
        for name, content in batches.items():
            (folder / name).write_bytes(form(content))
        meta = {"num_cases_per_batch": 4, "label_names": NAMES, "num_vis": 3072}
        (folder / "batches.meta").write_bytes(form(meta))
        return folder

    return write, batches


@pytest.mark.parametrize("form", FORMS)
def test_official_and_converted_files_are_read(cifar, form):
    write, batches = cifar
    write(FORMS[form])
    train, test = SOURCES["cifar-10"].open("train"), SOURCES["cifar-10"].open("test")
    assert len(train) == 20
    assert train.class_names == tuple(NAMES)
    assert train.labels.tolist() == [label for n in range(1, 6) for label in batches[f"data_batch_{n}"]["labels"]]
    image, label = test[2]
    assert label == batches["test_batch"]["labels"][2]
    # The official order: 1,024 values of red, then green, then blue, each row by row.
    red, green, blue = batches["test_batch"]["data"][2].reshape(3, 1024)
    assert image.getpixel((5, 7)) == (red[7 * 32 + 5], green[7 * 32 + 5], blue[7 * 32 + 5])


def test_images_are_torchvisions(cifar, data, monkeypatch):
    """torchvision wants the checksums of the official files; past them it reads the same."""
    write, _ = cifar
    write(FORMS["python 3"])
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *arguments: True)
    for part in ("train", "test"):
        reference, found = CIFAR10(data, train=part == "train"), SOURCES["cifar-10"].open(part)
        assert np.array_equal(reference.data, found.pixels)
        assert reference.targets == found.labels.tolist()
        assert tuple(reference.classes) == found.class_names


def test_written_batches_are_what_torchvision_expects(noise):
    data = noise(0, 3, 3072)
    content = pickle.loads(pickled_batch("training batch 1 of 5", data, [1, 2, 3], ["a", "b", "c"]), encoding="latin1")
    assert list(content) == ["batch_label", "labels", "data", "filenames"]
    assert np.array_equal(content["data"], data)
    assert pickle.loads(pickled_meta(NAMES, 3), encoding="latin1")["label_names"] == NAMES
    assert pickled_batch("", data, [1, 2, 3], [])[:2] == b"\x80\x02"


def test_cifar_100_has_its_fine_labels(data, noise):
    folder = data / "cifar-100-python"
    folder.mkdir()
    content = {"fine_labels": [99, 0], "coarse_labels": [1, 2], "data": noise(0, 2, 3072)}
    for name in ("train", "test"):
        (folder / name).write_bytes(of_python_2(content))
    (folder / "meta").write_bytes(of_python_2({"fine_label_names": [f"kind {n}" for n in range(100)]}))
    assert SOURCES["cifar-100"].open("test").labels.tolist() == [99, 0]


class Harmful:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "harmful",
    [
        Harmful(os.system, ("touch harmed",)),
        Harmful(eval, ("open('harmed', 'w')",)),
        Harmful(np.load, ("harmed",)),
        Harmful(np.fromstring, ("1", "uint8")),
        Harmful(__import__("_codecs").encode, ("text", "rot13")),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_nothing_in_a_file_is_run(harmful, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "batch").write_bytes(pickle.dumps({"labels": [1], "data": harmful}, protocol=protocol))
    with pytest.raises(SymlossError, match="is no file of CIFAR: it"):
        read_pickle(tmp_path / "batch")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no file of CIFAR"),
        (b"<html>", "is no file of CIFAR"),
        (pickle.dumps([1]), "holds a list and no dict"),
        (pickle.dumps({"data": np.zeros((2, 3072)), "labels": [0, 1]}), "array of type 'f8' instead of bytes"),
        (pickle.dumps({"data": np.zeros((2, 3071), np.uint8), "labels": [0, 1]}), r"shape \[N, 3072\]"),
        (pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [0, 10]}), "list of 2 numbers from 0 to 9"),
        (pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [0]}), "list of 2 numbers from 0 to 9"),
        (pickle.dumps({"data": np.zeros((2, 3072), np.uint8)}), "list of 2 numbers from 0 to 9"),
    ],
)
def test_broken_files_are_refused(cifar, content, message):
    write, _ = cifar
    (write() / "data_batch_3").write_bytes(content)
    with pytest.raises(SymlossError, match=message) as caught:
        SOURCES["cifar-10"].open("train")
    assert "data_batch_3" in str(caught.value)


def test_files_that_are_not_there_are_named(cifar):
    write, _ = cifar
    folder = write()
    (folder / "test_batch").unlink()
    with pytest.raises(SymlossError, match=r"cifar-10-batches-py \(lacks test_batch\)"):
        SOURCES["cifar-10"].find()
    assert replace(SOURCES["cifar-10"], folders=()).places()[0].name == "cifar-10"
