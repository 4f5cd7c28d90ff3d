"""Does a rung's score say who does well on the next one, or do profiles say more?

    python experiments/quality/promise.py [digits-imbalance-100 ...] [--budget 1024] [--seed 0]

For each condition of ``search.py`` a random search is done, which promotes by score alone. Of the losses that were on
the second rung it prints Spearman's rho of that rung's score with the first rung's, and with what trees say that saw
the profiles of earlier generations' losses only. Of those that were on the third, its score's with the second's, with
what trees say that did not see the loss, and with both together, as :mod:`symloss.search.promise` does it. Validation
scores only.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.stats import rankdata, spearmanr
from search import CONDITIONS
from sklearn.ensemble import ExtraTreesRegressor

from symloss.grammar import load_grammar
from symloss.search import Candidate, MemoryJournal, Search, SearchConfig
from symloss.search.promise import promises, standardised
from symloss.search.surrogate import MIN_TRAINED
from symloss.tasks import TaskConfig, load_task


def rho(first: np.ndarray, second: np.ndarray) -> float:
    """Return Spearman's rank correlation."""
    return float(spearmanr(first, second).statistic)


def measure(task: TaskConfig, budget: int, seed: int) -> str:
    """Search, and return the correlations as one line."""
    config = SearchConfig(strategy="random", budget=budget, seed=seed, finalists=1)
    data = load_task(task)
    candidates = Search(load_grammar("default"), data, config, MemoryJournal(), lambda progress: None).run().candidates

    def merits(found: list[Candidate], rung: int) -> np.ndarray:
        return np.array([c.merits[rung] for c in found])

    def seen(found: list[Candidate]) -> np.ndarray:
        return np.stack([c.profile for c in found])

    second = [c for c in candidates if 1 in c.merits]
    by_score, by_profiles, weights = [], [], []
    for number in range(1, max(c.generation for c in second) + 1):
        before = [c for c in second if c.generation < number]
        now = [c for c in second if c.generation == number]
        if len(before) >= MIN_TRAINED and len(now) > 2:
            trees = ExtraTreesRegressor(200, min_samples_leaf=2, random_state=0)
            trees.fit(seen(before), rankdata(merits(before, 1)))
            by_score.append(rho(merits(now, 0), merits(now, 1)))
            by_profiles.append(rho(trees.predict(seen(now)), merits(now, 1)))
            weights.append(len(now))
    third = [c for c in candidates if 2 in c.merits]
    promise = promises(second, 1, 0) or {}
    both = np.array([promise[c.id] for c in third])
    own = dict(zip([c.id for c in second], standardised(rankdata(merits(second, 1))), strict=True))
    unseen = both - np.array([own[c.id] for c in third])
    goal = merits(third, 2)
    return (
        f"second rung ({sum(weights)}): score {np.average(by_score, weights=weights):.2f}, "
        f"profiles {np.average(by_profiles, weights=weights):.2f}; third ({len(third)}): "
        f"score {rho(merits(third, 1), goal):.2f}, profiles {rho(unseen, goal):.2f}, both {rho(both, goal):.2f}"
    )


def main() -> None:
    """Measure each condition."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conditions", nargs="*", help=f"of {', '.join(CONDITIONS)}; all by default")
    parser.add_argument("--budget", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name in options.conditions or CONDITIONS:
        print(f"{name}: {measure(CONDITIONS[name], options.budget, options.seed)}", flush=True)


if __name__ == "__main__":
    main()
