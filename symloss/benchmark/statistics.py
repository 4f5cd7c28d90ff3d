"""What scores over seeds say: means with intervals, paired differences, many comparisons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from symloss.errors import SymlossError


@dataclass(frozen=True)
class Summary:
    """Scores of one loss over seeds.

    Attributes:
        scores: one per seed, fractions of 1.
        mean: their mean.
        std: sample standard deviation (n - 1); ``None`` for one seed.
        n: the number of seeds.
        ci95: 95 % interval of the mean by Student's t; ``None`` for one seed.
    """

    scores: tuple[float, ...]
    mean: float
    std: float | None
    n: int
    ci95: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        """Return ``{mean, std, n, ci95: [lo, hi], scores}``; what one seed cannot tell is ``None``."""
        return {
            "mean": self.mean,
            "std": self.std,
            "n": self.n,
            "ci95": list(self.ci95) if self.ci95 else None,
            "scores": list(self.scores),
        }


@dataclass(frozen=True)
class Paired:
    """The gain of one loss over a baseline, paired by seed.

    Attributes:
        mean: the mean difference.
        p: two-sided p-value of the paired t-test; ``None`` for one seed, or for equal differences that are not zero.
        ci95: 95 % interval of the mean difference; ``None`` for one seed.
    """

    mean: float
    p: float | None
    ci95: tuple[float, float] | None

    def to_json(self) -> dict[str, Any]:
        """Return ``{mean, p}``."""
        return {"mean": self.mean, "p": self.p}


def summary(scores: Sequence[float]) -> Summary:
    """Return the mean, standard deviation and 95 % interval of scores over seeds.

    Raises:
        SymlossError: no scores, or one that is not finite.
    """
    values = _values(scores, "scores")
    spread = float(values.std(ddof=1)) if len(values) > 1 else None
    mean = float(values.mean())
    return Summary(tuple(values.tolist()), mean, spread, len(values), _interval(mean, spread, len(values)))


def paired_difference(scores: Sequence[float], baseline_scores: Sequence[float]) -> Paired:
    """Return the mean of ``scores - baseline_scores`` with its paired t-test; equal places are equal seeds.

    If all differences are equal the test has no spread to judge by: p is 1 when they are zero, and None otherwise,
    since accuracies come in steps and two or three equal steps happen by chance.

    Raises:
        SymlossError: different numbers of scores, none, or one that is not finite.
    """
    values, baseline = _values(scores, "scores"), _values(baseline_scores, "baseline scores")
    if len(values) != len(baseline):
        raise SymlossError(
            f"{len(values)} scores cannot be paired with {len(baseline)} baseline scores; run both with the same seeds"
        )
    differences = values - baseline
    n, mean = len(differences), float(differences.mean())
    if n == 1:
        return Paired(mean, None, None)
    spread = float(differences.std(ddof=1))
    # Equal differences of decimal fractions still differ in their last bits; that is no spread.
    scale = max(float(np.abs(values).max()), float(np.abs(baseline).max()))
    if spread <= 4 * np.finfo(float).eps * scale:
        equal = abs(mean) <= 4 * np.finfo(float).eps * scale
        return Paired(mean, 1.0, (0.0, 0.0)) if equal else Paired(mean, None, None)
    p = 2.0 * float(stats.t.sf(abs(mean) / (spread / math.sqrt(n)), n - 1))
    return Paired(mean, p, _interval(mean, spread, n))


def comparable(score: float) -> float:
    """Return a score as it is compared with others: without its last bits, in which equal means of seeds differ."""
    return round(score, 12)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for many comparisons by Holm's step-down method, in the order given.

    Rejecting where an adjusted value is below 0.05 keeps the chance of any false rejection below 5 %
    (Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian J. of Statistics 6).

    Raises:
        SymlossError: a value outside [0, 1].
    """
    for p in p_values:
        if not 0 <= p <= 1:
            raise SymlossError(f"{p!r} is not a p-value; it must be from 0 to 1")
    count = len(p_values)
    adjusted = [0.0] * count
    running = 0.0
    for rank, place in enumerate(sorted(range(count), key=lambda index: p_values[index])):
        running = max(running, min(1.0, (count - rank) * p_values[place]))
        adjusted[place] = running
    return adjusted


def _values(scores: Sequence[float], what: str) -> np.ndarray:
    values = np.asarray(scores, dtype=float)
    if values.ndim != 1 or len(values) == 0:
        raise SymlossError(f"{what} of shape {list(values.shape)}; at least one score in a flat list is needed")
    if not np.isfinite(values).all():
        raise SymlossError(f"{what} hold {values[~np.isfinite(values)][0]}; a failed run must be left out or repeated")
    return values


def _interval(mean: float, spread: float | None, n: int) -> tuple[float, float] | None:
    if spread is None:
        return None
    half = float(stats.t.ppf(0.975, n - 1)) * spread / math.sqrt(n)
    return mean - half, mean + half
