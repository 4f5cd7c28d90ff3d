"""The table of search.py, its anytime curves, and what the surrogate saves: all read from the files of its parts."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

#: Whose leaders are trained with other seeds, to see what the surrogate saves: with it, and without.
SURROGATES = ("gp", "unaided")


def summary(folder: Path) -> dict[str, Any] | None:
    """Return the numbers of one condition, or None if no run of it is done."""
    if not all((folder / f"{part}.json").exists() for part in ("catalogue", "gp-0-test", "random-0-test")):
        return None

    def read(file: str) -> Any:
        return json.loads((folder / f"{file}.json").read_text())

    variants = [name for name in ("gp", "random", *SURROGATES[1:]) if (folder / f"{name}-0-test.json").exists()]
    seeds = [
        seed
        for seed in sorted(int(path.stem.split("-")[1]) for path in folder.glob("gp-*-test.json"))
        if all((folder / f"{name}-{seed}-test.json").exists() for name in variants)
    ]
    tests = {name: np.array([read(f"{name}-{seed}-test")["test"] for seed in seeds]) for name in variants}
    ablated = SURROGATES if "unaided" in variants else ()
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
        "leaders": {name: [read(f"{name}-{seed}-leaders") for seed in seeds] for name in ablated},
        "ends": {
            name: [
                (read(f"{name}-{seed}")["validation"], statistics.mean(read(f"{name}-{seed}-test")["test"]))
                for seed in seeds
            ]
            for name in ("unaided", "thrifty", "gp")
            if all((folder / f"{name}-{seed}-test.json").exists() for seed in seeds)
        },
    }


def report(out: Path, conditions: Iterable[str]) -> None:
    """Print the table of all conditions that are done, and draw their curves."""
    found = {name: row for name in conditions if (row := summary(out / name)) is not None}
    print(
        "| condition | found, median [runs] | random, median | CE | best known | gain over CE, p (runs with p < 0.01) |"
    )
    print("|---|---|---|---|---|---|")
    for name, row in found.items():
        each = ", ".join(f"{100 * value:.2f}" for value in sorted(row["found"]))
        print(
            f"| {name} | {100 * statistics.median(row['found']):.2f} [{each}] "
            f"| {100 * statistics.median(row['random']):.2f} | {100 * row['ce']:.2f} "
            f"| {row['catalogue']} {100 * row['catalogue_test']:.2f} "
            f"| {100 * row['gain']:+.2f}, {row['p']:.1g} ({row['better_runs']} of {row['runs']} runs) |"
        )
        draw(name, row["curves"], out / f"{name}.svg")
    for name, row in found.items():
        if "unaided" not in row["curves"]:
            continue
        best = {
            variant: [[(point[0], point[2]) for point in curve] for curve in row["curves"][variant]]
            for variant in SURROGATES
        }
        for title, runs in (("third rung's best", best), ("the same with other seeds", row["leaders"])):
            goal, needed, spent = saving(runs)
            print(
                f"{name}, {title}: without the surrogate {100 * goal:.2f} % after {spent:.0f} candidates "
                f"(median of runs); with it after {needed:.0f}, {needed / spent:.0%}"
            )
        for variant, ends in row["ends"].items():
            columns = [[100 * end[place] for end in ends] for place in (0, 1)]
            texts = [f"{statistics.median(column):.2f} {[round(v, 2) for v in column]}" for column in columns]
            print(f"{name}, {variant}: ends at {texts[0]} on validation data, {texts[1]} on the test set")


def saving(
    runs: Mapping[str, Sequence[Sequence[tuple[float, float]]]], middle: Callable[..., Any] = np.median
) -> tuple[float, float, float]:
    """Return the median score that searches without the surrogate end with, and the candidates with and without it.

    Searches have reached a score when their median is no less, from then on to their end.

    Args:
        runs: for both variants each run's scores ``(candidates, score)``; one holds until the next.
        middle: what to take of the runs instead of the median.
    """
    grid = np.arange(1, int(max(run[-1][0] for name in SURROGATES for run in runs[name])) + 1)

    def course(variant: str) -> np.ndarray:
        rows = [np.array(run, dtype=float).T for run in runs[variant]]
        found: np.ndarray = middle(
            [np.where(grid < at[0], 0, _so_far(at, scores, grid)) for at, scores in rows], axis=0
        )
        return found

    def reached(variant: str) -> float:
        short = np.flatnonzero(course(variant) < goal)
        last = int(short[-1]) + 1 if len(short) else 0
        return float(grid[last]) if last < len(grid) else float("inf")

    goal = float(course("unaided")[-1])
    return goal, reached("gp"), reached("unaided")


def draw(name: str, curves: Mapping[str, list[list[list[float]]]], path: Path) -> None:
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
