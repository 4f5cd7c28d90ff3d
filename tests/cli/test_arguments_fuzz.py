"""The command line takes any arguments: it does what they say, or says what is wrong, and never shows a traceback."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symloss.api
import symloss.benchmark
from symloss.errors import SymlossError

COMMANDS = ["evolve", "benchmark", "show", "export", "report", "losses", "grammars", "nonsense"]
OPTIONS = (
    "--dataset --model --budget --time --seed --steps --batch --lr --label-noise --metric --device --baselines --seeds"
)
OPTIONS += " --run-dir --resume --json --config --to -o --classes --smoke --no-such"
VALUES = [
    "",
    "0",
    "-1",
    "nan",
    "inf",
    "1e999",
    "9" * 5_000,
    "٣",
    "default",
    "ce",
    "focal(gamma=nan)",
    "focal(",
    "run:1",
]
VALUES += [
    "a:" + "9" * 5_000,
    "\0:1",
    "y_pred",
    "-y_true*log(y_pred",
    "(" * 3_000,
    "9**9**9**9",
    "no.module:make",
    "imagefolder:",
]
VALUES += ["../../x", "/", ".", "é", "\udcff", "\x1b[31m", "a\nb", "x" * 5_000]
WORDS = st.lists(st.sampled_from([*OPTIONS.split(), *VALUES]), max_size=5)

HANG = 2.0


def _stop(*_: object, **__: object) -> None:
    raise SymlossError("training starts here")


@pytest.fixture
def untrained(symloss: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setattr("symloss.api.finish", _stop)
    monkeypatch.setattr("symloss.benchmark.run", _stop)
    symloss("show", "ce")  # what is imported at first takes its time
    return symloss


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(COMMANDS), WORDS)
def test_any_arguments(untrained: Callable[..., Any], command: str, words: list[str]) -> None:
    outcome = untrained(command, *words)
    assert outcome.code in (0, 2)
    assert "Traceback" not in outcome.err
    assert len(outcome.err) < 20_000
    assert outcome.code == 0 or outcome.err.strip()


@pytest.mark.parametrize(
    "words",
    [
        ["show", "(" * 1_000_000],
        ["show", "9**9**9**9"],
        ["show", "x" * 1_000_000 + ":1"],
        ["export", "y_pred:" + "9" * 5_000],
        ["export", "focal(" + "gamma=1," * 20_000 + ")"],
        ["losses", "--json", "/" + "x" * 5_000],
        ["grammars", "check", "x" * 100_000],
        ["show", "ce", "--classes", "9" * 100_000],
        ["report", "\0"],
    ],
)
def test_bombs_are_refused_at_once(untrained: Callable[..., Any], words: list[str]) -> None:
    begun = time.process_time()
    outcome = untrained(*words)
    assert time.process_time() - begun < HANG
    assert outcome.code == 2
    assert "Traceback" not in outcome.err
    assert outcome.err.strip()


def test_the_stand_ins_are_what_the_commands_call() -> None:
    assert symloss.api.finish
    assert symloss.benchmark.run
