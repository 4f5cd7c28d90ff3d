"""How many candidates does the surrogate save?

    python experiments/quality/saving.py CONDITION [--runs 12] [--budget 768] [--jobs 1] [--out FOLDER]

search.py's five run seeds do not tell: a loss's score on the third rung has a standard error of .3 points at 40 %
noise, as much as searches differ by. So here are more run seeds, others than search.py's, and each search only goes as
far as that takes: no tuning, no long last rung. The same search runs with the surrogate, and without it and promise.
Whatever led the third rung is trained again with 200 seeds that no search has, so a lucky leader is worth what it is.

Printed are, after each generation, the median and the mean over runs of the leaders' scores; how many candidates the
searches with the surrogate need until their median (mean) is where those without it end, and for the mean an interval
by resampling run seeds. Each part is kept as a file, so that a stopped measurement goes on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from search import CONDITIONS, VARIANTS, Part
from search_report import SURROGATES, saving

from symloss.fitness import Evaluator
from symloss.formula import parse_formula
from symloss.grammar import load_grammar
from symloss.search import MemoryJournal, Progress, Search, SearchConfig
from symloss.tasks import load_task

FIRST_RUN = 100  # above search.py's run seeds
LEADER_SEEDS = range(4200, 4400)  # below those of every search, and none of search.py's
RESAMPLED = 2000


class Saving(Part):
    """One search, with the surrogate or without, and its leaders trained again."""

    def do(self) -> None:
        """Do it if that is not done."""
        found = self._kept(f"{self.variant}-{self.seed}", self._search)
        if found["budget"] != self.budget:
            folder = self.out / self.condition
            raise SystemExit(f"{folder} has parts of another budget than {self.budget}; choose another --out")
        print(self.condition, self.variant, self.seed, "done", flush=True)

    def _search(self) -> dict[str, Any]:
        task = load_task(CONDITIONS[self.condition])
        leaders: dict[int, tuple[float, str]] = {}

        def observe(progress: Progress) -> None:
            if progress.phase == "training" and progress.best_rung == 2 and progress.best is not None:
                leaders[progress.trained] = progress.best, progress.best_formula

        more = {"tuning": 0.0, "finalists": 1, "last_seeds": 5}
        config = SearchConfig(seed=self.seed, budget=self.budget, **VARIANTS[self.variant], **more)
        Search(load_grammar("default"), task, config, MemoryJournal(), observe, Evaluator(device=self.device)).run()
        texts = list(dict.fromkeys(text for _, text in leaders.values()))
        losses = [parse_formula(text) for text in texts]
        means = (
            Evaluator(device=self.device).train(task, losses, LEADER_SEEDS, task.config.steps).validation[0].mean(-1)
        )
        worth = dict(zip(texts, map(float, means), strict=True))
        return {
            "seed": self.seed,
            "variant": self.variant,
            "budget": self.budget,
            "generations": [(trained, best, text, worth[text]) for trained, (best, text) in leaders.items()],
        }


def report(out: Path, name: str, runs: int) -> None:
    """Print what the parts of a condition say."""
    parts = {
        variant: [
            json.loads((out / name / f"{variant}-{FIRST_RUN + run}.json").read_text())["generations"]
            for run in range(runs)
        ]
        for variant in SURROGATES
    }
    trained = [row[0] for row in parts["gp"][0]]
    for title, column in (("third rung's best", 1), ("the same losses, 200 other seeds", 3)):
        scores = {
            variant: 100 * np.array([[row[column] for row in found] for found in rows])
            for variant, rows in parts.items()
        }
        print(f"{name}, {runs} runs, {title}\n")
        print("| candidates | with: median, mean | without: median, mean |\n|---|---|---|")
        for place, count in enumerate(trained):
            cells = [f"{np.median(rows[:, place]):.2f}, {rows[:, place].mean():.2f}" for rows in scores.values()]
            print(f"| {count} | {cells[0]} | {cells[1]} |")
        for middle in (np.median, np.mean):
            goal, count, spent = counted(scores, trained, range(runs), middle)
            print(
                f"\n{middle.__name__}: {goal:.2f} with {count:.0f} candidates, without {spent:.0f}: {count / spent:.0%}"
            )
        rng = np.random.default_rng(0)
        again = [counted(scores, trained, rng.integers(runs, size=runs), np.mean) for _ in range(RESAMPLED)]
        shares = np.quantile([count / spent for _, count, spent in again], (0.05, 0.5, 0.95), method="nearest")
        print(f"by means of resampled runs {shares[1]:.0%}, 90 % from {shares[0]:.0%} to {shares[2]:.0%}\n")


def counted(
    scores: dict[str, np.ndarray], trained: Sequence[int], runs: Iterable[int], middle: Callable[..., Any]
) -> tuple[float, float, float]:
    """Return what :func:`search_report.saving` says of some of the runs, whose scores are ``[runs, generations]``."""
    chosen = list(runs)
    return saving(
        {name: [list(zip(trained, rows[run], strict=True)) for run in chosen] for name, rows in scores.items()}, middle
    )


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("condition", choices=CONDITIONS)
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--budget", type=int, default=768)
    parser.add_argument("--jobs", type=int, default=1, help="processes, with one thread each")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "results" / "saving")
    options = parser.parse_args()
    (options.out / options.condition).mkdir(parents=True, exist_ok=True)
    seeds = range(FIRST_RUN, FIRST_RUN + options.runs)
    parts = [
        Saving(options.condition, variant, seed, options.budget, "cpu", options.out)
        for seed in seeds
        for variant in SURROGATES
    ]
    with ProcessPoolExecutor(options.jobs, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        list(pool.map(Saving.do, parts))
    report(options.out, options.condition, options.runs)


if __name__ == "__main__":
    main()
