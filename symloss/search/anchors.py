"""Losses trained with every set of seeds, so that scores of different sets can be compared.

A set of seeds is kind to some losses: what trains alike has its luck in common. A search that looks at one set
generation after generation learns that luck, and what it ends with is no better than what it began with: with 100
images the first rungs' best rose by a point, and by 80 other seeds nothing had risen (experiments/results/search/
README.md). So each generation has a set of its own on the first rungs. Sets differ in difficulty, by more than losses
do; how much, these losses tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from symloss.formula import Formula
from symloss.losses import CatalogueLoss
from symloss.search.candidate import Candidate, Scores, means


class Anchors:
    """The baselines, and what of the first generation climbs all rungs of the ladder.

    Args:
        baselines: catalogue losses by id.

    Attributes:
        losses: all of them, by id.
    """

    def __init__(self, baselines: Mapping[str, CatalogueLoss]) -> None:
        self.losses: dict[str, Formula | CatalogueLoss] = dict(baselines)

    def choose(self, generation: Iterable[Candidate], rung: int) -> None:
        """Take in the candidates of a generation that were trained on a rung."""
        self.losses |= {c.id: c.derivation.formula for c in generation if rung in c.scores}

    def level(self, first: Mapping[str, Scores], scores: Mapping[str, Scores]) -> np.ndarray:
        """Return what to add to scores of a set of seeds to compare them with the first set's, ``[tasks, metrics]``.

        It is the median over the anchors, as one of them may collapse with some seed.

        Args:
            first: each anchor's scores with the first set, by id.
            scores: with the set in question.
        """
        gaps = np.stack([means(first[name]) - means(scores[name]) for name in self.losses])
        known = np.isfinite(gaps).any(0)
        return np.where(known, np.nanmedian(np.where(known, gaps, 0.0), 0), 0.0)


def shifted(scores: Scores, level: np.ndarray) -> Scores:
    """Return scores with a level ``[tasks, metrics]`` added to each seed's."""
    return tuple(
        tuple(tuple(value + float(part) for value in seeds) for seeds, part in zip(metrics, parts, strict=True))
        for metrics, parts in zip(scores, level, strict=True)
    )
