"""Losses trained with every set of seeds, so that scores of different sets can be compared.

A set of seeds is kind to some losses, and what trains alike has its luck in common. A search that looks at one set
generation after generation learns that luck: with 100 images the second rung's best rose by .7 points, and by the third
rung's seeds those that had climbed were .6 worse (experiments/results/search/README.md). So each turn of 128 candidates
has a set of its own on the first rungs. Sets differ in difficulty, by more than losses do; how much, these losses tell.
They are chosen by seeds of a trial, which no rung has: what is chosen by a set's scores is luckier there than
elsewhere, and would tell too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from symloss.formula import Formula
from symloss.losses import CatalogueLoss
from symloss.search.candidate import Candidate, Scores, means


class Anchors:
    """The baselines, and some good losses of the first generation.

    Args:
        baselines: catalogue losses by id.

    Attributes:
        losses: all of them, by id.
        chosen: the candidates among them.
        first: for each rung by number their scores with the first set of seeds, by id.
    """

    #: How many candidates there are among them.
    CHOSEN = 8

    def __init__(self, baselines: Mapping[str, CatalogueLoss]) -> None:
        self.losses: dict[str, Formula | CatalogueLoss] = dict(baselines)
        self.chosen: list[Candidate] = []
        self.first: dict[int, Mapping[str, Scores]] = {}

    def choose(self, candidates: Iterable[Candidate]) -> None:
        """Take in candidates."""
        self.chosen = list(candidates)
        self.losses |= {candidate.id: candidate.derivation.formula for candidate in self.chosen}

    def level(self, number: int, scores: Mapping[str, Scores]) -> np.ndarray:
        """Return what to add to scores of a set of seeds to compare them with the first set's, ``[tasks, metrics]``.

        It is the median over the anchors, as one of them may collapse with some seed.

        Args:
            number: of the rung.
            scores: each anchor's there with the set in question, by id.
        """
        gaps = np.stack([means(self.first[number][name]) - means(scores[name]) for name in self.losses])
        known = np.isfinite(gaps).any(0)
        return np.where(known, np.nanmedian(np.where(known, gaps, 0.0), 0), 0.0)


def shifted(scores: Scores, level: np.ndarray) -> Scores:
    """Return scores with a level ``[tasks, metrics]`` added to each seed's."""
    return tuple(
        tuple(tuple(value + float(part) for value in seeds) for seeds, part in zip(metrics, parts, strict=True))
        for metrics, parts in zip(scores, level, strict=True)
    )
