"""How well does a score after few steps foretell the score after all of them?

    python experiments/quality/rungs.py [--label-noise 0.4] [--losses 320]

Trains losses drawn from the default grammar, as they pass the screens, for 1,000 steps on the digits. For earlier
checkpoints with one seed it prints Spearman's rho with the final score over five seeds, and how many of the final best
16 are in the checkpoint's best quarter. Validation scores only.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version

import numpy as np
from scipy.stats import spearmanr

from symloss.codegen.gradients import gradients_of
from symloss.fitness import train_population
from symloss.grammar import Sampler, load_grammar
from symloss.search import Screening, SearchConfig
from symloss.search.strategies.random_search import RandomSearch
from symloss.tasks import TaskConfig, load_task

SEEDS = range(900_000, 900_005)
CHECKPOINTS = (50, 100, 200, 300, 500, 700, 1000)


def main() -> None:
    """Draw, train and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label-noise", type=float, default=0.4)
    parser.add_argument("--losses", type=int, default=320)
    options = parser.parse_args()
    task = load_task(TaskConfig(label_noise=options.label_noise))
    breeder = RandomSearch(SearchConfig(seed=77), Sampler(load_grammar("default"))).breeder(0, [])
    drawn = Screening(task.classes).fill(0, options.losses, breeder, lambda generation: None)
    formulas = [candidate.derivation.formula for candidate in drawn.candidates]
    scores = train_population(task, gradients_of(formulas, task.classes), SEEDS, CHECKPOINTS).validation
    final = scores[-1].mean(axis=1)
    best = set(np.argsort(-final)[:16])
    print(f"torch {version('torch')}; {len(formulas)} losses, label noise {options.label_noise}")
    for steps, column in zip(CHECKPOINTS, scores[:, :, 0], strict=True):
        quarter = set(np.argsort(-column)[: len(formulas) // 4])
        rho = spearmanr(column, final).statistic
        print(f"{steps:5d} steps, 1 seed: rho {rho:.2f}; {len(best & quarter):2d} of the best 16 in the best quarter")


if __name__ == "__main__":
    main()
