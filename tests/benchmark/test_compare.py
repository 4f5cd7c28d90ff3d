"""Comparing losses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from symloss import losses
from symloss.benchmark import Contender, catalogue_contenders, compare, holm, paired_difference
from symloss.benchmark.compare import rows_of
from symloss.codegen.gradients import gradients_of, scale_of, tabulate
from symloss.codegen.tables import AutogradGradients, MixedGradients, TableGradients
from symloss.errors import SymlossError
from symloss.fitness.reference import accuracy, train_reference
from symloss.formula import parse_formula, to_text
from symloss.losses import CATALOGUE, find
from symloss.symbolic import scale_to_cross_entropy, to_latex
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


def test_a_gain_without_a_p_value_counts_in_the_correction() -> None:
    contenders = catalogue_contenders(["ce", "ngl", "mae"])
    test = np.array([[[0.5, 0.625, 0.5], [0.625, 0.75, 0.625], [0.625, 0.75, 0.75]]])
    rows = rows_of(contenders, ["accuracy"], test, test, [1.0] * 3, "ce")
    assert rows[1].gain is not None
    assert (rows[1].gain.p, rows[1].p_adjusted) == (None, None)  # equal gains on every seed
    assert rows[2].gain is not None
    assert rows[2].gain.p is not None
    assert rows[2].p_adjusted == pytest.approx(2 * rows[2].gain.p)


def test_the_same_loss_in_another_form_and_company_scores_the_same_bits() -> None:
    alone = compare(catalogue_contenders(["ce"]), TASK, 2)
    twice = compare([Contender("ce", parse_formula("-y_true*log(y_pred)")), Contender("other", JUMP)], TASK, 2)
    assert alone[0].test == twice[0].test


#: One of each kind of loss that is more than its formula: an option, a sigmoid, raw logits, coupled classes.
MORE = ["label_smoothed_ce", "bce", "square_logits", "nce_rce"]


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("classes", [2, 7])
def test_every_known_loss_starts_with_the_gradient_norm_of_cross_entropy(name: str, classes: int) -> None:
    loss = CATALOGUE[name]
    criterion = losses.get(name)
    logits = torch.zeros(1, classes, dtype=torch.float64, requires_grad=True)
    (scale_of(loss, classes) * criterion(logits, torch.tensor([1]))).backward()
    # The reduction over classes is a factor, which formulas do without: their scale is for the sum.
    factor = classes if loss.plain and loss.class_reduction == "mean" else 1
    assert logits.grad is not None
    assert factor * logits.grad.norm().item() == pytest.approx(math.sqrt((classes - 1) / classes), rel=1e-12)


def test_a_population_trains_with_that_norm() -> None:
    names = ["ce", "ngl", *MORE]
    gradients = gradients_of([find(name) for name in names], 7)(
        torch.zeros(1, len(names), 3, 7), torch.tensor([[0, 3, 6]])
    )
    # The mean over 3 samples.
    expected = torch.full((1, len(names), 3), math.sqrt(6 / 7) / 3)
    torch.testing.assert_close(gradients.norm(dim=-1), expected, rtol=1e-5, atol=0)


def test_scales_by_hand() -> None:
    # With smoothed labels ce's gradient at uniform p is (1 - s)*(p - y).
    assert scale_of(find("label_smoothed_ce"), 10) == pytest.approx(1 / 0.9, rel=1e-14)
    # p = 1/2 for each of 4 classes; its derivative by the logit is p - y.
    assert scale_of(find("bce"), 4) == pytest.approx(math.sqrt(3 / 4) / math.sqrt(4 / 4), rel=1e-14)
    # N(ce) is log(1/4) / (4*log(1/4)) at uniform p; its denominator's derivative is 0 there.
    assert scale_of(find("nce"), 4) == pytest.approx(4 * math.log(4), rel=1e-14)
    assert scale_of(find("brier"), 10) == scale_to_cross_entropy(find("brier").plain_formula, 10)


@pytest.mark.parametrize("name", MORE)
def test_losses_that_are_more_than_a_formula_train_as_their_module(name: str) -> None:
    row = compare(catalogue_contenders(["ce", name]), TASK, 2)[1]
    assert row.scale == scale_of(find(name), 10)
    test = [torch.tensor(part) for part in TASK.test_set()]
    module = losses.get(name)
    for seed, score in enumerate(row.test.scores):
        network = train_reference(TASK, lambda logits, target: row.scale * module(logits, target), seed, 60)
        assert accuracy(network, *test) == pytest.approx(score, abs=1.5 / len(test[1]))


def test_their_scores_have_the_same_bits_in_any_company() -> None:
    together = compare(catalogue_contenders(["ngl", *MORE, "ce", "mae"]), TASK, 2)
    assert [row.contender.name for row in together] == ["ngl", *MORE, "ce", "mae"]
    for row in together:
        name = row.contender.name
        alone = compare(catalogue_contenders([name]), TASK, 2, baseline=name)[0]
        assert alone.test == row.test, name
        assert alone.validation == row.validation, name


def test_the_row_of_a_loss_that_is_more_than_a_formula() -> None:
    rows = compare(catalogue_contenders(["ce", "bce", "nce_rce(beta=2)", "label_smoothed_ce"]), TASK, 2)
    found = {row.contender.name: row.to_json() for row in rows}
    assert list(found) == ["ce", "bce", "nce_rce(beta=2)", "label_smoothed_ce"]
    assert len({tuple(row) for row in found.values()}) == 1  # the same keys
    assert found["ce"]["note"] is None
    assert found["ce"]["certificate"]["r1"]["status"] == "proven"
    assert "sigmoid" in found["bce"]["note"]
    assert "couples the classes" in found["nce_rce(beta=2)"]["note"]
    assert "label_smoothing=0.1" in found["label_smoothed_ce"]["note"]
    for name, row in found.items():
        loss = find(name)
        assert (row["expression"], row["latex"], row["id"], row["size"]) == (loss.text, loss.latex, loss.id, loss.size)
        if name != "ce":
            assert row["certificate"] is None


def test_a_known_loss_and_its_formula_are_one_row() -> None:
    formula = find("focal").plain_formula
    known, written = Contender("focal", find("focal")), Contender("focal", formula)
    assert known.to_json() == written.to_json()
    assert (written.to_json()["expression"], written.to_json()["latex"]) == (to_text(formula), to_latex(formula))


def test_names_with_parameters_and_names_given_twice() -> None:
    names = ["cross_entropy", "focal(gamma=2)", "focal", "ce", "focal(gamma=1)"]
    assert [contender.name for contender in catalogue_contenders(names)] == ["ce", "focal", "focal(gamma=1)"]


def test_what_is_refused() -> None:
    with pytest.raises(SymlossError, match="the baseline 'ce' is not among the losses ngl"):
        compare(catalogue_contenders(["ngl"]), TASK, 2)
    with pytest.raises(SymlossError, match="the number of seeds is 1"):
        compare(catalogue_contenders(["ce"]), TASK, 1)
    with pytest.raises(SymlossError, match="no finite gradient at uniform p"):
        gradients_of([parse_formula("y_pred + y_true")], 10)
    with pytest.raises(
        SymlossError, match=r"label_smoothed_ce\(label_smoothing=1\) has no finite gradient at logits of"
    ):
        gradients_of([find("label_smoothed_ce(label_smoothing=1)")], 10)


def test_losses_that_no_table_resolves_go_through_autograd() -> None:
    ce = parse_formula("-y_true*log(y_pred)")
    assert tabulate(ce, 10).resolved
    assert not tabulate(JUMP, 10).resolved
    assert isinstance(gradients_of([ce], 10), TableGradients)
    assert isinstance(gradients_of([JUMP], 10), AutogradGradients)
    assert isinstance(gradients_of([ce, JUMP], 10), MixedGradients)
    assert isinstance(gradients_of([find("ce"), find("ngl")], 10), TableGradients)
    for name in MORE:
        assert isinstance(gradients_of([find(name)], 10), AutogradGradients)
        assert isinstance(gradients_of([find(name), find("ce")], 10), MixedGradients)
