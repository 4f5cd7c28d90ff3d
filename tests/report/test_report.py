"""What a person reads."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from symloss.report import benchmark_tables, evolve_summary


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
