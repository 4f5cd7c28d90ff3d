"""Scores of different seeds on one level."""

from __future__ import annotations

import numpy as np

from symloss.losses import find
from symloss.search.anchors import Anchors, shifted

BASELINES = {name: find(name) for name in ("ce", "ngl", "focal")}


def scores(*values: float) -> dict[str, tuple[tuple[tuple[float, ...], ...], ...]]:
    """Return scores of the baselines by one metric, two seeds each."""
    return {name: (((value - 0.1, value + 0.1),),) for name, value in zip(BASELINES, values, strict=True)}


def test_the_level_is_the_median_gap_so_one_that_collapses_or_is_nan_is_no_matter() -> None:
    anchors = Anchors(BASELINES)
    anchors.first[1] = scores(0.9, 0.8, 0.7)
    np.testing.assert_allclose(anchors.level(1, scores(0.85, 0.76, 0.1)), [[0.05]])
    np.testing.assert_allclose(anchors.level(1, scores(0.85, 0.77, float("nan"))), [[0.04]])
    nothing = scores(*[float("nan")] * 3)
    assert anchors.level(1, nothing).tolist() == [[0.0]]


def test_a_level_goes_to_every_seed_of_its_task_and_metric() -> None:
    two = ((((0.1, 0.2)), (0.3, 0.4)), ((0.5, 0.6), (0.7, float("nan"))))
    found = shifted(two, np.array([[0.0, 1.0], [2.0, 3.0]]))
    np.testing.assert_allclose(found[0], [[0.1, 0.2], [1.3, 1.4]])
    np.testing.assert_allclose(found[1], [[2.5, 2.6], [3.7, np.nan]])
