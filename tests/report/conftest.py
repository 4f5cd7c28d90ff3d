"""A finished run on disk, made without training anything."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
