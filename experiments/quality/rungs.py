"""How short may a training be and still tell good losses from bad ones?

    python experiments/quality/rungs.py [digits-noise-40 ...] [--losses 256]

For each condition of ``search.py`` it trains losses drawn from the default grammar, as they pass the screens, for
shares of the condition's steps. It prints Spearman's rho between the score of a share, with four seeds, and the score
after all steps, with six others, among the better half of the losses by the latter; for all steps that says how far
they agree with themselves. Validation scores only.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version

import numpy as np
from scipy.stats import spearmanr
from search import CONDITIONS

from symloss.fitness import Evaluator
from symloss.grammar import Sampler, load_grammar
from symloss.search import Screening, SearchConfig
from symloss.search.strategies.random_search import RandomSearch
from symloss.tasks import load_task

SHARES = (0.2, 0.3, 0.5, 0.7, 1.0)
SEEDS = range(3000, 3010)
SHORT = 4


def main() -> None:
    """Draw, train and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conditions", nargs="*", help=f"of {', '.join(CONDITIONS)}; all by default")
    parser.add_argument("--losses", type=int, default=256)
    options = parser.parse_args()
    print(f"torch {version('torch')}; {options.losses} losses")
    breeder = RandomSearch(SearchConfig(seed=77), Sampler(load_grammar("default"))).breeder(0, [])
    for name in options.conditions or CONDITIONS:
        task = load_task(CONDITIONS[name])
        drawn = Screening(task.classes).fill(0, options.losses, breeder, lambda generation: None)
        losses = [candidate.derivation.formula for candidate in drawn.candidates]

        def trained(share: float, seeds: range, task=task, losses=losses) -> np.ndarray:  # type: ignore[no-untyped-def]
            return Evaluator().train(task, losses, seeds, round(share * task.config.steps)).validation[0].mean(1)

        final = trained(1.0, SEEDS[SHORT:])
        better = np.argsort(-final)[: (len(losses) + 1) // 2]
        for share in SHARES:
            rho = spearmanr(trained(share, SEEDS[:SHORT])[better], final[better]).statistic
            print(f"{name}: {share:.0%} of the steps, rho {rho:.2f}", flush=True)


if __name__ == "__main__":
    main()
