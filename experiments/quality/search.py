"""Does the search beat random search, cross-entropy and the losses that people know?

    python experiments/quality/search.py run digits-clean [--runs 5] [--budget 1024] [--out FOLDER] [--ablate]
        [--device cpu] [--jobs 1]
    python experiments/quality/search.py report [--out FOLDER]

``run`` does everything for the conditions and keeps each part as a JSON file, so that a stopped run goes on. With
``--jobs`` parts are done side by side, by processes with one thread each:

1. For each run seed a search (genetic programming with the surrogate and tuned constants) and a random search with the
   same number of trained candidates, ladder and last rung. Each hands over the loss that it ranks first by validation.
2. Those losses and every loss of the catalogue get one learning-rate sweep (a third, one and three times the task's,
   on validation data, with seeds that neither searches nor comparisons use). The best catalogue loss is the one with
   the best validation score in its best sweep.
3. Each with its learning rate is trained with 100 fresh seeds, and the test set is read.

``report`` prints the table and draws the anytime curves: the best validation score so far, over the third rung's five
seeds, against candidates trained and against CPU seconds. With ``--ablate`` the search runs without its surrogate too
("unaided"), and the report says how many candidates it needs with the surrogate to reach the score that it ends with
without: by that best score, of which a part is the luck of having been chosen, and by what those that led are worth
with 40 other seeds; saving.py asks the same of more run seeds. And it runs with the surrogate and two thirds of the
candidates ("thrifty"), from trial to playoff.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from search_report import SURROGATES, report

from symloss.fitness import Evaluator
from symloss.formula import Formula, parse_formula, to_text
from symloss.grammar import load_grammar
from symloss.losses import CATALOGUE, CatalogueLoss, title
from symloss.runtime.executor import cores
from symloss.search import MemoryJournal, Progress, Search, SearchConfig
from symloss.symbolic import displayed_form
from symloss.tasks import TaskConfig, load_task

#: Every condition with its task. MNIST is read from SYMLOSS_DATA.
CONDITIONS = {
    "digits-clean": TaskConfig(steps=400),
    "digits-noise-40": TaskConfig(steps=400, label_noise=0.4),
    "digits-imbalance-100": TaskConfig(steps=400, imbalance=0.01, metrics=("balanced-accuracy",)),
    "digits-100-images": TaskConfig(steps=200, train_size=100, batch=100),
    "mnist-noise-60": TaskConfig(dataset="mnist", steps=200, label_noise=0.6, train_size=6000),
}
FACTORS = (1 / 3, 1.0, 3.0)
SWEEP_SEEDS = range(4000, 4010)  # below every search's seeds, above every comparison's
FRESH_SEEDS = range(100)  # with imbalance 20 left a standard error of half a point
LEADER_SEEDS = range(4100, 4140)  # between these too
#: What is compared, each with its settings; the last two only with --ablate.
VARIANTS: dict[str, dict[str, Any]] = {
    "gp": {"strategy": "gp"},
    "random": {"strategy": "random"},
    "unaided": {"strategy": "gp", "surplus": 1},
    "thrifty": {"strategy": "gp"},
}
#: What a variant may train, as a share of the others' budget.
SHARES = {"thrifty": 2 / 3}

Loss = Formula | CatalogueLoss


def search(task: TaskConfig, variant: str, seed: int, budget: int, device: str) -> dict[str, Any]:
    """Run one search and return its first-ranked loss and its anytime curve."""
    curve: list[tuple[int, float, float]] = []
    leaders: list[tuple[int, str]] = []

    def observe(progress: Progress) -> None:
        if progress.phase == "training" and progress.best_rung == 2 and progress.best is not None:
            point = (progress.trained, round(time.process_time() - started, 2), progress.best)
            if not curve or (curve[-1][0], curve[-1][2]) != (point[0], point[2]):
                curve.append(point)
            if not leaders or leaders[-1][1] != progress.best_formula:
                leaders.append((progress.trained, progress.best_formula))

    candidates = int(SHARES.get(variant, 1) * budget)
    config = SearchConfig(seed=seed, budget=candidates, finalists=16, **VARIANTS[variant])
    evaluator = Evaluator(device=device)
    engine = Search(load_grammar("default"), load_task(task), config, MemoryJournal(), observe, evaluator)
    started, began = time.process_time(), time.perf_counter()
    found = engine.run()
    best = found.hall_of_fame[0]
    return {
        "seed": seed,
        "variant": variant,
        "expression": to_text(displayed_form(best.derivation.formula)),
        "size": best.size,
        "origin": best.origin,
        "generation": best.generation,
        "validation": best.score,
        "cpu_seconds": time.process_time() - started,
        "seconds": time.perf_counter() - began,
        "drawn": found.drawn,
        "trained": len(found.candidates),
        "noise": found.noise,
        "last_seeds": found.last_seeds,
        "curve": curve,
        "leaders": leaders,
    }


def sweep(task: TaskConfig, losses: Sequence[Loss], device: str) -> np.ndarray:
    """Return validation scores ``[K, factors, seeds]``."""
    rows = []
    for factor in FACTORS:
        scaled = load_task(replace(task, lr=task.lr * factor))
        rows.append(Evaluator(device=device).train(scaled, losses, SWEEP_SEEDS, task.steps).validation[0])
    return np.stack(rows, 1)


def fresh(task: TaskConfig, loss: Loss, factor: float, device: str) -> list[float]:
    """Return the test scores of a loss with its learning rate."""
    scaled = load_task(replace(task, lr=task.lr * factor))
    scores = Evaluator(device=device).train(scaled, [loss], FRESH_SEEDS, task.steps, test=True)
    assert scores.test is not None
    return [float(value) for value in scores.test[0][0]]


def unbiased(task: TaskConfig, leaders: Sequence[tuple[int, str]], device: str) -> list[tuple[int, float]]:
    """Return what a search would have ended with, and when: candidates trained, and a validation score.

    Its seeds are none that the search chose by, so a leader that was lucky there is worth no more here.
    """
    losses = [parse_formula(text) for _, text in leaders]
    scores = Evaluator(device=device).train(load_task(task), losses, LEADER_SEEDS, task.steps).validation[0]
    return [(count, float(row.mean())) for (count, _), row in zip(leaders, scores, strict=True)]


def judged(task: TaskConfig, names: Sequence[str], losses: Sequence[Loss], device: str) -> list[dict[str, Any]]:
    """Return each loss with its sweep and the factor that the sweep prefers."""
    scores = sweep(task, losses, device).mean(-1)
    return [
        {"loss": name, "sweep": row.tolist(), "factor": FACTORS[int(row.argmax())], "validation": float(row.max())}
        for name, row in zip(names, scores, strict=True)
    ]


@dataclass(frozen=True)
class Part:
    """What one process does at a time: a search and its test, or with no variant the catalogue."""

    condition: str
    variant: str
    seed: int
    budget: int
    device: str
    out: Path

    def do(self) -> None:
        """Do what is not done, and print what came out."""
        task, name = CONDITIONS[self.condition], self.condition
        if not self.variant:
            for row in self._kept("catalogue", lambda: self._known(task)):
                if "test" in row:
                    score = 100 * statistics.mean(row["test"])
                    print(f"{name} {row['loss']}: lr x {row['factor']:.2g}, test {score:.2f}", flush=True)
            return
        stem = f"{self.variant}-{self.seed}"
        found = self._kept(stem, lambda: search(task, self.variant, self.seed, self.budget, self.device))

        def tested() -> dict[str, Any]:
            loss = parse_formula(found["expression"])
            [row] = judged(task, [found["expression"]], [loss], self.device)
            return row | {"test": fresh(task, loss, row["factor"], self.device)}

        row = self._kept(f"{stem}-test", tested)
        if self.variant in SURROGATES:
            self._kept(f"{stem}-leaders", lambda: unbiased(task, found["leaders"], self.device))
        scores = f"validation {100 * found['validation']:.2f}, test {100 * statistics.mean(row['test']):.2f}"
        print(
            f"{name} {self.variant} {self.seed}: {found['cpu_seconds']:.0f} s, {scores}, lr x {row['factor']:.2g}: "
            f"{found['expression']}",
            flush=True,
        )

    def _known(self, task: TaskConfig) -> list[dict[str, Any]]:
        losses = list(CATALOGUE.values())
        rows = judged(task, [title(loss) for loss in losses], losses, self.device)
        best = max(rows, key=lambda row: row["validation"])
        for row, loss in zip(rows, losses, strict=True):
            if row is best or row["loss"] == "ce":
                row["test"] = fresh(task, loss, row["factor"], self.device)
        return rows

    def _kept(self, stem: str, make: Callable[[], Any]) -> Any:
        return kept(self.out / self.condition / f"{stem}.json", make)


def kept(path: Path, make: Callable[[], Any]) -> Any:
    """Return what a file holds; make it first where there is none."""
    if not path.exists():
        found = make()
        path.with_suffix(".part").write_text(json.dumps(found) + "\n")
        path.with_suffix(".part").replace(path)
    return json.loads(path.read_text())


def run(
    names: Sequence[str], runs: int, budget: int, out: Path, variants: Sequence[str], device: str, jobs: int
) -> None:
    """Do what is not done of some conditions."""
    for name in names:
        (out / name).mkdir(parents=True, exist_ok=True)
        now = about(CONDITIONS[name], budget, device)
        made = kept(out / name / "about.json", lambda now=now: now)
        if any(made[key] != now[key] for key in ("task", "budget", "versions")):
            raise SystemExit(f"{out / name} holds parts of {made}, and this is {now}; choose another --out")
    searches = [(name, variant, seed) for seed in range(runs) for name in names for variant in variants]
    parts = [Part(*which, budget, device, out) for which in [(name, "", 0) for name in names] + searches]
    if jobs == 1:
        for part in parts:
            part.do()
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        list(pool.map(Part.do, parts))


def about(task: TaskConfig, budget: int, device: str) -> dict[str, Any]:
    """Return what the numbers were measured with."""
    gpu = f", {torch.cuda.get_device_name(device)}" if device.startswith("cuda") else ""
    return {
        "task": json.loads(task.to_json()),
        "budget": budget,
        "hardware": f"{platform.machine()}, {cores()} of {os.cpu_count()} cores{gpu}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("symloss", "torch", "numpy", "scikit-learn", "cmaes")},
    }


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "report"))
    parser.add_argument("conditions", nargs="*", help=f"of {', '.join(CONDITIONS)}; all by default")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--budget", type=int, default=1024)
    parser.add_argument("--ablate", action="store_true", help="also search without the surrogate, and with two thirds")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=1, help="processes, with one thread each")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "results" / "search")
    options = parser.parse_args()
    if options.command == "report":
        report(options.out, CONDITIONS)
        return
    variants = [name for name in VARIANTS if options.ablate or name not in ("unaided", "thrifty")]
    names = options.conditions or list(CONDITIONS)
    run(names, options.runs, options.budget, options.out, variants, options.device, options.jobs)


if __name__ == "__main__":
    main()
