"""The measurement of what kills leave behind, with few of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "quality" / "kills.py"


@pytest.fixture(scope="module")
def kills(load_script: Callable[[Path], ModuleType]) -> ModuleType:
    return load_script(SCRIPT)


def test_killed_searches_end_like_one_that_nothing_stopped(tmp_path: Path) -> None:
    # A process of its own: the script forks, and the one that runs the tests has threads.
    command = [sys.executable, str(SCRIPT), "--kills", "2", "--with-workers", "0", "--seed", "2"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=600)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "2 of 2 resumed to the identical result" in lines
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
