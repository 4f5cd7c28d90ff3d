"""From scores to one number that orders losses, whether there is one task and one metric or several of each.

One task, one metric: the merit is the mean score (its negative where less is better). Several tasks: accuracies of
different tasks are on no common scale, so the merit is the mean rank over the tasks; a loss that collapses on one of
them, however well it does on the others, stands below all that do not (the NGL paper's f3 gains 3 points on one
dataset and loses 62 on another). Several metrics: fronts of losses that no other beats in all metrics (non-dominated
sorting), and within a front first the best in the first metric, then the more distant from their neighbours: Deb et
al. 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE Transactions on Evolutionary Computation
6(2). A network at chance can be perfectly calibrated, so here too what collapses comes last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

#: A loss has collapsed where its first metric of which more is better is below this share of cross-entropy's.
FLOOR = 0.75


class Merit:
    """Orders the losses of one rung.

    Args:
        higher: for each metric, whether more is better; the first of these is what a collapse is judged by.
    """

    def __init__(self, higher: Sequence[bool]) -> None:
        self._signs = np.where(np.asarray(higher), 1.0, -1.0)
        self._judge = list(higher).index(True) if any(higher) else None

    def __call__(self, scores: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Return each loss's merit ``[K]``, higher is better, comparable within this call; nan where a score is nan.

        Args:
            scores: mean scores ``[K, tasks, metrics]`` of the losses.
            reference: cross-entropy's, ``[tasks, metrics]``.
        """
        values = scores * self._signs  # [K, T, M]
        missing = np.isnan(values).any((1, 2))
        merit = np.full(len(values), np.nan)
        if missing.all():
            return merit
        values = values[~missing]
        tasks, metrics = values.shape[1:]
        by_metric = values[:, 0] if tasks == 1 else _ranks(values).mean(1)
        found = by_metric[:, 0] if metrics == 1 else _fronts(by_metric)
        if (tasks > 1 or metrics > 1) and self._judge is not None:
            collapsed = (values[..., self._judge] < FLOOR * reference[:, self._judge]).any(1)
            # Ranks lie in [0, 1] and front numbers in (-K, 0]: this is below every one that did not collapse.
            found = np.where(collapsed, found - (len(found) + 1), found)
        merit[~missing] = found
        return merit


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks along the first axis, from 0 (worst) to 1 (best); equal values share one."""
    if len(values) == 1:
        return np.ones_like(values)
    return (rankdata(values, axis=0) - 1) / (len(values) - 1)


def _fronts(values: np.ndarray) -> np.ndarray:
    """Return minus the number of each loss's front, plus a crowding term in [0, 1) that orders within the front."""
    found = np.empty(len(values))
    left = np.arange(len(values))
    number = 0
    while len(left):
        here = values[left]
        at_least = (here[:, None] >= here[None]).all(-1)
        more = (here[:, None] > here[None]).any(-1)
        beaten = (at_least & more).any(0)
        front = left[~beaten]
        found[front] = -number + _crowding(values[front])
        left = left[beaten]
        number += 1
    return found


def _crowding(values: np.ndarray) -> np.ndarray:
    """Return how far each of a front is from its neighbours, squeezed into [0, 1).

    The best in the first metric is at 0.999, the other ends are at 0.9985.
    """
    distance = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        span = column[order[-1]] - column[order[0]]
        if span > 0:
            distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
        distance[order[[0, -1]]] = np.inf
    ends = np.isinf(distance)
    inner = np.where(ends, 0.0, distance)
    first = values[:, 0] == values[:, 0].max()
    return np.where(ends & first, 0.999, np.where(ends, 0.9985, 0.998 * inner / (1 + inner)))
