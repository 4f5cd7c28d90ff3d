"""A whole benchmark: sweep, training, tables. Every finished cell is on disk, so it can be stopped at any moment."""

from __future__ import annotations

import json
import math
import os
import re
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from symloss.benchmark.cells import SWEEP_SEEDS, Cell, CellStore, environment, make_folder
from symloss.benchmark.config import BenchmarkConfig, Sweep
from symloss.benchmark.reader import load_config
from symloss.benchmark.result import BenchmarkResult, CellRecord
from symloss.benchmark.scoring import score_of, scores_of
from symloss.benchmark.statistics import summary
from symloss.benchmark.table import Rate, TaskResult, choose_rate, task_result
from symloss.benchmark.trainers import Experiment
from symloss.benchmark.training import CellTrainer, Progress, Watch, with_engines
from symloss.codegen.gradients import scale_of
from symloss.errors import SymlossError
from symloss.events import LOG_FILE, Event, Listener, logged, to_stderr
from symloss.files import write_atomic
from symloss.runtime import Stopping, choose_device, make_executor

if TYPE_CHECKING:
    from symloss.runtime import Executor


def run(
    config: BenchmarkConfig | str | Path,
    *,
    run_dir: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    ray: str | None = None,
    executor: Executor | None = None,
    progress: Watch | None = None,
    command: str = "",
    smoke: bool = False,
    listener: Listener = to_stderr,
    stopping: Stopping | None = None,
) -> BenchmarkResult:
    """Train what is missing of a benchmark and return its tables.

    Every finished cell (a loss, a seed, a task) is a file below ``run_dir`` whose name is the hash of all that decides
    its score, so a benchmark that was killed goes on where it was, and one that shares cells with another uses them.
    The hash knows datasets and networks by their names. Cells of another copy of a dataset, with other labels or files,
    are refused; after a change to a factory of the user's own take another ``run_dir``. The last result is kept beside
    them as ``result.json``.

    Example:
        >>> result = run("mine.yaml", workers=8)
        >>> result.tasks[0].rows[1].test.mean
        >>> result.to_json()["summary"]

    Args:
        config: a configuration, or the YAML file of one (:func:`load_config`).
        run_dir: where cells are kept; by default ``runs/benchmark-NAME``.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.
        workers: how many local processes train population cells; this process alone by default.
        ray: ``"local"`` or the address of a Ray cluster to train those on instead.
        executor: where to train, instead of ``workers`` and ``ray``; it is not closed.
        progress: called with a :class:`Progress` whenever it has changed.
        command: kept with each cell; the process's own command line by default.
        smoke: of a YAML file, apply its section ``smoke``.
        listener: told each :mod:`event <symloss.events>` that ``log.jsonl`` below ``run_dir`` has; by default prints
            warnings.
        stopping: asks the benchmark to stop; then it finishes the cells in training first, and of a full-size run the
            step. Without one Ctrl-C interrupts at once, and loses those.

    Raises:
        SymlossError: bad settings, missing data, or a directory that cannot be used or has cells of other data.
        KeyboardInterrupt: Ctrl-C, or ``stopping``; the same call goes on from there.
    """
    if not isinstance(config, BenchmarkConfig):
        config = load_config(config, smoke=smoke)
    start = time.perf_counter()
    folder = Path(run_dir) if run_dir is not None else default_folder(config)
    if folder.exists() and not folder.is_dir():
        raise SymlossError(f"the run directory {folder} is a file; choose another with --run-dir")
    classes = [experiment.classes for experiment in config.experiments]
    scales = check_losses(config, classes)
    asked = stopping or Stopping()
    with ExitStack() as stack:
        where = stack.enter_context(make_executor(workers, ray)) if executor is None else executor
        place = str(choose_device(device))
        store = CellStore(folder)
        for experiment in config.experiments:
            if not all(store.path(cell).exists() for cell in _first_cells(config, experiment)):
                experiment.check_data()
        store.data = {one.dataset: one.data() for one in {one.dataset: one for one in config.experiments}.values()}
        store.prepare()
        tell = listener
        if os.environ.get("RANK", "0") == "0":  # under torchrun all processes do the same
            on = {"device": place, "executor": type(where).__name__, "workers": where.workers}
            tell = stack.enter_context(logged(folder / LOG_FILE, listener, asked, kind="benchmark", **on))
        with asked.nothing_to_keep():
            experiments = with_engines(config.experiments, folder, place, tell)
        called = command or " ".join(sys.argv)
        trainer = CellTrainer(store, where, place, called, progress or _ignore, stopping, tell)
        for experiment in experiments:
            tries = len(config.sweep.lr) * config.sweep.seeds if config.sweep else 0
            trainer.progress.plan(experiment, len(config.contenders) * (config.seeds + tries))
        tasks, records = _tables(config, experiments, classes, scales, trainer)
        result = BenchmarkResult(
            replace(config, experiments=tuple(experiments)),
            tuple(tasks),
            tuple(records),
            folder,
            trainer.progress.reused,
            tuple(store.damaged),
            time.perf_counter() - start,
            environment(place),
        )
        make_folder(folder)
        write_atomic(folder / "result.json", json.dumps(result.to_json(), indent=1, allow_nan=False) + "\n")
        spent = {"cells": trainer.progress.total, "reused": result.reused, "seconds": round(result.seconds, 3)}
        tell(Event("finished", spent))
    return result


def _tables(
    config: BenchmarkConfig,
    experiments: list[Experiment],
    classes: list[int],
    scales: list[list[float]],
    trainer: CellTrainer,
) -> tuple[list[TaskResult], list[CellRecord]]:
    """Train what is missing and return each experiment's table, and all cells."""
    records: list[CellRecord] = []
    # All sweeps first, then all tables: what is cut short then has whole tables.
    rates = [_rates(config, one, trainer, records, count) for one, count in zip(experiments, classes, strict=True)]
    tasks = []
    for experiment, count, mine, factors in zip(experiments, classes, rates, scales, strict=True):
        cells = [
            Cell(experiment.at(rate.lr) if config.sweep else experiment, contender, seed)
            for contender, rate in zip(config.contenders, mine, strict=True)
            for seed in range(config.seeds)
        ]
        outcomes = trainer.ensure(cells)
        records += [CellRecord(*pair, "final") for pair in zip(cells, outcomes, strict=True)]
        by_loss = [outcomes[k : k + config.seeds] for k in range(0, len(outcomes), config.seeds)]
        tasks.append(task_result(config, experiment, by_loss, mine, factors, count))
    return tasks, records


def default_folder(config: BenchmarkConfig) -> Path:
    """Return ``runs/benchmark-NAME``, and for the small version another beside it."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", config.name).strip("-.") or "unnamed"
    return Path("runs") / f"benchmark-{name}{'-smoke' if config.smoke else ''}"


def check_losses(config: BenchmarkConfig, classes: list[int]) -> list[list[float]]:
    """Return the scale of each loss ``[tasks][losses]``, before anything is trained.

    Raises:
        SymlossError: a loss has no finite gradient at uniform p.
    """
    found = [[scale_of(contender.loss, count) for contender in config.contenders] for count in classes]
    return [
        [1.0] * len(scales) if experiment.raw else scales
        for experiment, scales in zip(config.experiments, found, strict=True)
    ]


def _rates(
    config: BenchmarkConfig, experiment: Experiment, trainer: CellTrainer, records: list[CellRecord], classes: int
) -> list[Rate]:
    """Return each loss's learning rate on a task: the task's own, or the best of the sweep by its validation."""
    if config.sweep is None:
        return [Rate(float(experiment.values["lr"])) for _ in config.contenders]
    metric = experiment.metrics[0]
    cells = _sweep_cells(config.sweep, config, experiment)
    outcomes = trainer.ensure(cells)
    records += [CellRecord(*pair, "sweep") for pair in zip(cells, outcomes, strict=True)]
    seeds, losses = config.sweep.seeds, len(config.contenders)
    runs = [outcomes[first : first + seeds] for first in range(0, len(outcomes), seeds)]  # by rate, then by loss
    scores = scores_of(runs, config.select, "validation", metric, classes)
    failed = [
        sum(one.diverged or math.isnan(score_of(one, config.select, "validation", metric)) for one in mine)
        for mine in runs
    ]
    found = [
        choose_rate(
            metric,
            [(lr, summary(mine)) for lr, mine in zip(config.sweep.lr, scores[k::losses], strict=True)],
            failed[k::losses],
        )
        for k in range(losses)
    ]
    for contender, rate in zip(config.contenders, found, strict=True):
        fields = {"table": experiment.title, "loss": contender.name, "lr": rate.lr}
        trainer.listener(Event("rate", fields))
    return found


def _sweep_cells(sweep: Sweep, config: BenchmarkConfig, experiment: Experiment) -> list[Cell]:
    """Return the cells of a sweep by rate, loss and seed."""
    # Full-size runs read the test set themselves; nothing here looks at it.
    test = experiment.trainer != "population"
    return [
        Cell(experiment.at(lr), contender, seed, test)
        for lr in sweep.lr
        for contender in config.contenders
        for seed in range(SWEEP_SEEDS, SWEEP_SEEDS + sweep.seeds)
    ]


def _first_cells(config: BenchmarkConfig, experiment: Experiment) -> list[Cell]:
    """Return the cells that are known before anything is trained."""
    if config.sweep is not None:
        return _sweep_cells(config.sweep, config, experiment)
    return [Cell(experiment, contender, seed) for contender in config.contenders for seed in range(config.seeds)]


def _ignore(_: Progress) -> None:
    return None
