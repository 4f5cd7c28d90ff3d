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
seeds, against candidates trained and against CPU seconds. With ``--ablate`` the search runs without its surrogate too,
and the report says how many candidates it needs with the surrogate to reach the score that it ends with without.
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
from scipy import stats

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
#: What is compared, each with its settings; the last only with --ablate.
VARIANTS: dict[str, dict[str, Any]] = {
    "gp": {"strategy": "gp"},
    "random": {"strategy": "random"},
    "unaided": {"strategy": "gp", "surplus": 1},
}

Loss = Formula | CatalogueLoss


def search(task: TaskConfig, variant: str, seed: int, budget: int, device: str) -> dict[str, Any]:
    """Run one search and return its first-ranked loss and its anytime curve."""
    curve: list[tuple[int, float, float]] = []

    def observe(progress: Progress) -> None:
        if progress.phase == "training" and progress.best_rung == 2 and progress.best is not None:
            point = (progress.trained, round(time.process_time() - started, 2), progress.best)
            if not curve or (curve[-1][0], curve[-1][2]) != (point[0], point[2]):
                curve.append(point)

    config = SearchConfig(seed=seed, budget=budget, finalists=16, **VARIANTS[variant])
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


def summary(folder: Path) -> dict[str, Any] | None:
    """Return the numbers of one condition, or None if no run of it is done."""
    if not all((folder / f"{part}.json").exists() for part in ("catalogue", "gp-0-test", "random-0-test")):
        return None

    def read(file: str) -> Any:
        return json.loads((folder / f"{file}.json").read_text())

    variants = [name for name in VARIANTS if (folder / f"{name}-0-test.json").exists()]
    seeds = [
        seed
        for seed in sorted(int(path.stem.split("-")[1]) for path in folder.glob("gp-*-test.json"))
        if all((folder / f"{name}-{seed}-test.json").exists() for name in variants)
    ]
    tests = {name: np.array([read(f"{name}-{seed}-test")["test"] for seed in seeds]) for name in variants}
    catalogue = read("catalogue")
    tested = {row["loss"]: np.array(row["test"]) for row in catalogue if "test" in row}
    best = max(catalogue, key=lambda row: row["validation"])["loss"]
    # For each fresh seed the mean over the runs, so p is about trainings. That runs differ too, the last column shows.
    gain = tests["gp"].mean(0) - tested["ce"]
    better = [stats.ttest_rel(row, tested["ce"], alternative="greater").pvalue < 0.005 for row in tests["gp"]]
    return {
        "runs": len(seeds),
        "found": tests["gp"].mean(1).tolist(),
        "random": tests["random"].mean(1).tolist(),
        "ce": float(tested["ce"].mean()),
        "catalogue": best,
        "catalogue_test": float(tested[best].mean()),
        "gain": float(gain.mean()),
        "p": float(stats.ttest_1samp(gain, 0).pvalue),
        "better_runs": int(sum(better)),
        "curves": {name: [read(f"{name}-{seed}")["curve"] for seed in seeds] for name in variants},
    }


def report(out: Path) -> None:
    """Print the table of all conditions that are done, and draw their curves."""
    print(
        "| condition | found, median [runs] | random, median | CE | best known | gain over CE, p (runs with p < 0.01) |"
    )
    print("|---|---|---|---|---|---|")
    for name in CONDITIONS:
        found = summary(out / name)
        if found is None:
            continue
        each = ", ".join(f"{100 * value:.2f}" for value in sorted(found["found"]))
        print(
            f"| {name} | {100 * statistics.median(found['found']):.2f} [{each}] "
            f"| {100 * statistics.median(found['random']):.2f} | {100 * found['ce']:.2f} "
            f"| {found['catalogue']} {100 * found['catalogue_test']:.2f} "
            f"| {100 * found['gain']:+.2f}, {found['p']:.1g} ({found['better_runs']} of {found['runs']} runs) |"
        )
        draw(name, found["curves"], out / f"{name}.svg")
    for name in CONDITIONS:
        found = summary(out / name)
        if found and "unaided" in found["curves"]:
            goal, needed, spent = saving(found["curves"])
            print(
                f"{name}: without the surrogate {100 * goal:.2f} % after {spent:.0f} candidates (median of runs); "
                f"with it after {needed:.0f}, {needed / spent:.0%}"
            )


def saving(curves: dict[str, list[list[list[float]]]]) -> tuple[float, float, float]:
    """Return the median score that searches without the surrogate end with, and the candidates with and without it.

    A search reaches a score when the best so far, by its median over runs, is no less.
    """
    grid = np.arange(1, int(max(curve[-1][0] for runs in curves.values() for curve in runs)) + 1)

    def median(variant: str) -> np.ndarray:
        runs = [np.array(curve, dtype=float) for curve in curves[variant]]
        return np.median([np.where(grid < run[0, 0], 0, _so_far(run[:, 0], run[:, 2], grid)) for run in runs], axis=0)

    goal = float(median("unaided")[-1])
    reached = np.flatnonzero(median("gp") >= goal)
    first_without = np.flatnonzero(median("unaided") >= goal)
    needed = float(grid[reached[0]]) if len(reached) else float("inf")
    return goal, needed, float(grid[first_without[0]])


def draw(name: str, curves: dict[str, list[list[list[float]]]], path: Path) -> None:
    """Draw best score against candidates and against seconds: the median over runs, and their range."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    for strategy, colour in zip(curves, ("C0", "C1", "C2"), strict=False):
        for axis, column, label in ((axes[0], 0, "candidates trained"), (axes[1], 1, "CPU seconds")):
            runs = [np.array(curve, dtype=float) for curve in curves[strategy]]
            start, end = max(run[0, column] for run in runs), max(run[-1, column] for run in runs)
            grid = np.linspace(start, end, 200)
            best = np.stack([100 * _so_far(run[:, column], run[:, 2], grid) for run in runs])
            axis.plot(grid, np.median(best, 0), colour, label=strategy)
            axis.fill_between(grid, best.min(0), best.max(0), color=colour, alpha=0.15, lw=0)
            axis.set_xlabel(label)
    axes[0].set_ylabel("best validation score so far (%)")
    axes[0].legend()
    figure.suptitle(f"{name}: median and range of {len(curves['gp'])} runs")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _so_far(places: np.ndarray, scores: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return the last score at or before each place of a grid."""
    return scores[np.clip(np.searchsorted(places, grid, side="right") - 1, 0, None)]


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "report"))
    parser.add_argument("conditions", nargs="*", help=f"of {', '.join(CONDITIONS)}; all by default")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--budget", type=int, default=1024)
    parser.add_argument("--ablate", action="store_true", help="also search without the surrogate")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=1, help="processes, with one thread each")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "results" / "search")
    options = parser.parse_args()
    if options.command == "report":
        report(options.out)
        return
    variants = ("gp", "random", "unaided") if options.ablate else ("gp", "random")
    names = options.conditions or list(CONDITIONS)
    run(names, options.runs, options.budget, options.out, variants, options.device, options.jobs)


if __name__ == "__main__":
    main()
