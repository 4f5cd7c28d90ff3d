"""What share of the best losses does the surrogate choose, before they are trained?

    python experiments/quality/surrogate.py digits-noise-40 [--draws 1500] [--share 0.1] [--repeats 6]
        [--keep FILE]

Losses drawn from the default grammar are trained for all steps with 12 seeds. Then, several times over, a surrogate
learns from some of them, by 4 of the seeds, and chooses a share of 900 others, by points of their response curves or by
their profiles. The table says how much of those others' best hundredth and best twentieth by the 8 other seeds is among
the chosen (by chance that share), and what the best chosen scored with these. Ways to learn: the place in the order of
merit to a power, and the mean over the trees plus so many of their standard deviations. With ``--keep`` scores and
descriptions are written to a file, and read from it where it is there. The conditions are those of search.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import rankdata
from search import CONDITIONS

from symloss.fitness import Evaluator
from symloss.grammar import Sampler, load_grammar
from symloss.runtime import keyed_random
from symloss.search.screening import Screening
from symloss.search.strategies.base import fresh
from symloss.symbolic import normalised_curves
from symloss.tasks import load_task

OTHERS = 900
SEEDS = range(9000, 9012)
LEARNED = 4

#: How many points of each curve trees see.
POINTS = 64


def trained(name: str, draws: int) -> dict[str, np.ndarray]:
    """Return scores ``[K, seeds]`` of some draws that pass the screens, their profiles, and points of their curves."""
    task = load_task(CONDITIONS[name])
    sampler = Sampler(load_grammar("default"))
    screening = Screening(task.classes)
    generation = screening.fill(0, draws, lambda index: fresh(sampler, keyed_random(777, "d", index)), lambda _: None)
    losses = [candidate.derivation.formula for candidate in generation.candidates]
    curves = np.stack([found for loss in losses if (found := normalised_curves(loss)) is not None])
    points = np.linspace(0, curves.shape[1] // 2 - 1, POINTS).round().astype(int)
    return {
        "scores": Evaluator().train(task, losses, SEEDS, task.config.steps).validation[0],
        "profiles": np.stack([candidate.profile for candidate in generation.candidates]),
        "curves": curves[:, np.concatenate([points, curves.shape[1] // 2 + points])],
    }


def caught(
    scores: np.ndarray, descriptions: np.ndarray, known: int, power: float, spread: float, share: float, seed: int
) -> np.ndarray:
    """Return the shares of the best hundredth and twentieth that are chosen, and the best chosen score."""
    from sklearn.ensemble import ExtraTreesRegressor

    order = np.random.default_rng(seed).permutation(len(scores))
    seen, rest = order[:known], order[known : known + OTHERS]
    trees = ExtraTreesRegressor(100, min_samples_leaf=2, random_state=seed)
    trees.fit(descriptions[seen], (rankdata(scores[seen, :LEARNED].mean(1)) / known) ** power)
    guesses = np.stack([tree.predict(descriptions[rest]) for tree in trees.estimators_])
    chosen = np.argsort(-(guesses.mean(0) + spread * guesses.std(0)))[: int(share * len(rest))]
    truth = scores[rest, LEARNED:].mean(1)
    best = np.argsort(-truth)
    hundredth, twentieth = best[: len(rest) // 100], best[: len(rest) // 20]
    return np.array([np.isin(hundredth, chosen).mean(), np.isin(twentieth, chosen).mean(), truth[chosen].max()])


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("condition", choices=CONDITIONS)
    parser.add_argument("--draws", type=int, default=1500)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--repeats", type=int, default=6)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    if options.keep and options.keep.exists():
        with np.load(options.keep) as kept:
            found = dict(kept)
    else:
        found = trained(options.condition, options.draws)
        if options.keep:
            np.savez_compressed(options.keep, **found)  # type: ignore[arg-type]
    scores = found["scores"]
    print(f"{options.condition}: {len(scores)} losses, best {100 * scores[:, LEARNED:].mean(1).max():.2f} %")
    print("| seen | learned from | power | standard deviations | best 1 % | best 5 % | best chosen |")
    print("|---|---|---|---|---|---|---|")
    for seen in ("curves", "profiles"):
        for known in (128, 512):
            for power, spread in ((1, 0), (3, 1), (3, 2), (12, 1), (12, 2)):
                rows = [
                    caught(scores, found[seen], known, power, spread, options.share, seed)
                    for seed in range(options.repeats)
                ]
                first, second, best = np.mean(rows, 0)
                values = f"{power} | {spread} | {first:.0%} | {second:.0%} | {100 * best:.2f}"
                print(f"| {seen} | {known} | {values} |", flush=True)


if __name__ == "__main__":
    main()
