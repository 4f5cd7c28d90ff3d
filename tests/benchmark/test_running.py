"""Whole benchmarks in this process."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from symloss.benchmark import BenchmarkConfig, Progress, Sweep, combine, compare, contenders_of, load_config, run
from symloss.benchmark import training as training_module
from symloss.benchmark.cells import Cell, CellStore
from symloss.benchmark.trainers import Experiment
from symloss.benchmark.training import with_engines
from symloss.errors import SymlossError
from symloss.events import Event
from symloss.fitness import Choice, Evaluator
from symloss.report import benchmark_csv
from symloss.runtime import Stopping
from symloss.tasks import TaskConfig, load_task

LOSSES = contenders_of(["ce", "ngl", "mae"])


def config(**changes: Any) -> BenchmarkConfig:
    experiments = combine(["digits"], ["mlp"], settings={"steps": 15}, metrics=["accuracy", "ece"])
    return BenchmarkConfig(
        **{"name": "x", "contenders": LOSSES, "experiments": tuple(experiments), "seeds": 2} | changes
    )


def test_a_table_is_that_of_compare(tmp_path: Path) -> None:
    result = run(config(), run_dir=tmp_path, device="cpu")
    expected = compare(LOSSES, load_task(TaskConfig(steps=15, metrics=("accuracy", "ece"))), 2)
    assert list(result.tasks[0].rows) == expected
    data = result.to_json()
    assert data["summary"] is None
    assert data["results"][1] == expected[1].to_json() | {
        "task": "digits, mlp",
        "dataset": "digits",
        "model": "mlp",
        "condition": "",
        "trainer": "population",
        "metric": "accuracy",
        "band": result.tasks[0].sign(expected[1]),
        "lr": {"chosen": 1.5e-3, "edge": False, "tried": []},
        "diverged": 0,
        "epochs": None,
        "published": None,
    }


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Return a list that gets the losses and seeds of each chunk that is trained."""
    chunks: list[tuple[int, int]] = []
    whole = training_module.run_job

    def counted(job: Any, *arguments: Any) -> Any:
        chunks.append((len(job.losses), len(job.seeds)))
        return whole(job, *arguments)

    monkeypatch.setattr(training_module, "run_job", counted)
    return chunks


def test_finished_cells_are_not_trained_again(tmp_path: Path, trained: list[tuple[int, int]]) -> None:
    run(config(), run_dir=tmp_path)
    assert trained == [(3, 2)]
    again = run(config(), run_dir=tmp_path)
    assert (trained, again.reused) == ([(3, 2)], 6)
    # Another loss and another seed: what is there is used, whatever the configuration.
    more = config(contenders=(*LOSSES, *contenders_of(["focal"])[1:]), seeds=3, name="another", band=2.0)
    result = run(more, run_dir=tmp_path)
    assert sorted(trained[1:]) == [(1, 3), (3, 1)]
    assert result.reused == 6
    fresh = run(more, run_dir=tmp_path / "fresh")
    assert [row.test for row in result.tasks[0].rows] == [row.test for row in fresh.tasks[0].rows]


def test_cells_that_equal_others_of_the_call_were_not_found_finished(tmp_path: Path) -> None:
    twice = config(contenders=contenders_of(["ce", "-2*y_true*log(y_pred)"]))
    states: list[tuple[int, int]] = []
    first = run(twice, run_dir=tmp_path, progress=lambda progress: states.append((progress.done, progress.total)))
    assert (first.reused, first.to_json()["cells"]["total"], states[-1]) == (0, 2, (4, 4))
    assert run(twice, run_dir=tmp_path).reused == 2


def test_a_damaged_cell_is_said_and_trained_again(tmp_path: Path, trained: list[tuple[int, int]]) -> None:
    first = run(config(), run_dir=tmp_path)
    path = sorted((tmp_path / "cells").iterdir())[0]
    path.write_text(path.read_text()[:-30])
    again = run(config(), run_dir=tmp_path)
    assert trained == [(3, 2), (1, 1)]
    assert len(again.damaged) == 1
    assert path.name in again.damaged[0]
    assert again.tasks == first.tasks


class Backwards:
    """Does jobs from the last to the first, as worker processes may."""

    workers = 2

    def imap(self, function: Any, jobs: Any) -> Any:
        yield from ((place, function(jobs[place])) for place in reversed(range(len(jobs))))

    def close(self) -> None: ...

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None: ...


def test_small_chunks_and_workers_change_no_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = run(config(seeds=3), run_dir=tmp_path / "a")
    monkeypatch.setattr(training_module, "_CHUNK", {True: 2, False: 2})
    chunked = run(config(seeds=3), run_dir=tmp_path / "b")
    spread = run(config(seeds=3), run_dir=tmp_path / "c", executor=Backwards())
    assert plain.tasks == chunked.tasks == spread.tasks
    names = [sorted(path.name for path in (tmp_path / place / "cells").iterdir()) for place in "abc"]
    assert names[0] == names[1] == names[2]


@pytest.mark.parametrize(("engine", "chunks"), [("single", [(3, 1), (3, 1)]), ("stacked", [(3, 2)])])
def test_networks_that_train_one_after_another_are_kept_a_few_at_a_time(
    engine: str,
    chunks: list[tuple[int, int]],
    tmp_path: Path,
    trained: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = {"steps": 2, "train_size": 64, "batch": 16, "engine": engine}
    mine = config(experiments=tuple(combine(["digits"], ["cnn"], settings=settings)))
    some = run(mine, run_dir=tmp_path / "some")
    assert trained == chunks
    monkeypatch.setattr(training_module, "_ONE_BY_ONE", 1)
    assert run(mine, run_dir=tmp_path / "one").tasks == some.tasks  # no bit depends on the others of a chunk


def test_every_loss_takes_its_own_rate_by_validation(tmp_path: Path) -> None:
    rates = (1e-5, 2e-3, 1e-2)
    result = run(config(sweep=Sweep(rates, 2)), run_dir=tmp_path)
    [task] = result.tasks
    for k, (contender, rate) in enumerate(zip(LOSSES, task.rates, strict=True)):
        # By hand: each rate alone, with the seeds of sweeps.
        means = {}
        for lr in rates:
            scores = Evaluator().train(
                load_task(TaskConfig(steps=15, lr=lr, metrics=("accuracy", "ece"))), [contender.loss], [1000, 1001], 15
            )
            means[lr] = scores.validation[0].mean()
        assert rate.lr == max(means, key=lambda lr: means[lr])
        assert [summary.mean for _, summary in rate.tried] == pytest.approx([means[lr] for lr in rates])
        assert rate.edge == (rate.lr != 2e-3)
        alone = compare(
            [contender],
            load_task(TaskConfig(steps=15, lr=rate.lr, metrics=("accuracy", "ece"))),
            2,
            baseline=contender.name,
        )
        assert task.rows[k].test == alone[0].test
    swept = [record for record in result.records if record.stage == "sweep"]
    assert len(swept) == 3 * 3 * 2
    assert all("test" not in record.outcome.scores["end"] for record in swept)  # the test set is not read
    assert {record.cell.seed for record in swept} == {1000, 1001}


def accuracy(metric: str, part: str, epoch: str, name: str, seed: int, lr: float) -> float:
    """Return a score in which every argument shows; the best rate of ce is 0.1 and of the others 0.2."""
    base = {"ce": 0.6, "ngl": 0.7, "mae": 0.5}[name]
    rate = -abs(lr - (0.1 if name == "ce" else 0.2)) / 10
    test = 0.2 if part == "test" else 0.0
    return base + rate + test + (0.05 if epoch == "last" else 0.0) + 0.001 * seed + (0.0001 if metric == "top-5" else 0)


def full(**changes: Any) -> BenchmarkConfig:
    experiments = combine(["svhn"], ["resnet18"], trainer="full", metrics=["accuracy", "top-5"])
    return config(experiments=tuple(experiments), **changes)


def test_full_size_cells(tmp_path: Path, full_trainer: Callable[..., Any]) -> None:
    trainer = full_trainer(accuracy)
    seen: list[tuple[int, str, float]] = []
    result = run(full(), run_dir=tmp_path, progress=lambda p: seen.append((p.done, p.what, p.part)))
    # All losses of a seed before the next seed.
    assert trainer.calls == [(name, seed, 0.1) for seed in (0, 1) for name in ("ce", "ngl", "mae")]
    # In the middle of the last of three epochs.
    assert (5, "svhn, resnet18, mae, seed 1, epoch 3 of 3, loss 0.3", pytest.approx(2.5 / 3)) in seen
    [task] = result.tasks
    assert task.rows[0].test.scores == pytest.approx((0.8, 0.801))  # the best epoch's
    assert task.rows[0].others["top-5"][1].scores == pytest.approx((0.8001, 0.8011))
    assert task.epochs[0].test["last"].scores == pytest.approx((0.85, 0.851))
    assert task.epochs[0].validation["best"].scores == pytest.approx((0.6, 0.601))
    assert task.diverged == (0, 0, 2)
    assert result.to_json()["results"][0]["epochs"]["last"]["test"]["mean"] == pytest.approx(0.8505)
    again = run(full(select="last"), run_dir=tmp_path)
    assert len(trainer.calls) == 6
    assert again.tasks[0].rows[0].test.scores == pytest.approx((0.85, 0.851))
    assert again.tasks[0].rows[0].validation.scores == pytest.approx((0.65, 0.651))


def test_full_size_sweep(tmp_path: Path, full_trainer: Callable[..., Any]) -> None:
    full_trainer(accuracy)
    result = run(full(sweep=Sweep((0.1, 0.2), 1)), run_dir=tmp_path)
    assert [rate.lr for rate in result.tasks[0].rates] == [0.1, 0.2, 0.2]
    lines = [line for line in benchmark_csv(result).splitlines() if ",sweep," in line]
    assert len(lines) == 6 * 2 * 2  # cells, epochs and metrics
    assert not [line for line in lines if ",test," in line]  # the trainer reads it, and nothing looks


def test_a_rate_that_diverges_is_not_taken(tmp_path: Path, full_trainer: Callable[..., Any]) -> None:
    def score(metric: str, part: str, epoch: str, name: str, seed: int, lr: float) -> float:
        # 2.6 is worse than chance's log(10), which a failed run must not count as.
        return {0.1: 2.6, 0.2: math.nan, 0.4: 0.1}[lr]

    trainer = full_trainer(score)
    trainer.diverges = lambda name, lr: lr == 0.4  # with the score of an epoch before it did
    experiments = combine(["svhn"], ["resnet18"], trainer="full", metrics=["nll"])
    swept = config(experiments=tuple(experiments), sweep=Sweep((0.1, 0.2, 0.4), 1))
    rates = run(swept, run_dir=tmp_path).tasks[0].rates
    assert [rate.lr for rate in rates] == [0.1] * 3
    assert [scores.mean for _, scores in rates[0].tried] == [2.6, 2.6, 0.1]


def test_a_failed_run_has_no_better_nll_than_any_other(tmp_path: Path, full_trainer: Callable[..., Any]) -> None:
    full_trainer(lambda metric, part, epoch, name, seed, lr: math.nan if name == "mae" else 3.0 + seed)
    experiments = combine(["svhn"], ["resnet18"], trainer="full", metrics=["nll"])
    [task] = run(config(experiments=tuple(experiments)), run_dir=tmp_path).tasks
    assert [row.test.mean for row in task.rows] == [3.5, 3.5, 4.0]


def test_a_score_that_is_not_finite_counts_as_the_worst(tmp_path: Path, full_trainer: Callable[..., Any]) -> None:
    def score(metric: str, part: str, epoch: str, name: str, seed: int, lr: float) -> float:
        return math.nan if name == "mae" else 0.5 + 0.1 * seed

    full_trainer(score)
    experiments = combine(["svhn"], ["resnet18"], trainer="full", metrics=["nll", "ece", "miou"])
    [task] = run(config(experiments=tuple(experiments)), run_dir=tmp_path).tasks
    mae = task.rows[2]
    assert mae.test.scores == (math.log(10), math.log(10))
    assert [mae.others[name][1].mean for name in ("ece", "miou")] == [1.0, 0.0]
    assert mae.gain is not None
    assert mae.gain.mean > 0
    assert task.gain(mae) < 0  # of nll less is better
    assert task.sign(mae) is None  # and points mean nothing


def test_full_size_runs_can_be_asked_to_stop(tmp_path: Path, full_trainer: Callable[..., Any]) -> None:
    trainer, stopping = full_trainer(accuracy), Stopping()
    told: list[Event] = []

    def ask(progress: Progress) -> None:
        stopping.asked = progress.trained == 1

    with pytest.raises(KeyboardInterrupt):
        run(full(), run_dir=tmp_path, progress=ask, stopping=stopping, listener=told.append)
    assert len(trainer.calls) == 1
    assert trainer.stopping is stopping  # a training in hand can be asked too
    assert [event.name for event in told] == ["started", "cells", "trained", "stopped"]
    cells = run(full(), run_dir=tmp_path).to_json()["cells"]
    assert cells["reused"] == 1
    assert len(trainer.calls) == len(set(trainer.calls)) == cells["total"]
    assert trainer.stopping is None  # which then listens to Ctrl-C itself


def test_a_trainer_that_forgets_a_metric(tmp_path: Path, full_trainer: Callable[..., Any], monkeypatch: Any) -> None:
    trainer = full_trainer(accuracy)
    whole = trainer.fit

    def fit(recipe: Any, *arguments: Any, **named: Any) -> Any:
        return whole(replace(recipe, metrics=("accuracy",)), *arguments, **named)

    monkeypatch.setattr("symloss.benchmark.training.full_fit", lambda: fit)
    with pytest.raises(SymlossError, match="the trainer gave no validation top-5 of the best epoch on svhn, resnet18"):
        run(full(), run_dir=tmp_path)


def test_what_cannot_be_compared_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    losses = contenders_of(["ce", "label_smoothed_ce(label_smoothing=1)"])
    with pytest.raises(SymlossError, match="no finite gradient"):
        run(config(contenders=losses), run_dir=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(SymlossError, match="is a file"):
        run(config(), run_dir=tmp_path / "file")


def test_missing_data_is_said_before_anything_is_trained(
    tmp_path: Path, trained: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYMLOSS_DATA", str(tmp_path))
    experiments = (*config().experiments, *combine(["cifar-10"], ["mlp"]))
    with pytest.raises(SymlossError, match="cifar-10 is not on this machine"):
        run(config(experiments=experiments), run_dir=tmp_path / "run")
    assert trained == []


def test_other_data_of_the_same_name_give_no_old_scores(tmp_path: Path, trained: list[tuple[int, int]]) -> None:
    data = tmp_path / "data"
    for number in range(12):
        path = data / f"class{number % 2}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), 20 * number, np.uint8)).save(path)
    experiments = combine([f"imagefolder:{data}"], ["mlp"], settings={"steps": 2, "batch": 2})
    mine = config(experiments=tuple(experiments))
    run(mine, run_dir=tmp_path / "run")
    assert run(mine, run_dir=tmp_path / "run").reused == 6
    (data / "class0" / "0.png").rename(data / "class1" / "0.png")
    with pytest.raises(SymlossError, match="is of other data called imagefolder:"):
        run(mine, run_dir=tmp_path / "run")
    assert len(trained) == 1


def test_where_nothing_can_be_written_nothing_is_trained(
    tmp_path: Path, trained: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **named: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(SymlossError, match=r"cannot write.* Permission denied; choose another"):
        run(config(), run_dir=tmp_path)
    assert trained == []


def test_a_measured_engine_holds_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["single", "stacked"]
    monkeypatch.setattr(training_module, "choose", lambda *_: Choice(answers.pop(0), "measured"))
    told: list[Event] = []
    experiments: list[Experiment] = combine(["digits"], ["cnn", "mlp"])

    def engines() -> list[str]:
        return [one.values["engine"] for one in with_engines(experiments, tmp_path, "cpu", told.append)]

    assert engines() == ["single", "auto"]  # the mlp has its own way
    assert engines() == ["single", "auto"]
    (tmp_path / "engines.json").write_text("{")
    assert engines() == ["stacked", "auto"]
    assert [event.fields["engine"] for event in told] == ["single", "stacked"]  # what was measured
    assert told[0].fields == {"task": "digits, cnn", "engine": "single", "reason": "measured"}


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Any]) -> None:
    monkeypatch.setattr(training_module, "_CHUNK", {True: 3, False: 3})
    states: list[tuple[int, int, float | None]] = []

    def watch(progress: Progress) -> None:
        states.append((progress.done, progress.total, progress.seconds_left))
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(config(), run_dir=tmp_path, progress=watch)
    assert states[0][:2] == (0, 6)
    assert states[-1][2] is not None
    result = run(config(), run_dir=tmp_path)
    assert result.reused == 3
    assert trained == [(3, 1), (3, 1)]


def test_the_time_left() -> None:
    [one, other] = combine(["digits"], ["mlp"], [{}, {"steps": 9}])
    progress = Progress()
    progress.plan(one, 4)
    progress.plan(other, 2)
    assert progress.seconds_left is None
    # Half a cell in 3 seconds: 6 a cell, for 6 cells, but for the half.
    progress.partly(one, 0.5, 3.0)
    assert progress.seconds_left == pytest.approx(6 * 6 - 3)
    progress.finished(one, 2, 16.0)
    assert progress.seconds_left == pytest.approx(4 * 8)
    progress.found(other, 1)
    progress.partly(other, 0.5, 1.0)
    assert progress.seconds_left == pytest.approx(2 * 8 + 1 * 2 - 1)
    progress.finished(other, 1, 2.0)
    progress.finished(one, 2, 16.0)
    assert (progress.seconds_left, progress.done, progress.total, progress.reused) == (0, 6, 6, 1)


def test_over_tasks(tmp_path: Path, small: Path) -> None:
    result = run(load_config(small), run_dir=tmp_path)
    summary = result.to_json()["summary"]
    assert summary["datasets"] == 2
    for number, row in enumerate(summary["losses"]):
        means = [task.rows[number].test.mean - task.rows[0].test.mean for task in result.tasks]
        if number:
            assert row["difference"]["scores"] == pytest.approx(means)
            assert sum(row["band"].values()) == 2
        else:
            assert row["difference"] is None
    table = np.array([[round(row.test.mean, 12) for row in task.rows] for task in result.tasks])
    expected = [np.mean([1 + (r > r[k]).sum() + ((r == r[k]).sum() - 1) / 2 for r in table]) for k in range(3)]
    assert [row["mean_rank"] for row in summary["losses"]] == pytest.approx(expected)
    assert summary["nemenyi"]["cd"] == pytest.approx(2.343 * math.sqrt(3 * 4 / (6 * 2)), abs=2e-3)


def test_the_band_and_the_direction(tmp_path: Path, full_trainer: Callable[..., Any]) -> None:
    means = {"ce": 0.5, "ngl": 0.505, "mae": 0.494}
    full_trainer(lambda metric, part, epoch, name, seed, lr: means[name] + 0.01 * seed)
    experiments = combine(["svhn"], ["resnet18"], trainer="full", metrics=["accuracy"])
    experiments += combine(["svhn"], ["resnet18"], [{"name": "b", "epochs": 4}], trainer="full", metrics=["ece"])
    result = run(config(experiments=tuple(experiments)), run_dir=tmp_path)
    up, down = result.tasks
    assert [up.sign(row) for row in up.rows] == [None, "=", "-"]
    assert [down.sign(row) for row in down.rows] == [None, "=", "+"]
    # Equal gains on every seed have no spread to judge by.
    assert [up.differs(row) for row in up.rows] == [0, 0, 0]
    assert result.ranking.mean_ranks == (2, 2, 2)
    summary = result.to_json()["summary"]
    assert summary["metric"] is None
    assert [(row["difference"], row["band"]) for row in summary["losses"]] == [(None, None)] * 3  # of two metrics
    assert [row["mean_rank"] for row in summary["losses"]] == [2, 2, 2]


@pytest.mark.parametrize(("metric", "gain"), [("accuracy", 0.1), ("ece", -0.1), ("nll", None)])
def test_differences_over_tasks_count_so_that_more_is_better(
    tmp_path: Path, full_trainer: Callable[..., Any], metric: str, gain: float | None
) -> None:
    full_trainer(lambda metric, part, epoch, name, seed, lr: 0.5 + 0.1 * (name == "ngl"))
    experiments = combine(["svhn"], ["resnet18"], [{}, {"epochs": 4}], trainer="full", metrics=[metric])
    summary = run(config(experiments=tuple(experiments)), run_dir=tmp_path).to_json()["summary"]
    assert summary["metric"] == (None if gain is None else metric)
    found = summary["losses"][1]
    if gain is None:
        assert (found["difference"], found["band"]) == (None, None)
    else:
        assert found["difference"]["mean"] == pytest.approx(gain)
        assert found["band"] == {"+": 2 * (gain > 0), "=": 0, "-": 2 * (gain < 0)}


def test_cells_of_an_unknown_store_are_missing(tmp_path: Path) -> None:
    assert CellStore(tmp_path / "nowhere").read(Cell(config().experiments[0], LOSSES[0], 0)) is None
