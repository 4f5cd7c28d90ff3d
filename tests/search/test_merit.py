"""One number from many scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from symloss.search import Merit


def merit(
    scores: list[list[list[float]]], reference: list[list[float]], higher: tuple[bool, ...] = (True,)
) -> list[float]:
    return Merit(higher)(np.array(scores), np.array(reference)).tolist()


def test_one_task_and_one_metric_is_the_score_itself() -> None:
    assert merit([[[0.9]], [[0.2]]], [[0.95]]) == [0.9, 0.2]
    assert merit([[[0.9]], [[0.2]]], [[0.95]], (False,)) == [-0.9, -0.2]


def test_several_tasks_count_ranks_and_not_points() -> None:
    # The first is best twice by a hair; the second loses one of them and wins the other by a mile.
    found = merit([[[0.91], [0.81], [0.50]], [[0.90], [0.80], [0.99]]], [[0.9], [0.8], [0.5]])
    assert found == [pytest.approx(2 / 3), pytest.approx(1 / 3)]


def test_a_loss_that_collapses_on_one_task_is_last_whatever_it_does_elsewhere() -> None:
    scores = [[[0.99], [0.99], [0.10]], [[0.5], [0.5], [0.5]], [[0.6], [0.6], [0.6]]]
    found = merit(scores, [[0.5], [0.5], [0.5]])
    assert found[2] > found[1] > found[0]
    # On one task there is nothing else to stand by.
    assert merit([[[0.1]], [[0.5]]], [[0.5]]) == [0.1, 0.5]


def test_several_metrics_make_fronts_and_the_ends_of_a_front_come_first() -> None:
    # Accuracy up, calibration error down. The fourth is beaten by the second, the fifth by all but the first.
    scores = [[[0.99, 0.30]], [[0.95, 0.20]], [[0.90, 0.05]], [[0.94, 0.21]], [[0.80, 0.29]]]
    found = merit(scores, [[0.9, 0.1]], (True, False))
    assert found[0] > found[2] > found[1] > 0
    assert -1 <= found[3] < 0
    assert -2 <= found[4] < -1


@pytest.mark.parametrize("order", [(True, False), (False, True)])
def test_a_network_at_chance_is_perfectly_calibrated_and_last(order: tuple[bool, ...]) -> None:
    scores = np.array([[[0.10, 0.0]], [[0.98, 0.02]], [[0.90, 0.05]]])
    reference = np.array([[0.95, 0.03]])
    if not order[0]:
        scores, reference = scores[..., ::-1], reference[:, ::-1]
    found = Merit(order)(scores, reference)
    assert found[1] > found[2] > found[0]


def test_nan_is_kept_out_of_the_ranks() -> None:
    scores = [[[0.9], [float("nan")]], [[0.8], [0.8]], [[0.7], [0.9]]]
    found = merit(scores, [[0.5], [0.5]])
    assert np.isnan(found[0])
    assert found[1:] == [0.5, 0.5]
    assert np.isnan(merit([[[float("nan")]]], [[0.5]])).all()


@given(arrays(float, (7, 2, 2), elements=st.floats(0, 1, width=16)))
def test_a_loss_that_is_nowhere_worse_and_somewhere_better_has_no_lower_merit(scores: np.ndarray) -> None:
    reference = np.full((2, 2), 0.4)
    found = Merit((True, False))(scores, reference)
    signed = scores * [1, -1]
    for a in range(7):
        for b in range(7):
            if (signed[a] >= signed[b]).all() and (signed[a] > signed[b]).any():
                assert found[a] >= found[b] - 1  # within a front crowding decides, and a tie in rank shares it
                collapsed = (scores[[a, b], :, 0] < 0.75 * 0.4).any(1)
                assert collapsed[0] <= collapsed[1]
