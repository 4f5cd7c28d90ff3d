"""Where the first rung ends."""

from __future__ import annotations

import numpy as np

from symloss.search.trial import Trial

MERIT = np.arange(8.0)


def trial(halves: np.ndarray | None = None) -> Trial:
    return Trial(np.stack([MERIT, MERIT]) if halves is None else halves, MERIT)


def test_only_the_order_of_the_better_half_counts() -> None:
    assert trial().suffices(MERIT**3)
    assert trial().suffices(np.array([9, 8, 7, 6, 4, 5, 6, 7]))
    assert not trial().suffices(np.array([0, 1, 2, 3, 7, 6, 5, 4]))
    assert not trial().suffices(np.zeros(8))


def test_as_much_agreement_is_asked_as_all_steps_have_with_themselves() -> None:
    swapped = np.array([0, 1, 2, 3, 5, 4, 7, 6])  # of the better half: rho 0.6
    assert not trial().suffices(swapped)
    assert trial(np.stack([MERIT, swapped])).suffices(swapped)
    assert trial(np.stack([MERIT, -MERIT])).suffices(-MERIT)  # noise alone


def test_a_loss_without_a_score_is_the_worst() -> None:
    missing = np.where(MERIT == 7, np.nan, MERIT)
    assert not trial().suffices(missing)
    assert Trial(np.stack([missing, missing]), missing).suffices(missing)
