from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from symloss.data import Source

SHARED = Path(os.environ.get("SYMLOSS_SHARED") or Path(__file__).parents[3] / "shared" / "data")


@pytest.fixture
def shared():
    """Return a function that gives a folder of the shared real data, or skips."""

    def folder(name):
        if not (SHARED / name).is_dir():
            pytest.skip(f"the real data are not in {SHARED / name}; SYMLOSS_SHARED can name the folder above")
        return SHARED / name

    return folder


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Return an empty folder which SYMLOSS_DATA names."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("SYMLOSS_DATA", str(folder))
    return folder


@pytest.fixture
def small_source():
    """Return a function that makes a source of few images, called "small"."""

    def make(reader, sizes, task="classification", classes=4, shape=None, **others):
        return Source(
            name="small",
            title="small images",
            task=task,
            classes=classes,
            sizes=sizes,
            shape=shape,
            licence="none",
            citation="nobody 2026",
            layout="train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte",
            obtain="Ask for it",
            reader=reader,
            bytes=1_500_000,
            **others,
        )

    return make


@pytest.fixture
def save():
    """Return a function that saves an array or an image at a path, whose folders it makes."""

    def write(path, content, **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(content) if isinstance(content, np.ndarray) else content
        image.save(path, **options)
        return path

    return write


@pytest.fixture
def noise():
    """Return a function that makes an array of random bytes."""
    return lambda seed, *shape: np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
