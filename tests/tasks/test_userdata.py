from __future__ import annotations

import re
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from symloss.errors import SymlossError
from symloss.tasks import TaskConfig, load_task
from symloss.tasks.userdata import samples_of

X = np.random.default_rng(0).random((30, 1, 4, 5))
Y = np.arange(30) % 3


class Items(Dataset):
    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


@pytest.mark.parametrize(
    "result",
    [
        (X, Y),
        [X, Y],
        (X.astype(np.float32), Y.astype(np.uint8)),
        (torch.tensor(X, requires_grad=True), torch.tensor(Y)),
        (X[:, 0], Y),
        (X.tolist(), Y.tolist()),
        TensorDataset(torch.tensor(X), torch.tensor(Y)),
        Items(*zip(X, Y.tolist(), strict=True)),
        Items(*((torch.tensor(x), torch.tensor(int(y))) for x, y in zip(X, Y, strict=True))),
    ],
)
def test_forms_that_are_taken(result):
    samples = samples_of(result, "mine:make")
    assert samples.inputs.dtype == np.float32
    assert np.array_equal(samples.inputs, X.astype(np.float32))
    assert samples.labels.dtype == np.int64
    assert np.array_equal(samples.labels, Y)
    assert samples.classes == 3
    assert samples.range is None
    assert samples.test is None


@pytest.mark.parametrize(
    "result",
    [(X, Y, X[:6], Y[:6]), (TensorDataset(torch.tensor(X), torch.tensor(Y)), Items(*zip(X[:6], Y[:6], strict=True)))],
)
def test_official_test_sets(result):
    samples = samples_of(result, "mine:make")
    assert len(samples.inputs) == 30
    assert np.array_equal(samples.test[0], X[:6].astype(np.float32))
    assert np.array_equal(samples.test[1], Y[:6])


def test_rows_and_bytes():
    samples = samples_of((np.arange(12, dtype=np.uint8).reshape(4, 3), np.array([0, 1, 0, 1])), "mine:make")
    assert samples.inputs.shape == (4, 3)
    assert samples.inputs.dtype == np.uint8
    assert samples.range == (0, 255)
    assert samples_of((torch.zeros(4, 3, dtype=torch.bfloat16), [0, 1, 0, 1]), "mine:make").inputs.dtype == np.float32
    assert samples_of((np.eye(4) > 0, np.arange(4) > 1), "mine:make").labels.tolist() == [0, 0, 1, 1]


def test_dataset_of_images():
    colour = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    samples = samples_of(Items((Image.fromarray(colour), 0), (Image.fromarray(colour[::-1]), 1)), "mine:make")
    assert np.array_equal(samples.inputs[0], colour.transpose(2, 0, 1))
    grey = Image.fromarray(colour[..., 0])
    assert samples_of(Items((grey, 0), (grey, 1)), "mine:make").inputs.shape == (2, 1, 4, 6)


class Endless(IterableDataset):
    def __iter__(self):
        yield X[0], 0


def changed(array, place, value):
    array = array.copy()
    array[place] = value
    return array


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "returned a NoneType; it must return (inputs, labels)"),
        ((X, Y, X), "returned a tuple of 3; it must return"),
        ({"x": X}, "returned a dict"),
        (Endless(), "returned a Endless"),
        ((X, Y[:-1]), "it has 30 inputs and 29 labels"),
        ((X, Y, X[:5], Y[:6]), "it has 5 test inputs and 6 test labels"),
        ((X[:, 0, 0, 0], Y), "its inputs have the shape (30,); they must be [N, D]"),
        ((X[:0], Y[:0]), "its inputs have the shape (0, 1, 4, 5)"),
        ((X.astype(str), Y), "its inputs have the type <U"),
        ((X + 1j, Y), "its inputs have the type complex128; they must be numbers"),
        ((changed(X, (7, 0, 1, 2), np.nan), Y), "its inputs hold nan in sample 7"),
        ((changed(X, (8, 0, 1, 2), 1e39), Y), "its inputs hold inf in sample 8"),
        ((X, Y, changed(X, 3, np.inf), Y), "its test inputs hold inf in sample 3"),
        (([[1, 2], [3]], [0, 1]), "its inputs are no array"),
        ((X, Y, X[:, :, :3], Y), "test inputs have the shape (1, 3, 5) and training inputs (1, 4, 5)"),
        ((X, Y, (255 * X).astype(np.uint8), Y), "either both training and test inputs are uint8, or neither"),
        ((X, np.eye(3)[Y]), "its labels have the shape (30, 3); they must be [N]: labels.argmax(1)"),
        ((X, Y[:, None]), "its labels have the shape (30, 1)"),
        ((X, Y.astype(float)), "its labels have the type float64; they must be whole numbers"),
        ((X, Y.astype(str)), "its labels have the type <U"),
        ((X, Y - 1), "its labels hold -1; they must be 0..C-1"),
        ((X, Y * 2), "labels up to 4 and no training sample of class 1"),
        ((X, Y, X, Y + 1), "labels up to 3 and no training sample of class 3"),
        ((X, Y * 0), "has the label 0 alone; it must have at least 2 classes"),
        (Items(), "is empty"),
        (Items((X[0], 0), (X[1], "cat")), "item 1 is no pair of an input and a whole number (ValueError"),
        (Items(X[0]), "item 0 is no pair"),
        (Items((X[0], 0), (X[1, :, :2], 1)), "has inputs of 2 shapes, such as (1, 2, 5) and (1, 4, 5)"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(result, message):
    with pytest.raises(SymlossError, match=re.escape(message)) as caught:
        samples_of(result, "mine:make")
    assert "'mine:make'" in str(caught.value)


SOURCE = """
import numpy as np
CALLS = []

def make():
    CALLS.append(1)
    rng = np.random.default_rng(0)
    return 100 * rng.random((60, 5)) - 50, np.arange(60) % 3

def broken():
    return {}["no such key"]

number = 3
"""


def test_factory_in_the_current_directory(module, tmp_path):
    module(SOURCE)
    sys.path[:] = [entry for entry in sys.path if entry != ""]  # as the installed command has it
    task = load_task(TaskConfig(dataset="mine:make", scaling="unit"))
    assert sys.path[0] == str(tmp_path)
    assert task.shape == (5,)
    assert (len(task.labels), len(task.test_set()[1])) == (45, 15)
    assert (task.inputs.min(), task.inputs.max()) == (0, 1)
    load_task(TaskConfig(dataset="mine:make", scaling="unit", hidden=3))
    assert sys.modules["mine"].CALLS == [1]


def test_factory_in_a_package(module, tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").touch()
    module(SOURCE, "pack/data")
    assert load_task(TaskConfig(dataset="pack.data:make")).classes == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine:mke", r"unknown factory in mine: 'mke'; known: broken, make; did you mean 'make'"),
        ("mine:number", "'mine:number' is a int; it must be a function"),
        ("mine:broken", r"dataset factory 'mine:broken' failed: KeyError: 'no such key' \(.*mine.py, line 11\)"),
        ("nowhere.data:make", "there is no module 'nowhere'; it is looked for in the current directory"),
        ("mine.deeper:make", "there is no module 'mine.deeper'|mine.deeper"),
        ("bad_syntax:make", r"cannot be imported: SyntaxError: .*"),
        ("lacking:make", "cannot be imported: ModuleNotFoundError: No module named 'not_installed'"),
        ("exits:make", r"cannot be imported: SystemExit: 3 \(.*exits.py, line 2\)"),
    ],
)
def test_factories_that_fail_are_named(module, name, message):
    module(SOURCE)
    module("def make(:\n", "bad_syntax")
    module("import not_installed\n", "lacking")
    module("import sys\nsys.exit(3)\n", "exits")
    with pytest.raises(SymlossError, match=message) as caught:
        load_task(TaskConfig(dataset=name))
    assert name in str(caught.value)
