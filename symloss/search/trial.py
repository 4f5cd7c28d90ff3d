"""How short may the first rung be? Tried out on the task itself, as the answer differs from task to task.

On clean digits three tenths of the steps tell good losses from bad ones. With 40 % of the labels wrong they do not:
what learns fast leads there, and what does not learn the wrong labels wins in the end. So some losses are trained for
all steps, and the first rung gets the shortest budget that orders the better half of them nearly as well as all do.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

#: A budget is long enough if its order agrees this well with the final one, as a share of how well that agrees with
#: itself.
AGREEMENT = 0.7


class Trial:
    """Judges the budgets of a first rung.

    Args:
        halves: the merits ``[2, K]`` of K losses after all steps, by two separate sets of seeds.
        merit: their merits ``[K]`` by all of these seeds together. A nan is worst.
    """

    def __init__(self, halves: np.ndarray, merit: np.ndarray) -> None:
        # What the worse half does is no matter: many of them stay at chance, and that every budget can tell.
        self._better = np.argsort(-_filled(merit), kind="stable")[: (len(merit) + 1) // 2]
        self._merit = _filled(merit)[self._better]
        first, second = (_filled(half)[self._better] for half in halves)
        self._itself = _rho(first, second)

    def suffices(self, merit: np.ndarray) -> bool:
        """Whether a budget after which the losses have these merits ``[K]`` is long enough.

        Where all steps do not even agree with themselves, noise decides and not the steps: then any budget is.
        """
        return self._itself <= 0 or _rho(_filled(merit)[self._better], self._merit) >= AGREEMENT * self._itself


def _filled(merit: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(merit), -np.inf, merit)


def _rho(a: np.ndarray, b: np.ndarray) -> float:
    """Return Spearman's rank correlation, 0 where one side is constant."""
    x, y = rankdata(a), rankdata(b)
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else 0.0
