from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symloss.codegen.tables import TableGradients
from symloss.fitness import evaluation, train_population
from symloss.fitness.evaluation import groups
from symloss.tasks import METRICS, TaskConfig, load_task

ALL = ("macro-f1", "accuracy", "balanced-accuracy", "auroc", "ece")


@given(st.integers(1, 60), st.integers(1, 9), st.integers(0, 20))
def test_groups_cover_all_members_once(members, least, most):
    found = groups(members, least, most)
    assert [k for part in found for k in range(members)[part]] == list(range(members))
    sizes = [part.stop - part.start for part in found]
    assert min(sizes) >= min(least, members)
    assert max(sizes) < max(least, most, 1) + least


@pytest.mark.parametrize("model", ["mlp", "population_zoo:smooth"])
@pytest.mark.parametrize("engine", ["single", "stacked"])
def test_metrics_are_those_of_all_logits_whatever_the_memory(model, engine, tables, monkeypatch):
    task = load_task(TaskConfig(model=model, engine=engine, batch=64, metrics=ALL))
    gradients = TableGradients(tables("ce", "brier", "mae", "nothing", "ngl"))
    scores = train_population(task, gradients, [0, 6], [5, 30], test=True)
    assert scores.metrics == ALL
    assert scores.all_validation.shape == scores.all_test.shape == (5, 2, 5, 2)
    assert np.array_equal(scores.validation, scores.all_validation[0])
    assert np.array_equal(scores.test, scores.all_test[0])
    assert np.array_equal(scores.final, scores.all_validation[0, -1])
    plain = train_population(load_task(TaskConfig(model=model, engine=engine, batch=64)), gradients, [0, 6], [5, 30])
    assert np.array_equal(plain.final, scores.all_validation[1, -1])
    monkeypatch.setattr(evaluation, "_LOGITS", 1)
    found = train_population(task, gradients, [0, 6], [5, 30], test=True)
    assert np.array_equal(found.all_validation, scores.all_validation)
    assert np.array_equal(found.all_test, scores.all_test)


def test_each_metric_gets_all_logits_of_a_seed(tables, monkeypatch):
    shapes = []

    def spy(logits, labels):
        shapes.append((tuple(logits.shape), len(labels)))
        return np.zeros(len(logits))

    monkeypatch.setitem(METRICS, "accuracy", spy)
    task = load_task(TaskConfig(hidden=8))
    train_population(task, TableGradients(tables("ce", "mae")), [3], 1, threads=1)
    size = len(task.split(3).validation)
    assert shapes == [((2, size, 10), size)]
