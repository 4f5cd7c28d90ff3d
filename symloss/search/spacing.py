"""Keeps what is trained apart: a second loss that trains nearly like one before teaches a search nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

#: Profiles nearer than this, as a share of their norm, train alike: the scores of losses so near to each other differ
#: by .1 to .3 points, and those of one loss on the first rung by more (experiments/results/search/README.md).
NEAR = 0.05


class Spacing:
    """Picks from a pool what is not near to anything trained, nor to what it has picked.

    Args:
        pool: the candidates' profiles, ``[n]`` each: see :func:`~symloss.search.profile.profile`.
        trained: those of what was trained and must not be met again; None where candidates may be near to any and to
            each other, so that each is picked once and that is all.
        near: the distance below which profiles are near, once they have norm 1.
    """

    def __init__(self, pool: Sequence[np.ndarray], trained: Sequence[np.ndarray] | None, near: float = NEAR) -> None:
        self._pool = _directions(pool)
        self._reach = math.inf if trained is None else 1 - near**2 / 2
        self._near = np.zeros(len(pool), bool)
        if trained and len(pool):
            self._mark(_directions(trained))

    def pick(self, order: Iterable[int], count: float = math.inf) -> list[int]:
        """Return the first places of an order that may be trained, at most so many; they are not picked again."""
        picked: list[int] = []
        for place in order:
            if len(picked) >= count:
                break
            if not self._near[place]:
                picked.append(place)
                self._near[place] = True
                self._mark(self._pool[place : place + 1])
        return picked

    def _mark(self, directions: np.ndarray) -> None:
        """Strike off what is near to some profiles."""
        # |a - b|^2 = 2 - 2 a.b, as norms are 1; clones differ by less than this rounds, and are near all the same.
        self._near |= (self._pool @ directions.T).max(1) > self._reach


def _directions(profiles: Sequence[np.ndarray]) -> np.ndarray:
    """Return profiles as rows of norm 1."""
    rows = np.array(profiles)
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)
