"""Settings of all tests."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings

# Continuous integration repeats the same examples, so that a red run is the change's fault; at a desk they vary.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("desk", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

#: A search of two generations, of which a test can have a finished copy or one that stopped in the second.
SMALL: dict[str, Any] = {"budget": 12, "generation_size": 6, "finalists": 4, "discovered": 3, "audit_seeds": 3}
SMALL |= {"repeats": 1, "last_seeds": 5}


class Cut(Exception):
    """Ends a search in its second generation."""


@pytest.fixture(scope="session")
def _small_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import symloss
    from symloss.search import Progress
    from symloss.tasks import TaskConfig

    folder = tmp_path_factory.mktemp("runs")

    def cut(progress: Progress) -> None:
        if progress.generation == 1 and progress.phase == "training":
            # As a kill would leave it: what was written last is in the log beside the database.
            shutil.copytree(folder / "cut", folder / "killed", dirs_exist_ok=True)
            raise Cut

    begin = {"tasks": TaskConfig(steps=30), "device": "cpu", **SMALL}
    symloss.evolve("default", run_dir=folder / "whole", **begin).close()
    with pytest.raises(Cut):
        symloss.evolve("default", run_dir=folder / "cut", observer=cut, **begin)
    return folder


@pytest.fixture(scope="session")
def load_script() -> Callable[[Path], ModuleType]:
    """Return what loads a script of the experiments or the documentation, which is in no package."""

    def load(path: Path) -> ModuleType:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def run_copy(_small_runs: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that copies a small run: ``"whole"``, which has ended, or ``"killed"``, which has not."""

    def copy(kind: str, target: Path | None = None) -> Path:
        return Path(shutil.copytree(_small_runs / kind, target or tmp_path / kind, dirs_exist_ok=True))

    return copy


@pytest.fixture
def result_of() -> Callable[[Path], dict[str, Any]]:
    """Return a function that reads what a run found, but for its name and its seconds."""
    import json

    def read(folder: Path) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((folder / "hall_of_fame.json").read_text())
        return {key: value for key, value in found.items() if key not in ("run", "seconds")}

    return read
