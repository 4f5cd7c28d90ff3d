"""The same scores wherever a job is done."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from symloss.fitness import Evaluator, Job, JobScores, run_job
from symloss.fitness.jobs import Loss
from symloss.formula import parse_formula
from symloss.losses import find
from symloss.runtime import make_executor
from symloss.tasks import TaskConfig, load_task

MLP = TaskConfig(steps=12, metrics=("accuracy", "ece"))
CNN = TaskConfig(steps=6, model="cnn", engine="single", batch=16)
LOSSES: list[Loss] = [
    parse_formula("exp(-y_pred*(1 + y_true))"),
    find("ce"),
    parse_formula("-y_true*y_pred"),
    find("bce"),  # no table represents it
    parse_formula("square(y_pred - y_true)"),
]


def same(a: JobScores, b: JobScores) -> None:
    np.testing.assert_array_equal(a.validation, b.validation)
    np.testing.assert_array_equal(a.diverged, b.diverged)
    assert (a.test is None) == (b.test is None)
    if a.test is not None and b.test is not None:
        np.testing.assert_array_equal(a.test, b.test)


@pytest.fixture(scope="module")
def here() -> list[JobScores]:
    return [Evaluator().train(load_task(task), LOSSES, [5, 6, 7], task.steps, test=True) for task in (MLP, CNN)]


def test_scores_are_by_metric_loss_and_seed(here: list[JobScores]) -> None:
    assert here[0].validation.shape == (2, 5, 3)
    assert here[1].validation.shape == (1, 5, 3)
    alone = run_job(Job(MLP, (LOSSES[0],), (6,), 12, test=True))  # type: ignore[arg-type]
    np.testing.assert_array_equal(alone.validation[:, 0, 0], here[0].validation[:, 0, 1])


def test_other_processes_give_the_same_bits(here: list[JobScores]) -> None:
    with make_executor(2, None) as executor:
        evaluator = Evaluator(executor)
        for task, expected in zip((MLP, CNN), here, strict=True):
            same(evaluator.train(load_task(task), LOSSES, [5, 6, 7], task.steps, test=True), expected)


def test_several_tasks_come_together_and_progress_ends_at_the_whole(here: list[JobScores]) -> None:
    seen: list[tuple[int, int]] = []
    tasks = [(load_task(task), task.steps) for task in (MLP, CNN)]
    parts = list(Evaluator().stream(tasks, LOSSES, [5, 6, 7], progress=lambda done, total: seen.append((done, total))))
    assert [part.start for part in parts] == list(range(0, 5, 8))
    for number, expected in enumerate(here):
        np.testing.assert_array_equal(parts[0].scores[number].validation, expected.validation)
    assert seen == sorted(seen)
    assert seen[-1] == (5 * 3 * (12 + 6),) * 2


def test_a_job_pickles_small() -> None:
    job = Job(MLP, (LOSSES[0], "focal(gamma=1)"), (1, 2), 12)  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(job)) == job
    assert len(pickle.dumps(job)) < 2000
