from __future__ import annotations

import pytest
import torch

from symloss.fitness.free_logits import PASS, free_logits_accuracy

LEARNS = ["ce", "brier", "mae", "focal", "gce", "ngl", "exp"]
FAILS = ["nothing", "wrong sign", "label blind"]


@pytest.mark.parametrize("classes", [2, 3, 10, 100])
def test_known_losses_pass_and_useless_ones_fail(tables, classes):
    found = dict(zip(LEARNS + FAILS, free_logits_accuracy(tables(*LEARNS, *FAILS), classes), strict=True))
    assert all(found[name] > 0.92 for name in LEARNS), found
    assert all(found[name] < 0.7 for name in FAILS), found
    assert 0.7 < PASS < 0.95


def test_negated_losses_fail(tables):
    assert free_logits_accuracy(-tables(*LEARNS), 10).max() < 0.2


def test_scale_does_not_matter(tables):
    expected = free_logits_accuracy(tables("ngl", "mae"), 10)
    for scale in (1e-12, 1e12):
        assert free_logits_accuracy(scale * tables("ngl", "mae"), 10) == pytest.approx(expected)


def test_result_does_not_depend_on_neighbours(tables):
    together = free_logits_accuracy(tables(*LEARNS, *FAILS), 10, steps=4)
    assert len(set(together)) > 3
    for k, name in enumerate(LEARNS + FAILS):
        assert free_logits_accuracy(tables(name), 10, steps=4)[0] == together[k]


def test_table_that_is_not_finite_scores_zero_and_touches_no_other(tables):
    stack = tables("ce", "brier", "ce")
    stack[1] = torch.nan
    assert free_logits_accuracy(stack, 10).tolist() == [1.0, 0.0, 1.0]


def test_many_classes_get_as_many_steps(tables):
    # Where a softmax starts at 1/100, MAE's gradient is a hundredth of cross-entropy's.
    stack = tables("ce", "mae")
    assert free_logits_accuracy(stack, 100, steps=30)[1] < PASS < free_logits_accuracy(stack, 100).min()
