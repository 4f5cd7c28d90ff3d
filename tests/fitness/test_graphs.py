from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from symloss.codegen.tables import AutogradGradients, TableGradients
from symloss.fitness import train_population
from symloss.fitness.graphs import StepRunner
from symloss.fitness.reference import train_reference
from symloss.fitness.training import Training
from symloss.tasks import TaskConfig, load_task

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
MODELS = [("mlp", "mlp"), ("population_zoo:smooth", "stacked"), ("population_zoo:smooth", "single")]


def test_without_a_capture_steps_run_as_they_are():
    calls = []
    run = StepRunner(lambda order, target: calls.append((order, target)), capture=False)
    pairs = [(torch.tensor([k]), torch.tensor([-k])) for k in range(9)]
    for pair in pairs:
        run(*pair)
    assert all(a is b for call, pair in zip(calls, pairs, strict=True) for a, b in zip(call, pair, strict=True))
    assert run.obstacle is None


class FakeGraph:
    """Stands in for a CUDA graph: replaying calls what was recorded."""

    recorded = ()
    replays = 0

    def replay(self):
        FakeGraph.replays += 1
        FakeGraph.recorded[0]()


@pytest.fixture
def fake_cuda(monkeypatch):
    class Stream:
        def wait_stream(self, other):
            pass

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "graph", lambda graph: nullcontext())
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", FakeGraph)
    monkeypatch.setattr(FakeGraph, "replays", 0)


def test_each_step_is_taken_once_and_replays_read_their_own_batch(fake_cuda):
    seen = []

    def step(order, target):
        if len(seen) == 3 and not FakeGraph.replays:  # being recorded: nothing runs
            FakeGraph.recorded = (lambda: seen.append((order.item(), target.item())),)
        else:
            seen.append((order.item(), target.item()))

    run = StepRunner(step, capture=True)
    for k in range(9):
        run(torch.tensor(k), torch.tensor(-k))
    assert seen == [(k, -k) for k in range(9)]
    assert FakeGraph.replays == 6


@pytest.mark.parametrize("error", [RuntimeError("operation not permitted when stream is capturing"), ValueError("no")])
def test_step_that_cannot_be_captured_runs_as_it_is_and_the_reason_is_kept(fake_cuda, error):
    seen = []

    def step(order, target):
        if len(seen) == 3 and run.obstacle is None:
            raise error
        seen.append(order.item())

    run = StepRunner(step, capture=True)
    for k in range(9):
        run(torch.tensor(k), torch.tensor(k))
    assert seen == list(range(9))
    assert FakeGraph.replays == 0
    assert str(error) in run.obstacle


def test_memory_that_runs_out_in_a_capture_is_an_error_for_the_chunk(fake_cuda):
    calls = []

    def step(order, target):
        calls.append(1)
        if len(calls) == 4:
            raise torch.OutOfMemoryError("CUDA out of memory")

    run = StepRunner(step, capture=True)
    for k in range(3):
        run(torch.tensor(k), torch.tensor(k))
    with pytest.raises(torch.OutOfMemoryError):
        run(torch.tensor(3), torch.tensor(3))


@needs_gpu
@pytest.mark.parametrize(("model", "engine"), MODELS)
@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_captured_steps_train_like_plain_ones(model, engine, optimizer, tables, criterions):
    task = load_task(TaskConfig(model=model, batch=64, optimizer=optimizer, schedule="cosine", warmup=0.1))
    gradients = TableGradients(tables("ce", "brier")).to("cuda")
    training = Training(task, gradients, [0, 1], "cuda", engine=engine, total=60)
    training.advance(30)
    training.validation()  # its memory must not be the graph's
    training.advance(60)
    assert training._run.obstacle is None
    assert training._run._graph is not None
    for s in (0, 1):
        for k, name in enumerate(("ce", "brier")):
            expected = train_reference(task, criterions[name], s, 60, "cuda")
            pairs = zip(training.network.weights(s, k).values(), expected.parameters(), strict=True)
            assert max(((a - b).abs().max() / b.abs().max()).item() for a, b in pairs) < 1e-2


@needs_gpu
def test_loss_that_no_graph_holds_runs_eagerly(tables):
    def asking(logits, target):
        loss = torch.nn.functional.cross_entropy(logits, target)
        return loss if loss.item() < 1e9 else 2 * loss

    task = load_task(TaskConfig(batch=64))
    training = Training(task, AutogradGradients([asking] * 2), [0], "cuda", total=60)
    training.advance(60)
    assert training._run.obstacle is not None
    assert training.validation()[0, 0, 0] > 0.8


@needs_gpu
@pytest.mark.parametrize(("model", "engine"), MODELS)
def test_bfloat16_learns_on_a_gpu(model, engine, tables):
    setting = "auto" if engine == "mlp" else engine
    task = load_task(TaskConfig(model=model, engine=setting, batch=64, precision="bfloat16"))
    scores = train_population(task, TableGradients(tables("ce", "brier")), [0, 1], 200, device="cuda")
    assert scores.engine == engine
    assert scores.final.min() > 0.9


@pytest.mark.skipif(not torch.backends.mps.is_available(), reason="needs Apple's GPU")
@pytest.mark.parametrize(("model", "engine"), MODELS)
def test_training_on_apples_gpu(model, engine, tables):
    task = load_task(TaskConfig(model=model, engine="auto" if engine == "mlp" else engine, batch=64))
    scores = train_population(task, TableGradients(tables("ce", "brier")), [0], 200, test=True, device="mps")
    assert scores.final.min() > 0.9


def test_bfloat16_changes_nothing_on_a_cpu(tables):
    gradients = TableGradients(tables("ce", "brier"))
    found = [
        train_population(
            load_task(TaskConfig(model="population_zoo:smooth", engine="single", batch=64, precision=precision)),
            gradients,
            [0],
            10,
        ).final
        for precision in ("float32", "bfloat16")
    ]
    assert (found[0] == found[1]).all()
