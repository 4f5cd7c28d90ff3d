from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from symloss.losses import find
from symloss.training import Recipe


@pytest.fixture
def ce():
    return find("ce")


@pytest.fixture
def streets(tmp_path, monkeypatch):
    """CamVid in small: images of 24x32, three classes as stripes, some pixels void; 12, 4 and 6 of them."""
    random = np.random.default_rng(0)
    for part, count in (("train", 12), ("val", 4), ("test", 6)):
        for kind in (part, f"{part}annot"):
            (tmp_path / "camvid" / kind).mkdir(parents=True)
        for index in range(count):
            mask = np.repeat(random.integers(0, 3, 8), 4)[None].repeat(24, 0).astype(np.uint8)
            pixels = (80 * mask[..., None] + random.integers(0, 40, (24, 32, 3))).astype(np.uint8)
            mask[random.random((24, 32)) < 0.1 * (index % 4)] = 11
            name = f"{index:02}.png"
            Image.fromarray(pixels).save(tmp_path / "camvid" / part / name)
            Image.fromarray(mask).save(tmp_path / "camvid" / f"{part}annot" / name)
    monkeypatch.setenv("SYMLOSS_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes images, ``{"part/class/name": (height, width)}``, and returns the dataset."""

    def write(sizes):
        random = np.random.default_rng(1)
        for name, size in sizes.items():
            path = tmp_path / "images" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)
        return f"imagefolder:{tmp_path / 'images'}"

    return write


@pytest.fixture
def small():
    """Return a function for recipes that train in a moment."""

    def make(**changes):
        values = {
            "dataset": "digits",
            "model": "mlp",
            "hidden": 16,
            "epochs": 2,
            "batch": 32,
            "images": 160,
            "lr": 0.05,
        }
        return Recipe.from_dict(values | changes)

    return make
