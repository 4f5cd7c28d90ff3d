from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from symloss.codegen.tables import AutogradGradients, MixedGradients, TableGradients
from symloss.errors import SymlossError
from symloss.fitness.population import train_population
from symloss.fitness.reference import accuracy, train_reference
from symloss.fitness.training import Training
from symloss.tasks import TaskConfig, load_task


@pytest.fixture(scope="module")
def task():
    return load_task(TaskConfig(hidden=32, batch=64, label_noise=0.1))


@pytest.fixture
def threads():
    setting = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(setting)


@pytest.mark.parametrize("batch", [64, 37])
def test_weights_agree_with_plain_training(batch, tables, criterions):
    task = load_task(TaskConfig(hidden=32, batch=batch, label_noise=0.1))
    training = Training(task, TableGradients(tables(*criterions)), [3, 11], "cpu", total=100)
    training.advance(100)
    for s, seed in enumerate((3, 11)):
        for k, criterion in enumerate(criterions.values()):
            network = train_reference(task, criterion, seed, 100)
            for found, expected in zip(training.network.weights(s, k).values(), network.parameters(), strict=True):
                error = (found - expected).abs().max() / expected.abs().max()
                assert error < 1e-4
            split = task.split(seed)
            labels = torch.tensor(task.labels[split.validation])
            score = accuracy(network, torch.tensor(task.inputs[split.validation]), labels)
            assert training.validation()[0, k, s] == score
            rows, labels = (torch.tensor(part) for part in task.test_set())
            assert training.test()[0, k, s] == pytest.approx(accuracy(network, rows, labels), abs=1e-9)


def test_gradients_agree_with_autograd_of_one_network(task, tables, criterions):
    training = Training(task, TableGradients(tables("ce", "brier")), [0], "cpu", total=1)
    training.advance(1)
    network = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    order, target = training._draw(0, 1)
    before = Training(task, TableGradients(tables("ce", "brier")), [0], "cpu", total=1).network.weights(0, 1)
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), before.values(), strict=True):
            parameter.copy_(value)
    criterions["brier"](network(torch.tensor(task.inputs).flatten(1)[order[0, 0]]), target[0, 0]).backward()
    views = training.network._g
    for found, parameter in zip(views.values(), network.parameters(), strict=True):
        assert torch.allclose(found[0, 1], parameter.grad, rtol=1e-4, atol=1e-7)


NAMES = ["ce", "brier", "mae", "focal", "gce", "ngl", "exp"]


def test_bits_of_scores_do_not_depend_on_neighbours_chunk_threads_or_checkpoints(task, tables, threads):
    seeds = [4, 0, 13]
    whole = TableGradients(tables(*NAMES))
    threads(2)
    expected = train_population(task, whole, seeds, [3, 40], threads=1)
    for options in ({"threads": 2}, {"threads": 3, "chunk": 6}, {"threads": 1, "chunk": 1}):
        found = train_population(task, whole, seeds, [3, 40], **options)
        assert np.array_equal(found.validation, expected.validation)
    # The caller's setting is back, for threads that start later as well.
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == torch.get_num_threads() == 2
    later = train_population(task, whole.select([5, 1]), [13], 40)
    assert np.array_equal(later.final[:, 0], expected.final[[5, 1], 2])


@pytest.mark.parametrize(("hidden", "batch"), [(32, 64), (7, 37), (3, 1)])
def test_bits_of_weights_do_not_depend_on_neighbours_place_threads_or_pauses(tables, threads, hidden, batch):
    # Sizes that fill no vector register are the ones where a BLAS kernel or a fused loop rounds by place.
    task = load_task(TaskConfig(hidden=hidden, batch=batch))
    whole = TableGradients(tables(*NAMES))

    def weights(members, steps, group):
        training = Training(task, whole.select(members), group, "cpu", total=60)
        for step in steps:
            training.advance(step)
        return training.network

    reference = weights(range(7), [60], [13])
    for members in ([5, 1], [1, 5, 5, 0, 2, 3, 4, 6, 6], [5, 5], [*range(7)] * 3):
        for count in (1, 2):
            threads(count)
            network = weights(members, [3, 17, 60], [4, 13])
            for k, member in enumerate(members):
                for name, value in reference.weights(0, member).items():
                    assert torch.equal(network.weights(1, k)[name], value)


def test_lone_network_has_the_same_bits_as_in_company(task, tables):
    together = train_population(task, TableGradients(tables(*NAMES)), [1], 60).final
    for k, name in enumerate(NAMES):
        alone = train_population(task, TableGradients(tables(name)), [1], 60)
        assert alone.final.shape == (1, 1)
        assert alone.final[0, 0] == together[k, 0]


def test_lone_network_trains_beside_a_twin(task, criterions):
    # A batched product of one matrix may take another BLAS path than of several; which sizes do differs by machine.
    calls = []

    def counted(logits, target):
        calls.append(1)
        return criterions["ce"](logits, target)

    train_population(task, AutogradGradients([counted]), [0], 3)
    assert len(calls) == 2 * 3


def test_diverging_network_scores_zero_and_touches_no_other(task, tables, criterions):
    def broken(logits, target):
        return logits.sum() * torch.nan

    good = TableGradients(tables("ce", "exp"))
    expected = train_population(task, good, [0, 1], 30)
    gradients = MixedGradients([good, AutogradGradients([broken])], [[0, 2], [1]])
    found = train_population(task, gradients, [0, 1], 30, test=True)
    assert np.array_equal(found.final[[0, 2]], expected.final)
    assert np.array_equal(found.final[1], [0.0, 0.0])
    assert np.array_equal(found.test[-1, 1], [0.0, 0.0])
    assert found.diverged.tolist() == [[False, False], [True, True], [False, False]]


def test_table_that_overflows_touches_no_other(task, tables):
    found = train_population(task, TableGradients(tables("explodes", "ce", "explodes")), [0], 30)
    expected = train_population(task, TableGradients(tables("ce")), [0], 30)
    assert found.final[1, 0] == expected.final[0, 0]
    assert np.isfinite(found.final).all()


def test_autograd_and_tables_train_alike(task, tables, criterions):
    names = ["ce", "brier", "ngl"]
    through_tables = train_population(task, TableGradients(tables(*names)), [2], 60)
    through_autograd = train_population(task, AutogradGradients([criterions[n] for n in names]), [2], 60)
    assert through_autograd.final == pytest.approx(through_tables.final, abs=0.005)


def test_training_learns_and_the_mean_over_five_folds_is_high(tables):
    scores = train_population(load_task(TaskConfig()), TableGradients(tables("ce", "nothing")), range(5), 300)
    assert scores.final[0].mean() > 0.95
    assert scores.final[1].mean() < 0.3


def test_test_set_is_read_only_on_request(tables, monkeypatch):
    task = load_task(TaskConfig(hidden=8))
    monkeypatch.setattr(
        type(task), "test_set", lambda self: (_ for _ in ()).throw(AssertionError("the test set was read"))
    )
    assert train_population(task, TableGradients(tables("ce")), [0], 2).test is None
    with pytest.raises(AssertionError, match="was read"):
        train_population(task, TableGradients(tables("ce")), [0], 2, test=True)


def test_uneven_validation_parts_are_each_counted_in_full(task, tables):
    sizes = [len(task.split(seed).validation) for seed in range(5)]
    assert min(sizes) < max(sizes)
    training = Training(task, TableGradients(tables("nothing", "nothing")), range(5), "cpu", total=1)
    found = training.validation()[0]
    for s, seed in enumerate(range(5)):
        split = task.split(seed)
        w1, b1, w2, b2 = (value.numpy() for value in training.network.weights(s, 0).values())
        logits = np.maximum(task.inputs[split.validation].reshape(-1, 64) @ w1.T + b1, 0) @ w2.T + b2
        assert found[0, s] == np.mean(logits.argmax(1) == task.labels[split.validation])


def test_progress_counts_every_network(task, tables):
    seen = []
    train_population(
        task,
        TableGradients(tables(*NAMES)),
        [0, 1],
        2,
        chunk=4,
        threads=1,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(8, 14), (14, 14)]


def test_failure_in_a_worker_reaches_the_caller_and_restores_the_threads(task, threads):
    def broken(logits, target):
        raise RuntimeError("no such loss")

    threads(2)
    with pytest.raises(RuntimeError, match="no such loss"):
        train_population(task, AutogradGradients([broken] * 3), [0], 2)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "ascending"),
        ({"steps": []}, "ascending"),
        ({"steps": [5, 5]}, "ascending"),
        ({"seeds": []}, "at least one"),
        ({"seeds": [1, 1]}, "each once"),
        ({"chunk": 0}, "chunk is 0"),
        ({"threads": 0}, "threads is 0"),
    ],
)
def test_bad_arguments_are_refused(task, tables, options, message):
    arguments = {"seeds": [0], "steps": 2, **options}
    with pytest.raises(SymlossError, match=message):
        train_population(task, TableGradients(tables("ce")), **arguments)
