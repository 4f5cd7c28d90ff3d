"""A whole search in one call."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import symloss
from symloss.errors import SymlossError
from symloss.search import Progress
from symloss.tasks import TaskConfig

#: A search of two generations.
TINY = {"budget": 12, "generation_size": 6, "finalists": 4, "discovered": 3, "audit_seeds": 3}
TINY |= {"repeats": 1, "last_seeds": 5}
TASK = TaskConfig(steps=30)


def essence(run: symloss.Run) -> dict[str, Any]:
    result = run.result()
    assert result is not None
    return {key: value for key, value in result.items() if key not in ("run", "seconds")}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("plain") / "run"
    return essence(symloss.evolve("default", TASK, run_dir=folder, device="cpu", **TINY))


def test_the_result_is_what_the_command_writes(plain: dict[str, Any]) -> None:
    assert plain["counts"]["trained"] == 12
    assert plain["hall_of_fame"][0]["rank"] == 1
    assert plain["stopped"] == "budget"
    assert plain["noise"]["last_seeds"] == 5
    assert plain["control"] == []


def test_two_workers_find_the_same_bit_for_bit(plain: dict[str, Any], tmp_path: Path) -> None:
    assert essence(symloss.evolve("default", TASK, run_dir=tmp_path / "run", device="cpu", workers=2, **TINY)) == plain


def test_several_tasks_several_metrics_and_a_control(tmp_path: Path) -> None:
    tasks = [
        TaskConfig(steps=30, metrics=("accuracy", "ece")),
        TaskConfig(steps=20, model="cnn", batch=32, engine="single", metrics=("accuracy", "ece")),
    ]
    phases: set[str] = set()

    def observe(progress: Progress) -> None:
        phases.add(progress.phase)

    run = symloss.evolve("default", tasks, run_dir=tmp_path / "run", control="random", observer=observe, **TINY)
    result = essence(run)
    assert {"noise", "screening", "training", "final rung", "control", "comparison"} <= phases
    assert result["control_counts"]["trained"] == result["counts"]["trained"] == 12
    assert [row["loss"] for row in result["control"]] == ["random #1"]
    for row in (*result["hall_of_fame"], *result["control"], *result["baselines"]):
        assert [(part["dataset"], part["model"]) for part in row["tasks"]] == [("digits", "mlp"), ("digits", "cnn")]
        assert all(part["metrics"]["ece"]["test"]["n"] == 3 for part in row["tasks"])
        assert row["test"] == row["tasks"][0]["test"]
        assert row["tasks"][0]["test"] != row["tasks"][1]["test"]
    for candidate in run.database.load_scores(0).values():
        assert len(candidate) == 2  # tasks
        assert all(len(metrics) == 2 for metrics in candidate)


def test_the_same_run_with_a_killed_process_in_between(plain: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    code = f"""
import os, signal, symloss
from symloss.tasks import TaskConfig
def observe(progress):
    if progress.phase == "training" and progress.trained >= 6:
        os.kill(os.getpid(), signal.SIGKILL)
symloss.evolve("default", TaskConfig(steps=30), run_dir={str(folder)!r}, device="cpu", observer=observe, **{TINY})
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert essence(symloss.resume(folder)) == plain


def test_a_time_limit_ends_in_time_and_a_resumed_run_keeps_the_clock(tmp_path: Path) -> None:
    settings = {key: value for key, value in TINY.items() if key != "budget"}
    run = symloss.evolve("default", TASK, run_dir=tmp_path / "run", budget=None, seconds=12.0, **settings)
    result = essence(run)
    assert result["stopped"] == "time"
    assert result["counts"]["trained"] >= 12
    assert run.database.load_seconds() < 20
    assert symloss.resume(tmp_path / "run").result() == run.result()


def test_a_plateau_ends_the_search(tmp_path: Path) -> None:
    # One step of training leaves every loss at chance: nothing can improve for long.
    run = symloss.evolve(
        "default", TaskConfig(steps=1), run_dir=tmp_path / "run", **(TINY | {"budget": 600, "patience": 2})
    )
    result = essence(run)
    assert result["stopped"] == "plateau"
    assert result["counts"]["trained"] < 300


def test_a_generation_that_fell_short_is_made_up_for(tmp_path: Path) -> None:
    """Evomal's constants are a list, so there is nothing to tune, and the strategy has those places."""
    run = symloss.evolve("evomal", TaskConfig(steps=5), run_dir=tmp_path / "run", **(TINY | {"budget": 40}))
    assert essence(run)["counts"]["trained"] == 40


def test_a_control_of_nothing_is_nothing(tmp_path: Path) -> None:
    grammar = tmp_path / "poor.yaml"
    grammar.write_text("name: poor\nstart: e\nrules:\n  e:\n    - y_pred + y_true\n    - y_pred\n")
    result = essence(symloss.evolve(grammar, TASK, run_dir=tmp_path / "run", control="random", **TINY))
    assert result["stopped"] == "exhausted"
    assert result["control"] == result["hall_of_fame"] == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget": None}, "neither a budget nor a time limit"),
        ({"strategy": "randon"}, "unknown strategy 'randon'.*did you mean 'random'"),
        ({"strategy": "cmaes"}, "cmaes needs a grammar of one form"),
        ({"control": "rondom"}, "unknown control"),
        ({"baselines": ("ce", "cee")}, "unknown loss 'cee'"),
        ({"budgets": 3}, "unknown search setting 'budgets'.*did you mean 'budget'"),
        ({"seconds": -1.0}, "time limit is -1.0"),
        ({"device": "cuda:77"}, "cuda:77"),
        ({"tasks": []}, "no task"),
        ({"tasks": [TASK, TASK]}, "one task twice"),
        ({"tasks": "digits"}, "a task is 'd'; give TaskConfig"),
        ({"tasks": TaskConfig(metrics=("ece",))}, "add a metric, such as accuracy,ece"),
        ({"workers": 0}, "workers is 0"),
        ({"tasks": [TASK, TaskConfig(metrics=("ece",))]}, "different metrics"),
    ],
)
def test_what_cannot_start_leaves_no_directory(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SymlossError, match=message):
        symloss.evolve("default", run_dir=tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_a_search_that_fails_gives_its_run_free(plain: dict[str, Any], tmp_path: Path) -> None:
    """A notebook goes on with it in the same process, and may hold the error for long."""

    def fail(progress: Progress) -> None:
        if progress.phase == "training":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as error:
        symloss.evolve("default", TASK, run_dir=tmp_path / "run", device="cpu", observer=fail, **TINY)
    run = symloss.resume(tmp_path / "run")
    assert essence(run) == plain
    run.close()
    assert error.value.__traceback__ is not None
