"""Keeps what is trained apart: a second loss with nearly the same curves teaches a search nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

#: Curves nearer than this, as a share of their norm, train alike: at 40 % label noise the scores of good losses so near
#: to each other differ hardly more than those of one loss do by chance (experiments/results/search/README.md).
NEAR = 0.05


class Spacing:
    """Picks from a pool what is not near to anything trained, nor to what it has picked.

    Args:
        pool: the candidates' normalised curves, ``[n]`` each, of norm 1.
        trained: those of what was trained and must not be met again; None where candidates may be near to any and to
            each other, so that each is picked once and that is all.
        near: the distance below which curves are near.
    """

    def __init__(self, pool: Sequence[np.ndarray], trained: Sequence[np.ndarray] | None, near: float = NEAR) -> None:
        self._pool = np.array(pool)
        self._reach = math.inf if trained is None else 1 - near**2 / 2
        self._near = np.zeros(len(pool), bool)
        if trained and len(pool):
            self._mark(np.stack(trained))

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

    def _mark(self, curves: np.ndarray) -> None:
        """Strike off what is near to some curves."""
        # |a - b|^2 = 2 - 2 a.b, as norms are 1; clones differ by less than this rounds, and are near all the same.
        self._near |= (self._pool @ curves.T).max(1) > self._reach
