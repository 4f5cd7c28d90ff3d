"""Many losses on many datasets: mean ranks, Friedman's test and Nemenyi's critical difference (Demsar 2006)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from symloss.benchmark.statistics import comparable
from symloss.errors import SymlossError


@dataclass(frozen=True)
class Friedman:
    """Friedman's test of "all losses are alike".

    Attributes:
        statistic: Friedman's chi-squared, with k - 1 degrees of freedom.
        p: its p-value.
        f: Iman and Davenport's statistic, which is less conservative; None where all datasets agree on the ranks, as it
            is infinite there and says nothing of how many datasets agree.
        f_p: its p-value by the F distribution with k - 1 and (k - 1)(n - 1) degrees of freedom; None as ``f``.
    """

    statistic: float
    p: float
    f: float | None
    f_p: float | None


@dataclass(frozen=True)
class Ranking:
    """How losses rank over datasets.

    Attributes:
        mean_ranks: one per loss; 1 is best.
        datasets: how many datasets n.
        friedman: the test; None with fewer than 3 losses or 2 datasets.
        critical_difference: the losses' mean ranks must differ by so much to differ at ``alpha``; None as ``friedman``.
        groups: places of losses that do not differ, each group from best to worst, none inside another.
        alpha: the level.
    """

    mean_ranks: tuple[float, ...]
    datasets: int
    friedman: Friedman | None
    critical_difference: float | None
    groups: tuple[tuple[int, ...], ...]
    alpha: float = 0.05

    def to_json(self, names: Sequence[str]) -> dict[str, Any]:
        """Return ``{datasets, mean_ranks, friedman: {statistic, p, f, f_p}, nemenyi: {alpha, cd, groups}}``."""
        test, cd = self.friedman, self.critical_difference
        groups = [[names[place] for place in group] for group in self.groups]
        return {
            "datasets": self.datasets,
            "mean_ranks": dict(zip(names, self.mean_ranks, strict=True)),
            "friedman": None if test is None else dict(vars(test)),
            "nemenyi": None if cd is None else {"alpha": self.alpha, "cd": cd, "groups": groups},
        }


def ranks(scores: Sequence[Sequence[float]]) -> np.ndarray:
    """Return the ranks ``[n, k]`` of k losses on each of n datasets: 1 for the highest score, means where scores tie.

    Scores tie where they are equal to 12 decimals: means of the same scores in another order differ beyond those.

    Raises:
        SymlossError: not a table of finite numbers.
    """
    table = np.asarray(scores, dtype=float)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise SymlossError(
            f"scores of shape {list(table.shape)} cannot be ranked; give finite numbers [datasets, losses]"
        )
    return np.asarray(stats.rankdata(-np.vectorize(comparable)(table), axis=1), dtype=float)


def friedman(ranked: np.ndarray, *, ties: bool = True) -> Friedman:
    """Return Friedman's test of ranks ``[n, k]`` (Demsar, "Statistical Comparisons of Classifiers over Multiple Data
    Sets", JMLR 7 (2006), section 3.2.2), with Iman and Davenport's statistic.

    Args:
        ranked: see :func:`ranks`.
        ties: divide by the correction for ties, as SciPy does; Demsar's formula has none.

    Raises:
        SymlossError: fewer than 3 losses or 2 datasets.
    """
    n, k = ranked.shape
    if k < 3 or n < 2:
        raise SymlossError(f"Friedman's test compares at least 3 losses on at least 2 datasets; these are {k} on {n}")
    chi = 12 * n / (k * (k + 1)) * float(((ranked.mean(0) - (k + 1) / 2) ** 2).sum())
    if ties:
        counts = [np.unique(row, return_counts=True)[1] for row in ranked]
        correction = 1 - sum(float((c**3 - c).sum()) for c in counts) / (n * k * (k * k - 1))
        if correction <= 0:  # every loss ties with every other everywhere
            return Friedman(0.0, 1.0, 0.0, 1.0)
        chi /= correction
    left = n * (k - 1) - chi
    p = float(stats.chi2.sf(chi, k - 1))
    if left <= 1e-12 * n * k:
        return Friedman(chi, p, None, None)
    f = (n - 1) * chi / left
    return Friedman(chi, p, f, float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))))


def critical_difference(losses: int, datasets: int, alpha: float = 0.05) -> float:
    """Return Nemenyi's critical difference of mean ranks, ``q * sqrt(k(k+1) / 6n)`` (Demsar 2006, section 3.2.2).

    ``q`` is the upper ``alpha`` point of the studentised range of k values with infinitely many degrees of freedom,
    over the square root of 2.

    Raises:
        SymlossError: fewer than 2 losses or 1 dataset, or a level outside (0, 1).
    """
    if losses < 2 or datasets < 1 or not 0 < alpha < 1:
        raise SymlossError(
            f"no critical difference of {losses} losses on {datasets} datasets at level {alpha}; it takes at least 2 "
            "losses, 1 dataset and a level between 0 and 1"
        )
    q = float(stats.studentized_range.ppf(1 - alpha, losses, np.inf)) / math.sqrt(2)
    return q * math.sqrt(losses * (losses + 1) / (6 * datasets))


def groups(mean_ranks: Sequence[float], difference: float) -> tuple[tuple[int, ...], ...]:
    """Return the largest groups of losses whose mean ranks lie less than ``difference`` apart, as places in the list.

    Groups of one are left out, and so is a group inside another. Each is in the order of ranks.
    """
    order = sorted(range(len(mean_ranks)), key=lambda place: mean_ranks[place])
    found: list[tuple[int, ...]] = []
    reached = 0
    for start in range(len(order)):
        stop = start + 1
        while stop < len(order) and mean_ranks[order[stop]] - mean_ranks[order[start]] < difference:
            stop += 1
        if stop > max(reached, start + 1):
            found.append(tuple(order[start:stop]))
            reached = stop
    return tuple(found)


def ranking(scores: Sequence[Sequence[float]], alpha: float = 0.05) -> Ranking:
    """Return how k losses rank over n datasets, from scores ``[n, k]`` of which higher is better.

    Raises:
        SymlossError: as :func:`ranks`.
    """
    ranked = ranks(scores)
    n, k = ranked.shape
    means = tuple(float(value) for value in ranked.mean(0))
    if n < 2 or k < 3:
        return Ranking(means, n, None, None, (), alpha)
    difference = critical_difference(k, n, alpha)
    return Ranking(means, n, friedman(ranked), difference, groups(means, difference), alpha)
