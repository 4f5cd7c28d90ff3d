"""The score of a cell by metric, and what counts where there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from symloss.benchmark.cells import Outcome
from symloss.benchmark.trainers import LESS_IS_BETTER
from symloss.tasks import METRICS


def direction(metric: str) -> float:
    """Return 1 for a metric of which more is better, else -1."""
    return -1.0 if metric in LESS_IS_BETTER else 1.0


def worst(metric: str, classes: int, finite: np.ndarray) -> float:
    """Return what a score that is not finite counts as: the metric's worst value.

    nll has none. A failed run counts there as the worst of the runs beside it, and never as better than chance.

    Args:
        metric: its name.
        classes: the number of classes C.
        finite: the scores beside it, each finite; perhaps none.
    """
    if metric in METRICS:
        return METRICS[metric].worst
    return max(math.log(classes), *finite.tolist()) if metric == "nll" else 0.0


def score_of(outcome: Outcome, epoch: str, part: str, metric: str) -> float:
    """Return one score of a cell, nan where it is not finite; "best" and "last" epoch are one for populations."""
    value = outcome.scores.get("end", outcome.scores.get(epoch, {}))[part][metric]
    return math.nan if value is None else float(value)


def scores_of(outcomes: Sequence[Sequence[Outcome]], epoch: str, part: str, metric: str, classes: int) -> np.ndarray:
    """Return one score of each cell, in the shape of ``outcomes``; what is not finite counts as :func:`worst`."""
    table = np.array([[score_of(one, epoch, part, metric) for one in mine] for mine in outcomes])
    finite = np.isfinite(table)
    return np.where(finite, table, worst(metric, classes, table[finite]))
