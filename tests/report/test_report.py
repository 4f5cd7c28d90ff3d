"""What a person reads."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import pytest
from rich.console import Console

from symloss.benchmark import Progress as CellProgress
from symloss.benchmark import combine
from symloss.report import CellBar, LiveView, benchmark_tables, evolve_summary
from symloss.search import Progress

EXPERIMENT = combine(["digits"], ["mlp"])[0]


def console(terminal: bool = False, width: int = 80) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None, legacy_windows=False)


def text_of(target: Console) -> str:
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


def row(name: str, mean: float, gain: float | None, p: float = 0.00001) -> dict[str, Any]:
    score = {"mean": mean, "std": 0.01, "n": 12, "ci95": [mean - 0.002, mean + 0.002], "scores": [mean] * 12}
    return {
        "rank": 1,
        "loss": name,
        "expression": "exp(-y_pred*(1 + y_true))",
        "latex": r"e^{-p \left(1 + y\right)}",
        "size": 7,
        "validation": score,
        "test": score,
        "gain": None if gain is None else {"mean": gain, "p": p, "p_holm": p, "ci95": [0, 1]},
        "dataset": "digits",
        "model": "mlp",
        "metric": "accuracy",
        "metrics": {},
    }


def result(found: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "run": "runs/x",
        "config": {"tasks": [{"dataset": "digits", "model": "mlp", "metrics": ["accuracy"]}]},
        "counts": {"drawn": 20100, "duplicates": 5, "rejected": {"finite": 7, "duplicate": 5}, "trained": 1280},
        "stopped": "plateau",
        "noise": {"std": 0.0071, "last_seeds": 25},
        "seconds": 99.5,
        "hall_of_fame": found,
        "control": [],
        "control_counts": None,
        "baselines": [row("ce", 0.96, None)],
    }


def test_the_summary_shows_every_number_that_it_was_given() -> None:
    target = console()
    for part in evolve_summary(result([row("#1", 0.98, 0.02)])):
        target.print(part)
    shown = text_of(target)
    for expected in (
        "#1",
        "exp(-y_pred*(1 + y_true))",
        r"e^{-p \left(1 + y\right)}",
        "98.00 [97.80, 98.20]",
        "+2.00",
        "< 1e-4",
        "baseline",
        "12 fresh seeds",
        "20,100 candidates drawn",
        "5 duplicates",
        "finite 7",
        "1,280 trained",
        "ended by a plateau",
        "standard deviation of 0.71 points over seeds, so the last rung had 25",
        "symloss evolve --resume runs/x",
        "symloss show runs/x:1",
        "symloss export runs/x:1",
    ):
        assert expected in " ".join(shown.split())
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_every_task_has_a_table_and_every_further_metric_a_column() -> None:
    whole = result([row("#1", 0.98, 0.02)])
    whole["config"]["tasks"] = [
        {"dataset": name, "model": "cnn", "metrics": ["accuracy", "ece"]} for name in ("digits", "mnist")
    ]
    whole["control"] = [row("random #1", 0.97, 0.01)]
    whole["control_counts"] = whole["counts"] | {"trained": 1279}
    score = row("x", 0.123, None)["test"]
    for one in (*whole["hall_of_fame"], *whole["control"], *whole["baselines"]):
        part = {"scale": 1.0, "validation": score, "test": score, "gain": None, "metrics": {"ece": {"test": score}}}
        one["tasks"] = [part, part | {"test": row("x", 0.456, None)["test"]}]
    target = console(width=120)
    for part in evolve_summary(whole):
        target.print(part)
    shown = " ".join(text_of(target).split())
    for expected in ("digits, cnn, accuracy", "mnist, cnn, accuracy", "ece, test %", "random #1", "1,279 trained"):
        assert expected in shown
    assert shown.count("45.60 [45.40, 45.80]") == 3


def test_an_empty_hall_of_fame_says_what_to_do() -> None:
    target = console()
    for part in evolve_summary(result([])):
        target.print(part)
    assert "widen the grammar" in text_of(target)
    assert "symloss show" not in text_of(target)


def test_the_benchmark_has_a_table_for_each_dataset() -> None:
    rows = [row("ce", 0.9, None), row("ngl", 0.91, 0.01, p=0.2)]
    target = console()
    others = [r | {"dataset": "other", "model": model} for model in ("a", "b") for r in rows]
    for part in benchmark_tables({"results": rows + others}):
        target.print(part)
    shown = text_of(target)
    assert "digits, mlp: accuracy over 12 seeds" in shown
    assert "other, a: accuracy over 12 seeds" in shown
    assert "other, b: accuracy over 12 seeds" in shown
    assert "0.2000" in shown


def progress() -> Progress:
    state = Progress(generations=3, budget=20, drawn=1234, trained=8, work_done=1.0, work_total=4.0)
    state.rejected = Counter({"duplicate": 11, "finite": 7})
    state.best, state.baseline, state.best_formula = 0.99, 0.97, "exp(-y_pred)" * 20
    return state


def test_a_file_gets_one_line_a_phase() -> None:
    target = console()
    with LiveView(target) as view:
        state = progress()
        for _ in range(5):
            view(state)
        state.phase = "training"
        view(state)
        state.phase, state.generation = "screening", 1
        view(state)
    lines = text_of(target).splitlines()
    assert len(lines) == 2
    assert "drawn 1,234; duplicates 11; rejected 7; trained 8" in lines[0]
    assert "best 99.00 % validation accuracy, ce 97.00 %" in lines[0]
    assert "left" in lines[0]


def test_a_terminal_gets_a_panel_that_fits() -> None:
    target = console(terminal=True)
    with LiveView(target) as view:
        view(progress())
    shown = text_of(target)
    for expected in ("generation", "1 of 3", "1,234", "finite 7", "8 of 20", "99.00 %"):
        assert expected in shown


def cells() -> CellProgress:
    state = CellProgress()
    state.plan(EXPERIMENT, 10)
    state.found(EXPERIMENT, 4)
    state.what = "digits"
    state.finished(EXPERIMENT, 2, 6.0)
    return state


def test_the_bar_counts_cells_and_the_time_left() -> None:
    shown = console(terminal=True)
    with CellBar(shown) as bar:
        bar(cells())
    # 4 are left, and the last two took 3 seconds each.
    assert "digits: 6 of 10 cells, 4 found finished, about 12 s left" in text_of(shown)


def test_the_bar_is_quiet_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    target = console()
    now = 1000.0
    monkeypatch.setattr("symloss.report.live.time.monotonic", lambda: now)
    with CellBar(target) as bar:
        for _ in range(61):
            bar(cells())
            now += 1.0
    assert len(text_of(target).splitlines()) == 2
