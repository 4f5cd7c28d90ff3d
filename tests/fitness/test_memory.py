from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from symloss.codegen.tables import TableGradients
from symloss.errors import SymlossError
from symloss.fitness import population, train_population
from symloss.fitness.memory import Narrowing
from symloss.fitness.training import Training
from symloss.runtime import out_of_memory
from symloss.tasks import TaskConfig, load_task

NAMES = ["ce", "brier", "mae", "focal", "gce", "ngl", "exp"]
ERRORS = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
    RuntimeError("not enough memory: you tried to allocate 9 bytes"),
]


class Small:
    """A training that has memory for so many networks only."""

    def __init__(self, limit, error):
        self.limit, self.error, self.widths = limit, error, []
        self._lock = threading.Lock()

    def __call__(self, task, gradients, seeds, *arguments, **options):
        with self._lock:
            self.widths.append(len(gradients) * len(seeds))
        if len(gradients) * len(seeds) > self.limit:
            raise self.error
        return Training(task, gradients, seeds, *arguments, **options)


@pytest.mark.parametrize("error", ERRORS)
def test_chunk_is_halved_until_it_fits_and_results_stay(monkeypatch, tables, error):
    task, gradients = load_task(TaskConfig(hidden=16, batch=64)), TableGradients(tables(*NAMES))
    expected = train_population(task, gradients, [0, 1], 20, threads=1)
    small = Small(2, error)
    monkeypatch.setattr(population, "Training", small)
    seen = []
    found = train_population(
        task, gradients, [0, 1], 20, threads=1, progress=lambda done, total: seen.append((done, total))
    )
    assert np.array_equal(found.all_validation, expected.all_validation)
    assert seen[-1] == (14, 14)
    # Three attempts fail, the last with two seeds of a loss and its twin; then one network is tried at a time.
    assert [width for width in small.widths if width > 2] == [14, 6, 4]
    assert len(small.widths) == 3 + 14


def test_one_network_that_does_not_fit_is_an_error_with_advice(monkeypatch, tables):
    monkeypatch.setattr(population, "Training", Small(0, MemoryError("cannot allocate 3 TiB")))
    with pytest.raises(
        SymlossError, match=r"one network does not fit into the memory of cpu: cannot allocate 3 TiB; use"
    ):
        train_population(load_task(TaskConfig()), TableGradients(tables(*NAMES)), [0], 2)


def test_other_errors_pass(monkeypatch, tables):
    monkeypatch.setattr(population, "Training", Small(0, RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        train_population(load_task(TaskConfig()), TableGradients(tables("ce", "mae")), [0], 2)


def test_errors_are_told_apart():
    assert all(out_of_memory(error) for error in ERRORS)
    assert not any(out_of_memory(error) for error in (RuntimeError("shapes differ"), ValueError("not enough memory")))


def test_seeds_are_split_when_there_is_one_loss():
    done = []

    def work(members, seeds):
        if len(members) * len(seeds) > 1:
            raise MemoryError
        done.extend((k, s) for k in members for s in seeds)

    Narrowing(torch.device("cpu"), "").run(work, range(3), range(5, 8))
    assert sorted(done) == [(k, s) for k in range(3) for s in range(5, 8)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_chunk_is_measured_on_a_gpu(tables):
    from symloss.fitness.memory import measured_chunk

    device, kept = torch.device("cuda"), []

    def attempt(members):
        kept.append(torch.empty(members << 28, dtype=torch.uint8, device=device))
        kept.clear()

    free, _ = torch.cuda.mem_get_info(device)
    assert measured_chunk(attempt, 10**6, device) == pytest.approx(0.6 * free / 2**28, rel=0.2)
    assert measured_chunk(attempt, 1, device) == 1
