"""The measurement of what kills leave behind, with few of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "quality" / "kills.py"

# Python 3.12 warns of forks beside threads, which torch has.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


@pytest.fixture(scope="module")
def kills() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kills", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_killed_searches_end_like_one_that_nothing_stopped(kills: ModuleType, tmp_path: Path) -> None:
    lines, good = kills.measure(2, 0, 2, tmp_path)
    assert good
    assert lines[-1] == "2 of 2 resumed to the identical result"
    assert sum(int(line.rpartition(" ")[2]) for line in lines if line.startswith("killed ")) == 2


def test_another_result_would_be_noticed(kills: ModuleType, run_copy: Callable[..., Path]) -> None:
    run = run_copy("whole")
    expected = kills.content(run)
    assert kills.content(run) == expected
    for name, old, new in (("hall_of_fame.json", "0.1", "0.2"), ("hall_of_fame.csv", "ngl", "NGL")):
        file = run / name
        text = file.read_text()
        file.write_text(text.replace(old, new, 1))
        assert kills.content(run) != expected
        file.write_text(text)
