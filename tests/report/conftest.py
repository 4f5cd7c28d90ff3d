"""A finished run on disk, made without training anything."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symloss.benchmark import BenchmarkConfig, Sweep, combine, contenders_of
from symloss.benchmark.cells import environment
from symloss.benchmark.compare import rows_of
from symloss.benchmark.result import BenchmarkResult
from symloss.benchmark.statistics import summary
from symloss.benchmark.table import Rate, TaskResult
from symloss.formula import parse_formula, to_text
from symloss.grammar import load_grammar
from symloss.search import SCREENS, SearchConfig
from symloss.store import Run
from symloss.symbolic import certify, loss_id, scale_to_cross_entropy, to_latex
from symloss.tasks import TaskConfig

FOUND = ("exp(-y_pred*(1 + y_true))", "-y_true*sqrt(y_pred)", "y_pred*log(y_pred) - y_true*y_pred")
KNOWN = {"ce": "-y_true*log(y_pred)", "ngl": "exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))"}
MEANS = (0.98, 0.97, 0.962)

MakeRun = Callable[..., Path]
MakeBenchmark = Callable[..., dict[str, Any]]


def score(mean: float, n: int = 4) -> dict[str, Any]:
    scores = [mean + 0.001 * (k - (n - 1) / 2) for k in range(n)]
    interval = [mean - 0.002, mean + 0.002] if n > 1 else None
    return {"mean": mean, "std": 0.001, "n": n, "ci95": interval, "scores": scores}


def row(name: str, text: str, mean: float, p: float | None) -> dict[str, Any]:
    formula = parse_formula(text)
    gain = mean - 0.96
    known = zip(("r0", "r1"), certify(formula), strict=True)
    return {
        "loss": name,
        "id": loss_id(formula),
        "expression": to_text(formula),
        "latex": to_latex(formula),
        "size": formula.size,
        "note": None,
        "certificate": {curve: found.to_dict() for curve, found in known},
        "scale": scale_to_cross_entropy(formula, 10),
        "validation": score(mean),
        "test": score(mean),
        "gain": {"mean": gain, "p": p, "p_holm": p, "ci95": [gain - 0.003, gain + 0.003]},
        "metrics": {},
    }


def history(file: Path) -> list[str]:
    """Fill a database: three draws, two of their children, and a child of both children; return the ids."""
    names = [f"{k:016x}" for k in range(1, 7)]
    parents = {3: names[0:2], 4: names[2:3], 5: names[3:5]}
    made = {3: "crossover", 4: "mutation", 5: "crossover"}
    database = sqlite3.connect(file)
    database.executemany("INSERT INTO generations VALUES (?, 9)", [(0,), (1,), (2,)])
    for k, name in enumerate(names):
        generation = 0 if k < 3 else 1 if k < 5 else 2
        values = (name, generation, k, f"{k}*y_pred - y_true", "{}", 3 + k, made.get(k, "draw"))
        database.execute("INSERT INTO candidates VALUES (?,?,?,?,?,?,?,?)", (*values, json.dumps(parents.get(k, []))))
    rng = np.random.default_rng(0)
    losses = [*names, loss_id(parse_formula(KNOWN["ce"]))]
    for rung, here in ((0, losses), (1, losses[2:]), (3, losses[3:])):
        for name in here:
            scores = json.dumps([[(0.9 + 0.01 * rung + 0.01 * rng.random(3)).tolist()]])
            database.execute("INSERT INTO scores VALUES (?, ?, ?)", (rung, name, scores))
    database.commit()
    database.close()
    return names


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Return a function that makes a finished run; it may change the result before it is written."""

    def make(name: str = "a-run", change: Callable[[dict[str, Any]], object] = lambda result: None) -> Path:
        path = tmp_path / name
        run = Run.create(path, load_grammar("default"), [TaskConfig()], SearchConfig(seed=3, budget=64))
        run.close()
        names = history(path / "run.sqlite")
        found = [row(f"#{k}", text, MEANS[k - 1], 0.001) | {"rank": k} for k, text in enumerate(FOUND, 1)]
        for k, one in enumerate(found):
            one["candidate"] = {"id": names[5 - k], "expression": "y_pred", "generation": 2, "origin": "crossover"}
        result = {
            "run": str(path),
            "config": run.config(),
            "counts": {"drawn": 106, "duplicates": 20, "rejected": dict.fromkeys(SCREENS, 0), "trained": 6},
            "stopped": "budget",
            "noise": {"std": 0.007, "last_seeds": 3},
            "seconds": 12.0,
            "hall_of_fame": found,
            "control": [],
            "control_counts": None,
            "baselines": [row("ce", KNOWN["ce"], 0.96, None) | {"gain": None}, row("ngl", KNOWN["ngl"], 0.975, 0.2)],
        }
        result["counts"]["rejected"] |= {"dependence": 80, "duplicate": 20}
        change(result)
        (path / "hall_of_fame.json").write_text(json.dumps(result), encoding="utf-8")
        return path

    return make


@pytest.fixture
def make_benchmark() -> MakeBenchmark:
    """Return a function that makes a benchmark's JSON; each loss has a mean test score for each task."""

    def make(means: Mapping[str, Sequence[float]], **changes: Any) -> dict[str, Any]:
        conditions = [{}, {"name": "noise 40", "label_noise": 0.4}, {"imbalance": 0.1}, {"train_size": 200}]
        tasks = len(next(iter(means.values())))
        metrics = changes.pop("metrics", ["accuracy"])
        experiments = combine(["digits"], ["mlp"], conditions[:tasks], metrics=metrics, settings={"steps": 40})
        changes = {"seeds": 6, "sweep": Sweep((1e-3, 1e-2), 2)} | changes
        config = BenchmarkConfig("a-benchmark", contenders_of(list(means)), tuple(experiments), **changes)
        rng = np.random.default_rng(0)
        found = []
        for number, experiment in enumerate(config.experiments):
            level = np.array([means[name][number] for name in config.names])[None, :, None]
            shared = 0.002 * rng.standard_normal((1, 1, config.seeds))
            own = 0.001 * rng.standard_normal((len(metrics), len(means), config.seeds))
            scores = level + shared + own
            tried = tuple((lr, summary([0.9 + lr, 0.91 + lr])) for lr in config.sweep.lr) if config.sweep else ()
            rows = rows_of(config.contenders, metrics, scores, scores, [1.0] * len(means), config.baseline)
            rates = (Rate(1e-2, tried),) * len(means)
            none = (0,) * len(means)
            published = config.published.of_experiment(experiment) if config.published else {}
            found.append(TaskResult(experiment, tuple(rows), rates, none, (), published, config.band))
        result = BenchmarkResult(config, tuple(found), (), Path("runs/it"), 0, (), 1.0, environment("cpu"))
        data: dict[str, Any] = json.loads(json.dumps(result.to_json()))
        return data

    return make
