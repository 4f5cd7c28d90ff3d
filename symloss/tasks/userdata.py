"""What a user's dataset factory returned, checked and brought to one form."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from symloss.errors import SymlossError
from symloss.runtime import users_code
from symloss.tasks.samples import Samples

_FORMS = (
    "(inputs, labels), (train_inputs, train_labels, test_inputs, test_labels), a torch Dataset, or a pair of Datasets "
    "for training and test"
)


def samples_of(result: Any, name: str) -> Samples:
    """Return the samples of what the dataset factory ``name`` returned.

    Args:
        result: ``(inputs, labels)`` or ``(train_inputs, train_labels, test_inputs, test_labels)`` as numpy arrays or
            tensors; a map-style torch Dataset of ``(input, label)``; or a pair of them, for training and test.
            Inputs are ``[N, D]``, images ``[N, channels, height, width]``, or ``[N, height, width]``, which get one
            channel; uint8 stands for 0 to 255, and of other types the range is unknown. Labels are ``[N]``, whole
            numbers in ``0..C-1``.
        name: for messages.

    Raises:
        SymlossError: it is none of these, or shapes, values or labels do not fit.
    """
    if isinstance(result, list):
        result = tuple(result)
    if _is_dataset(result):
        result = _items(result, name)
    elif isinstance(result, tuple) and len(result) == 2 and all(map(_is_dataset, result)):
        result = (*_items(result[0], name), *_items(result[1], name))
    if not isinstance(result, tuple) or len(result) not in (2, 4):
        what = f"a tuple of {len(result)}" if isinstance(result, tuple) else f"a {type(result).__name__}"
        raise SymlossError(f"dataset factory {name!r} returned {what}; it must return {_FORMS}")
    inputs, labels = _inputs(result[0], "inputs", name), _labels(result[1], "labels", name)
    _same_length(inputs, labels, "", name)
    test = None
    classes = int(labels.max()) + 1
    if len(result) == 4:
        test = _inputs(result[2], "test inputs", name), _labels(result[3], "test labels", name)
        _same_length(*test, "test ", name)
        if test[0].shape[1:] != inputs.shape[1:]:
            raise SymlossError(
                f"dataset {name!r}: test inputs have the shape {test[0].shape[1:]} and training inputs "
                f"{inputs.shape[1:]}; they must be the same"
            )
        if (test[0].dtype == np.uint8) != (inputs.dtype == np.uint8):
            raise SymlossError(f"dataset {name!r}: either both training and test inputs are uint8, or neither")
        classes = max(classes, int(test[1].max()) + 1)
    counts = np.bincount(labels, minlength=classes)
    if classes < 2:
        raise SymlossError(f"dataset {name!r} has the label 0 alone; it must have at least 2 classes")
    if counts.min() == 0:
        raise SymlossError(
            f"dataset {name!r} has labels up to {classes - 1} and no training sample of class {int(counts.argmin())}; "
            "labels must be 0..C-1 without gaps"
        )
    return Samples(inputs, labels, classes, (0.0, 255.0) if inputs.dtype == np.uint8 else None, test)


def _is_dataset(value: object) -> bool:
    """Return whether a value can be read item by item, as map-style Datasets can."""
    plain = isinstance(value, tuple | list | dict | str | bytes | np.ndarray) or hasattr(value, "numpy")
    return not plain and hasattr(value, "__getitem__") and hasattr(value, "__len__")


def _items(dataset: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    inputs, labels = [], []
    for index in range(len(dataset)):
        with users_code("dataset", name, f"at item {index}"):
            pair = dataset[index]
        try:
            item, label = pair
            inputs.append(_item(item))
            labels.append(int(label))
            if labels[-1] != label:
                raise ValueError(f"the label {label!r}")
        except Exception as error:
            raise SymlossError(
                f"dataset {name!r}: item {index} is no pair of an input and a whole number ({type(error).__name__}: "
                f"{error}); a torch Dataset must give (input, label)"
            ) from error
    if not inputs:
        raise SymlossError(f"dataset {name!r} is empty")
    shapes = sorted({value.shape for value in inputs})
    if len(shapes) > 1:
        raise SymlossError(
            f"dataset {name!r} has inputs of {len(shapes)} shapes, such as {shapes[0]} and {shapes[-1]}; "
            "bring them to one, with torchvision.transforms.Resize for images"
        )
    return np.stack(inputs), np.array(labels)


def _item(value: Any) -> np.ndarray:
    images = sys.modules.get("PIL.Image")  # where it is not imported there is no image
    if images is not None and isinstance(value, images.Image):
        from symloss.data.pixels import image_pixels

        return image_pixels(value, "L" if value.mode in ("1", "L", "LA") or value.mode.startswith("I;16") else "RGB")
    return _array(value)


def _array(value: Any) -> np.ndarray:
    """Return an array or a tensor, on whatever device and of whatever type, as a numpy array."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if value.dtype.is_floating_point:
            value = value.float()  # numpy has no bfloat16
    return np.asarray(value)


def _inputs(value: Any, what: str, name: str) -> np.ndarray:
    try:
        array = _array(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise SymlossError(f"dataset {name!r}: its {what} are no array: {error}") from error
    if array.dtype.kind not in "buif":
        raise SymlossError(f"dataset {name!r}: its {what} have the type {array.dtype}; they must be numbers")
    if array.ndim < 2 or 0 in array.shape:
        raise SymlossError(
            f"dataset {name!r}: its {what} have the shape {array.shape}; they must be [N, D] or "
            "[N, channels, height, width], and not empty"
        )
    if array.dtype != np.uint8:
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
        if not np.isfinite(array).all():
            place = np.argwhere(~np.isfinite(array))[0]
            raise SymlossError(
                f"dataset {name!r}: its {what} hold {array[tuple(place)]} in sample {place[0]}; every value must be a "
                "finite float32"
            )
    return array[:, None] if array.ndim == 3 else array


def _labels(value: Any, what: str, name: str) -> np.ndarray:
    try:
        array = _array(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise SymlossError(f"dataset {name!r}: its {what} are no array: {error}") from error
    if array.ndim != 1:
        fix = "labels.argmax(1) makes indices of one-hot rows" if array.ndim == 2 else "one class index a sample"
        raise SymlossError(f"dataset {name!r}: its {what} have the shape {array.shape}; they must be [N]: {fix}")
    if array.dtype.kind not in "bui":
        raise SymlossError(
            f"dataset {name!r}: its {what} have the type {array.dtype}; they must be whole numbers 0..C-1, such as "
            "numpy.unique(labels, return_inverse=True)[1]"
        )
    if len(array) and array.min() < 0:
        raise SymlossError(f"dataset {name!r}: its {what} hold {array.min()}; they must be 0..C-1")
    return array.astype(np.int64)


def _same_length(inputs: np.ndarray, labels: np.ndarray, what: str, name: str) -> None:
    if len(inputs) != len(labels):
        raise SymlossError(
            f"dataset {name!r}: it has {len(inputs):,} {what}inputs and {len(labels):,} {what}labels; "
            "there must be one label for each input"
        )
