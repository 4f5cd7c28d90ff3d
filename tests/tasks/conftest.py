from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from symloss.tasks.task import _load_data, load_task

SHARED = Path(os.environ.get("SYMLOSS_SHARED") or Path(__file__).parents[3] / "shared" / "data")


@pytest.fixture
def fresh():
    """Forget loaded data, which tests of the same name would share."""
    load_task.cache_clear()
    _load_data.cache_clear()
    yield
    load_task.cache_clear()
    _load_data.cache_clear()


@pytest.fixture
def module(tmp_path, monkeypatch, fresh):
    """Return a function that writes a module of the user's own into the current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)

    def write(source, name="mine"):
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        sys.modules.pop(name, None)
        return name

    yield write
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def images(tmp_path):
    """Return a function that writes ``{"class/file.png": array or image}`` below a folder and returns the folder."""

    def write(files):
        root = tmp_path / "images"
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                (Image.fromarray(content) if isinstance(content, np.ndarray) else content).save(path)
        return root

    return write


@pytest.fixture
def malaria():
    folder = SHARED / "malaria"
    if not folder.is_dir():
        pytest.skip(f"the malaria images are not in {folder}")
    return folder
