"""Comparing losses."""

from __future__ import annotations

import pytest

from symloss.benchmark import Contender, catalogue_contenders, compare, holm, paired_difference
from symloss.codegen.gradients import gradients_of, tabulate
from symloss.codegen.tables import AutogradGradients, MixedGradients, TableGradients
from symloss.errors import SymlossError
from symloss.formula import parse_formula
from symloss.tasks import TaskConfig, load_task

JUMP = parse_formula("-y_true*y_pred*(2 + sign(y_pred - 0.3))")
TASK = load_task(TaskConfig(steps=60))


def test_gains_are_paired_with_the_baseline_wherever_it_stands() -> None:
    rows = compare([*catalogue_contenders(["ngl", "ce", "mae"]), Contender("jump", JUMP)], TASK, 3)
    assert [row.contender.name for row in rows] == ["ngl", "ce", "mae", "jump"]
    assert rows[1].gain is None
    assert rows[1].scale == pytest.approx(1.0)
    others = [rows[0], rows[2], rows[3]]
    for row in others:
        assert row.gain == paired_difference(row.test.scores, rows[1].test.scores)
    assert [row.p_adjusted for row in others] == holm([row.gain.p for row in others if row.gain and row.gain.p])
    assert all(0.3 < row.validation.mean <= 1 for row in rows)


def test_the_same_loss_in_another_form_and_company_scores_the_same_bits() -> None:
    alone = compare(catalogue_contenders(["ce"]), TASK, 2)
    twice = compare([Contender("ce", parse_formula("-y_true*log(y_pred)")), Contender("other", JUMP)], TASK, 2)
    assert alone[0].test == twice[0].test


def test_what_is_refused() -> None:
    with pytest.raises(SymlossError, match="the baseline 'ce' is not among the losses ngl"):
        compare(catalogue_contenders(["ngl"]), TASK, 2)
    with pytest.raises(SymlossError, match="the number of seeds is 1"):
        compare(catalogue_contenders(["ce"]), TASK, 1)
    with pytest.raises(SymlossError, match="no finite gradient at uniform p"):
        gradients_of([parse_formula("y_pred + y_true")], 10)


def test_losses_that_no_table_resolves_go_through_autograd() -> None:
    ce = parse_formula("-y_true*log(y_pred)")
    assert tabulate(ce, 10).resolved
    assert not tabulate(JUMP, 10).resolved
    assert isinstance(gradients_of([ce], 10), TableGradients)
    assert isinstance(gradients_of([JUMP], 10), AutogradGradients)
    assert isinstance(gradients_of([ce, JUMP], 10), MixedGradients)
