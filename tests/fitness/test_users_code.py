"""Networks, data and numbers of a user's own that fail: whose fault it is, and in which file and line."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from symloss import api
from symloss.errors import SymlossError
from symloss.fitness import Evaluator
from symloss.fitness.jobs import Job, run_job
from symloss.formula import parse_formula
from symloss.grammar import load_grammar
from symloss.runtime.remote import packed, perform, result_of
from symloss.search import Candidate, MemoryJournal, Scores, Search, SearchConfig
from symloss.search.candidate import best_first, hall_of_fame, pareto_front
from symloss.search.rungs import NOISE_RUNG
from symloss.store import Run
from symloss.tasks import METRICS, TaskConfig, load_task
from symloss.tasks.metrics import Metric

#: A search of two generations.
SMALL: dict[str, Any] = {"budget": 12, "generation_size": 6, "finalists": 4, "discovered": 3, "audit_seeds": 3}
SMALL |= {"repeats": 1, "last_seeds": 5}

CE = parse_formula("-y_true*log(y_pred)")

NETWORK = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, features, classes):
        super().__init__()
        self.linear = nn.Linear(features, classes)
        self.calls = 0

    def forward(self, x):
        z = self.linear(x.flatten(1))
        self.calls += 1
        {forward}
        return z


def net(shape, classes):
    {build}
    return Net(torch.Size(shape).numel(), classes)


COUNT = []
"""

Write = Callable[..., Path]


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write the module ``mine``, which is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])

    def forget() -> None:
        sys.modules.pop("mine", None)
        load_task.cache_clear()

    def write(*, forward: str = "pass", build: str = "pass", whole: str | None = None) -> Path:
        forget()
        path = tmp_path / "mine.py"
        path.write_text(whole or NETWORK.format(forward=forward, build=build))
        return path

    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode  # a module may change within a second
    yield write
    sys.dont_write_bytecode = before
    forget()


def task(**more: Any) -> TaskConfig:
    return TaskConfig(**{"model": "mine:net", "engine": "single", "steps": 20, "batch": 32, **more})


def start(**more: Any) -> None:
    api.create("default", task(**more), device="cpu", run_dir="run", **SMALL)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            {"build": "shape.no"},
            r"model factory 'mine:net' failed: AttributeError: .* \(.*mine.py, line 19\) at: shape.no",
        ),
        ({"build": "return 3"}, r"model factory 'mine:net' returned a int; it must return a torch.nn.Module"),
        ({"build": "exit()"}, r"model factory 'mine:net' failed: SystemExit.* \(.*mine.py, line 19\) at: exit\(\)"),
        (
            {"forward": "z = z @ z"},
            r"the model 'mine:net' fails on inputs of shape \[2, 1, 8, 8\]: RuntimeError: .* \(.*mine.py, line 14\) "
            r"at: z = z @ z",
        ),
        (
            {"forward": "assert not self.training, 'no way'"},
            r"fails on a batch of 32 in training mode: AssertionError: no way \(.*mine.py, line 14\) at: assert",
        ),
        (
            {"forward": "z = z[:, :3]"},
            r"returns shape \[2, 3\] for 2 samples; it must return logits of shape \[2, 10\]",
        ),
        (
            {"forward": "z = z[:1] if self.training else z"},
            r"returns the shape \[1, 10\] for 32 samples in training mode; it must return logits of shape \[32, 10\]",
        ),
        ({"forward": "z = (z, z) if self.training else z"}, r"returns a tuple in training mode"),
        ({"forward": "z = z / 0"}, r"returns (nan|-?inf) for samples of the dataset 'digits' before any training"),
        ({"forward": "z = z * float('nan')"}, r"returns nan for samples of the dataset 'digits' before any training"),
    ],
)
def test_a_network_that_cannot_train_is_refused_before_there_is_a_run(
    mine: Write, code: dict[str, str], message: str
) -> None:
    mine(**code)
    with pytest.raises(SymlossError, match=message):
        start()
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (
            "if self.calls > 5 and self.training: raise KeyError('late')",
            r"the model 'mine:net' failed in training: KeyError: 'late' \(.*mine.py, line 14\) at: if self.calls > 5",
        ),
        (
            "if not self.training and len(x) > 2: z[0, 99]",
            r"the model 'mine:net' failed in evaluation: IndexError: .* \(.*mine.py, line 14\) at: if not",
        ),
        (
            "z = z.exp(); w = z * z; z -= 1; z = z + w",
            r"the model 'mine:net' failed in the backward pass: RuntimeError: .*modified by an inplace operation",
        ),
    ],
)
def test_a_network_that_fails_later_is_named_too(mine: Write, forward: str, message: str) -> None:
    mine(forward=forward)
    with pytest.raises(SymlossError, match=message):
        run_job(Job(task(), (CE,), (0,), 20))
    # And so it travels from a worker.
    outcome = perform("1", packed("f", run_job), packed("job", Job(task(), (CE,), (0,), 20)), 1)
    assert pickle.loads(outcome)[0] is False
    with pytest.raises(SymlossError, match=message):
        result_of(outcome)


def test_memory_that_runs_out_is_not_the_networks_fault(mine: Write) -> None:
    mine(forward="if self.calls > 5: raise RuntimeError('out of memory, said the test')")
    with pytest.raises(SymlossError, match="one network does not fit into the memory"):
        run_job(Job(task(), (CE,), (0,), 20))


def test_a_run_whose_network_failed_goes_on_once_it_is_mended(mine: Write) -> None:
    mine(forward="assert self.training or COUNT.append(0) or len(COUNT) < 40, 'gone'")
    with pytest.raises(SymlossError, match="failed in evaluation: AssertionError: gone"):
        api.evolve("default", task(steps=10), device="cpu", run_dir="run", **SMALL)
    with closing(Run.open(Path("run"))) as run:
        kept = run.database.load_scores(NOISE_RUNG)
    mine()
    with closing(api.resume("run")) as run:
        assert run.result()
        assert kept.items() <= run.database.load_scores(NOISE_RUNG).items()


def test_networks_that_only_give_nan_end_the_search_at_once() -> None:
    journal = MemoryJournal()
    config = SearchConfig(seed=1, **SMALL)
    search = Search(load_grammar("default"), load_task(TaskConfig(steps=30)), config, journal, lambda _: None)
    journal.save_scores(NOISE_RUNG, {next(iter(search._baselines)): (((0.0,) * 15,),)})
    with pytest.raises(SymlossError, match=r"cross-entropy ends with accuracy 0, the worst there is, with each of 15"):
        search.run()


ITEMS = """class Items:
    def __len__(self):
        return 40

    def __getitem__(self, index):
        {item}


def data():
    return Items()
"""


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (
            "return [][index]",
            r"the dataset 'mine:data' failed at item 0: IndexError: .* \(.*mine.py, line 6\) at: return",
        ),
        ("return [0.0, 1.0], 1.7", r"item 0 is no pair of an input and a whole number \(ValueError: the label 1.7\)"),
        ("return [0.0, float('inf')], index % 2", r"its inputs hold inf in sample 0; every value must be a finite"),
        ("return [0.0, float('nan')], index % 2", r"its inputs hold nan in sample 0; every value must be a finite"),
        ("return [0.0, 1.0], -1", r"its labels hold -1; they must be 0..C-1"),
        ("return [0.0, 1.0], 2 * (index % 2)", r"no training sample of class 1; labels must be 0..C-1 without gaps"),
    ],
)
def test_a_dataset_that_fails_is_named_before_there_is_a_run(mine: Write, item: str, message: str) -> None:
    mine(whole=ITEMS.format(item=item))
    with pytest.raises(SymlossError, match=message):
        start(dataset="mine:data", model="mlp")
    assert not Path("run").exists()


def test_a_metric_that_is_nan_is_the_worst() -> None:
    def compute(logits: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
        return np.array([0.3, np.nan, 0.1])

    for higher, worst in ((True, 0.0), (False, 1.0)):
        metric = Metric("mine", "", higher, worst, compute)
        assert metric(torch.zeros(3, 4, 2), torch.zeros(4, dtype=torch.long)).tolist() == [0.3, worst, 0.1]


def test_a_loss_whose_scores_are_nan_neither_wins_nor_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an older database may hold them."""
    poisoned: set[str] = set()

    class Poisoning(MemoryJournal):
        def load_scores(self, rung: int) -> dict[str, Scores]:
            return {
                name: (((float("nan"),) * len(found[0][0]),),) if name in poisoned else found
                for name, found in super().load_scores(rung).items()
            }

    config = SearchConfig(seed=1, **SMALL)
    journal = Poisoning()
    found = Search(load_grammar("default"), load_task(TaskConfig(steps=30)), config, journal, lambda _: None).run()
    best = found.hall_of_fame[0]
    poisoned |= {best.id}
    again = Search(load_grammar("default"), load_task(TaskConfig(steps=30)), config, journal, lambda _: None).run()
    assert len(again.candidates) == config.budget
    assert best.id not in {candidate.id for candidate in again.hall_of_fame[:1]}
    ranked: list[Candidate] = best_first(again.candidates)
    assert ranked[0].id != best.id
    nan = next(candidate for candidate in again.candidates if candidate.id == best.id)
    assert np.isnan(nan.merit)
    front = pareto_front([candidate for candidate in again.candidates if candidate is not nan])
    assert front
    assert pareto_front([replace(nan, size=0), *again.candidates]) == front
    assert hall_of_fame([nan, *again.candidates], 0)[0] is not nan


def test_a_metric_that_is_nan_for_some_networks_does_not_stop_a_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    true = METRICS["accuracy"]

    def compute(logits: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
        found = true.compute(logits, labels)
        return np.where(found > np.median(found), np.nan, found)

    monkeypatch.setitem(METRICS, "accuracy", Metric("accuracy", "", True, 0.0, compute))
    scores = Evaluator().train(load_task(TaskConfig(steps=5)), [CE, parse_formula("-y_true*y_pred")], [0, 1], 5)
    assert np.isfinite(scores.validation).all()
