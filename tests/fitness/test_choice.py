from __future__ import annotations

import re

import pytest
import torch

from symloss.codegen.tables import TableGradients
from symloss.fitness import choice, choose_engine, train_population
from symloss.fitness.reference import train_reference
from symloss.fitness.training import Training
from symloss.tasks import TaskConfig, load_task


def task_of(model, engine="auto", batch=64, **settings):
    return load_task(TaskConfig(model=f"population_zoo:{model}", engine=engine, batch=batch, **settings))


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    monkeypatch.setattr(choice, "_CHOSEN", {})
    monkeypatch.setattr(choice, "_OBSTACLES", {})


@pytest.mark.parametrize(("single", "stacked", "engine"), [(1.0, 0.7, "single"), (1.0, 0.6, "stacked")])
def test_stacked_must_be_clearly_faster_on_a_cpu(monkeypatch, single, stacked, engine):
    calls = []

    def seconds(trainings, device):
        calls.append(trainings)
        networks = sum(training.network.finite().numel() for training in trainings)
        kind = type(trainings[0].network).__name__
        return networks * choice._STEPS * (stacked if kind == "PopulationStacked" else single)

    monkeypatch.setattr(choice, "_seconds", seconds)
    found = choice.choose(task_of("smooth"), "cpu", 16, 2)
    assert (found.engine, found.single, found.stacked) == (engine, pytest.approx(single), pytest.approx(stacked))
    assert {len(trainings) for trainings in calls} == {2}  # both cores
    before = len(calls)
    assert choose_engine(task_of("smooth"), "cpu", 3) == engine
    assert len(calls) == before  # once a process


def test_the_measurement_decides_and_is_told():
    found = choice.choose(task_of("smooth", batch=8), "cpu", 16, 1)
    assert min(found.single, found.stacked) > 0
    assert found.engine == ("stacked" if 1.5 * found.stacked < found.single else "single")
    assert f"{1e3 * found.single:.3g} ms a step of one network with single" in found.reason


def test_configuration_decides_where_it_says_so(monkeypatch):
    monkeypatch.setattr(choice, "_measured", lambda *_: pytest.fail("measured"))
    assert choose_engine(task_of("smooth", "single"), "cpu", 4) == "single"
    assert choose_engine(task_of("smooth", "stacked"), "cpu", 4) == "stacked"
    assert choose_engine(load_task(TaskConfig(engine="stacked")), "cpu", 4) == "mlp"


@pytest.mark.parametrize(
    ("model", "batch", "reason"),
    [
        ("branching", 64, "RuntimeError: vmap.*control flow"),
        ("replacing", 64, "its buffer 'mean' is not what it is when it trains alone"),
        ("smooth", 30, "the batch must be a multiple of 4"),
    ],
)
def test_network_that_cannot_be_stacked_trains_alone(model, batch, reason, tables, criterions):
    task = task_of(model, "stacked", batch)
    scores = train_population(task, TableGradients(tables("ce", "brier")), [0], 10)
    assert scores.engine == "single"
    assert "cannot be stacked" in scores.reason
    assert re.search(reason, scores.reason)
    training = Training(task, TableGradients(tables("ce")), [0], "cpu", engine="single", total=10)
    training.advance(10)
    expected = train_reference(task, criterions["ce"], 0, 10).state_dict()
    for name, value in (training.network.weights(0, 0) | training.network.buffers(0, 0)).items():
        assert torch.allclose(value, expected[name], rtol=1e-4, atol=1e-6)


def test_stack_whose_gradients_differ_is_refused(monkeypatch):
    from symloss.fitness.stacked import PopulationStacked

    plain = PopulationStacked.backward

    def wrong(self, gradient):
        plain(self, gradient)
        self.gradients.mul_(1.01)

    monkeypatch.setattr(PopulationStacked, "backward", wrong)
    assert "gradients are not what they are" in choice.choose(task_of("smooth", "stacked"), "cpu", 4).reason


def test_stack_that_rounds_by_place_is_refused(monkeypatch):
    from symloss.fitness.stacked import PopulationStacked

    plain = PopulationStacked.backward

    def wrong(self, gradient):
        plain(self, gradient)
        self.gradients[-70:] *= 1 + 1e-6

    monkeypatch.setattr(PopulationStacked, "backward", wrong)
    assert "from place to place" in choice.choose(task_of("smooth", "stacked"), "cpu", 4).reason
