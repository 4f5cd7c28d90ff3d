"""Do losses that look alike train alike? By response curves, and by profiles.

    python experiments/quality/likeness.py [digits-imbalance-100 ...] [--budget 1024] [--seeds 40] [--seed 0]

For each condition of ``search.py`` a random search and one with the surrogate are done. What climbed to their second
rung is trained for all steps with other seeds than any search's of that run seed. The table says for both descriptions
how well the five nearest others' mean predicts a loss's score (R2), how well trees do that saw the others (Spearman's
rho, of all and of the best 150), and the root mean square of the difference of two losses' scores (points) by the
distance of what describes them, scaled to norm 1. Validation scores only.
"""

from __future__ import annotations

import argparse
from itertools import pairwise

import numpy as np
from scipy.stats import rankdata, spearmanr
from search import CONDITIONS
from sklearn.ensemble import ExtraTreesRegressor

from symloss.fitness import Evaluator
from symloss.formula import Formula
from symloss.grammar import load_grammar
from symloss.search import MemoryJournal, Search, SearchConfig
from symloss.search.profile import profile
from symloss.symbolic import normalised_curves
from symloss.tasks import Task, TaskConfig, load_task

FIRST_SEED = 100_000
BEST = 150
EDGES = (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 2)


def climbers(task: Task, strategy: str, budget: int, seed: int) -> dict[str, Formula]:
    """Search, and return what was trained on the second rung, by id."""
    config = SearchConfig(strategy=strategy, budget=budget, seed=seed, finalists=1)
    found = Search(load_grammar("default"), task, config, MemoryJournal(), lambda progress: None).run()
    return {candidate.id: candidate.derivation.formula for candidate in found.candidates if candidate.rung > 0}


def row(name: str, seen: np.ndarray, scores: np.ndarray) -> str:
    """Return one description's row.

    Args:
        name: of the description.
        seen: the description of each loss ``[K, n]``.
        scores: their scores ``[K]`` in points.
    """
    directions = seen / np.linalg.norm(seen, axis=1, keepdims=True)
    distances = np.sqrt(np.maximum(2 - 2 * directions @ directions.T, 0))
    np.fill_diagonal(distances, np.inf)
    guess = scores[np.argsort(distances, 1)[:, :5]].mean(1)
    explained = 1 - ((guess - scores) ** 2).mean() / scores.var()
    trees = ExtraTreesRegressor(300, min_samples_leaf=2, bootstrap=True, oob_score=True, random_state=0)
    unseen = trees.fit(seen.astype(np.float32), rankdata(scores)).oob_prediction_
    best = np.argsort(-scores)[:BEST]
    upper = np.triu_indices(len(scores), 1)
    gaps, apart = (scores[:, None] - scores[None])[upper], distances[upper]
    bins = []
    for low, high in pairwise(EDGES):
        here = (apart >= low) & (apart < high)
        bins.append(f"{np.sqrt((gaps[here] ** 2).mean()):.2f} ({here.sum()})" if here.any() else "")
    rhos = [spearmanr(unseen[some], scores[some]).statistic for some in (slice(None), best)]
    return f"| {name} | {explained:.2f} | {rhos[0]:.2f}, {rhos[1]:.2f} | {' | '.join(bins)} |"


def measure(name: str, settings: TaskConfig, budget: int, seeds: int, seed: int) -> None:
    """Print one condition's table."""
    task = load_task(settings)
    # Both have the same first generation, so some losses climbed in both.
    losses = list((climbers(task, "random", budget, seed) | climbers(task, "gp", budget, seed)).values())
    trained = Evaluator().train(task, losses, range(FIRST_SEED, FIRST_SEED + seeds), settings.steps).validation[0]
    print(f"{name}: {len(losses)} losses, the deviation of a mean over seeds is about", end=" ")
    print(f"{100 * (trained - trained.mean(0)).std(1).mean() / np.sqrt(seeds):.2f} points")
    print(f"| seen | R2 | rho of all, best {BEST} | {' | '.join(f'< {edge:g}' for edge in EDGES[1:])} |")
    print("|---|---|---|" + "---|" * (len(EDGES) - 1))
    curves = np.stack([found for loss in losses if (found := normalised_curves(loss)) is not None])
    profiles = np.stack([profile(loss, [task.classes]) for loss in losses])
    for title, seen in (("curves", curves), ("profiles", profiles)):
        print(row(title, seen, 100 * trained.mean(1)), flush=True)


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conditions", nargs="*", help=f"of {', '.join(CONDITIONS)}; all by default")
    parser.add_argument("--budget", type=int, default=1024)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name in options.conditions or CONDITIONS:
        measure(name, CONDITIONS[name], options.budget, options.seeds, options.seed)


if __name__ == "__main__":
    main()
