"""Trains cells that are missing and keeps each as soon as it is finished."""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from symloss.benchmark.cells import SWEEP_SEEDS, Cell, CellStore, Outcome, environment, make_folder
from symloss.benchmark.trainers import Experiment, fit_cell, full_fit
from symloss.events import Event, Listener, ignore
from symloss.files import write_atomic
from symloss.fitness import Choice, Job, JobScores, choose, engine_fields, run_job
from symloss.formula import Formula
from symloss.losses import title
from symloss.runtime import Executor, InProcess, Stopping, begun
from symloss.tasks import TaskConfig, load_task

#: Networks in a chunk of this process: as many as train side by side at speed, few enough to lose little when killed.
_CHUNK = {True: 256, False: 32}
#: Those that train one after another anyway, which minutes each may take: few are lost with a kill.
_ONE_BY_ONE = 4
#: Losses in a job of a worker process, which gets one seed at a time.
_APIECE = {True: 32, False: 4}
#: What a full-size run says of where it ran.
_ENVIRONMENT = ("environment", "versions", "hardware", "precision", "processes", "images_per_second", "peak_memory")
#: How many networks train side by side when engines are compared.
_MEMBERS = 64


@dataclass
class Progress:
    """Where a benchmark is.

    Attributes:
        done, total: cells, those found finished and those equal to others included.
        reused: cells found finished, each counted once.
        trained: cells trained by this call.
        what: what is in hand.
        table: the table that it is for.
        part: the share of the chunk in hand that is done, in cells.
        seconds_left: an estimate, or None before anything was trained.
        started: when this call began, on ``time.monotonic``'s clock.
    """

    done: int = 0
    total: int = 0
    reused: int = 0
    trained: int = 0
    what: str = ""
    table: str = ""
    part: float = 0.0
    seconds_left: float | None = None
    started: float = field(default_factory=time.monotonic)
    _waiting: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _spent: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def seconds(self) -> float:
        """Seconds since this call began."""
        return time.monotonic() - self.started

    @property
    def pace(self) -> float | None:
        """Cells a second that this call trains; None before the first."""
        return self.trained / self.seconds if self.trained and self.seconds > 0 else None

    def plan(self, experiment: Experiment, cells: int) -> None:
        """Expect so many more (or, if negative, fewer) cells of an experiment."""
        self._waiting[experiment.title] += cells
        self.total += cells

    def found(self, experiment: Experiment, cells: int) -> None:
        """Count cells that were there before this call."""
        self.repeated(experiment, cells)
        self.reused += cells

    def repeated(self, experiment: Experiment, cells: int) -> None:
        """Count cells that equal others of this call."""
        self._waiting[experiment.title] -= cells
        self.done += cells

    def partly(self, experiment: Experiment, cells: float, seconds: float) -> None:
        """Note that so much of the chunk in hand is done, after so many seconds."""
        self.part = cells
        if cells > 0:
            self._estimate({experiment.title: seconds / cells}, cells, experiment)

    def finished(self, experiment: Experiment, cells: int, seconds: float) -> None:
        """Count cells that were trained in so many seconds together."""
        self._waiting[experiment.title] -= cells
        self._spent[experiment.title] += [seconds / cells] * cells
        self.done += cells
        self.trained += cells
        self.part = 0.0
        self._estimate({}, 0.0, experiment)

    def _estimate(self, provisional: dict[str, float], cells: float, experiment: Experiment) -> None:
        """Set the time left: a task's own mean time of a cell, or where it has none yet, the mean of the others'."""
        means = provisional | {name: sum(spent) / len(spent) for name, spent in self._spent.items()}
        usual = sum(means.values()) / len(means)
        left = sum(count * means.get(name, usual) for name, count in self._waiting.items())
        self.seconds_left = max(0.0, left - cells * means[experiment.title])


#: Called whenever the progress has changed.
Watch = Callable[[Progress], None]


class CellTrainer:
    """Trains cells.

    Attributes:
        progress: where it is.

    Args:
        store: keeps the cells.
        executor: where population cells are trained.
        device: what on.
        command: what the user called, kept with each cell.
        watch: called when the progress changes.
        stopping: asks to stop; then the chunks in training are finished, and of a full-size run the step.
        listener: told what was trained.
    """

    def __init__(
        self,
        store: CellStore,
        executor: Executor,
        device: str,
        command: str,
        watch: Watch,
        stopping: Stopping | None = None,
        listener: Listener = ignore,
    ) -> None:
        self.store, self.executor, self.device, self.command, self.watch = store, executor, device, command, watch
        self.stopping, self.listener = stopping or Stopping(), listener
        self._asked = stopping  # without one, a full-size run listens to Ctrl-C itself
        self.progress = Progress()
        self._met: set[str] = set()

    def ensure(self, cells: Sequence[Cell]) -> list[Outcome]:
        """Train those of the cells that are not finished, and return the outcomes of all in their order.

        Cells of one population must follow each other only for speed. Equal cells are trained once.
        """
        found = [self.store.read(cell) for cell in cells]
        missing: dict[str, Cell] = {}
        for cell, outcome in zip(cells, found, strict=True):
            if cell.name in self._met:
                self.progress.repeated(cell.experiment, 1)
            elif outcome is not None:
                self.progress.found(cell.experiment, 1)
            else:
                missing[cell.name] = cell
            self._met.add(cell.name)
        if cells:
            first = cells[0]
            fields = {"table": first.experiment.title, "cells": len(cells), "found": len(cells) - len(missing)}
            self.listener(Event("cells", fields | {"sweep": first.seed >= SWEEP_SEEDS}))
        self.watch(self.progress)
        by_experiment: dict[str, list[Cell]] = defaultdict(list)
        for cell in missing.values():
            by_experiment[f"{cell.experiment.trainer} {cell.experiment.settings.digest()} {cell.test}"].append(cell)
        for group in by_experiment.values():
            self.progress.what = self.progress.table = group[0].experiment.title
            (self._population if group[0].experiment.trainer == "population" else self._full)(group)
        outcomes = [outcome or self.store.read(cell) for cell, outcome in zip(cells, found, strict=True)]
        assert all(outcome is not None for outcome in outcomes)
        return [outcome for outcome in outcomes if outcome is not None]

    def _population(self, cells: Sequence[Cell]) -> None:
        chunks = list(self._chunks(cells))
        jobs = [_job(chunk, self.device) for chunk in chunks]
        if isinstance(self.executor, InProcess):
            for chunk, job in zip(chunks, jobs, strict=True):
                self.stopping.check()
                start = time.perf_counter()

                def tick(done: int, _: int, start: float = start) -> None:
                    self.progress.partly(cells[0].experiment, done, time.perf_counter() - start)
                    self.watch(self.progress)

                self._keep(chunk, run_job(job, None, tick), time.perf_counter() - start)
            return
        start = time.perf_counter()
        results = self.executor.imap(run_job, jobs)
        for place, scores in begun(results, self.stopping, range(len(jobs)), self.executor.workers):
            now = time.perf_counter()
            self._keep(chunks[place], scores, now - start)
            start = now

    def _chunks(self, cells: Sequence[Cell]) -> Iterator[list[Cell]]:
        """Cut cells of one experiment into rectangles of losses and seeds."""
        by_loss: dict[str, list[Cell]] = defaultdict(list)
        for cell in cells:
            by_loss[cell.loss].append(cell)
        alike: dict[tuple[int, ...], list[list[Cell]]] = defaultdict(list)  # losses that lack the same seeds
        for mine in by_loss.values():
            alike[tuple(cell.seed for cell in mine)].append(mine)
        mlp = cells[0].experiment.values["model"] == "mlp"
        single = not mlp and cells[0].experiment.values["engine"] == "single"
        most = min(_CHUNK[mlp], _ONE_BY_ONE) if single else _CHUNK[mlp]
        here = isinstance(self.executor, InProcess)
        share = -(-len(cells) // (2 * self.executor.workers))
        for seeds, losses in alike.items():
            width = most if here else max(1, min(_APIECE[mlp], share))
            for first in range(0, len(losses), width):
                part = losses[first : first + width]
                depth = max(1, most // len(part)) if here else 1
                for start in range(0, len(seeds), depth):
                    yield [cell for mine in part for cell in mine[start : start + depth]]

    def _keep(self, chunk: Sequence[Cell], scores: JobScores, seconds: float) -> None:
        seeds = list(dict.fromkeys(cell.seed for cell in chunk))
        metrics = chunk[0].experiment.metrics
        for place, cell in enumerate(chunk):
            k, s = divmod(place, len(seeds))
            values = {"validation": dict(zip(metrics, scores.validation[:, k, s].tolist(), strict=True))}
            if scores.test is not None:
                values["test"] = dict(zip(metrics, scores.test[:, k, s].tolist(), strict=True))
            self.store.write(
                cell,
                {"end": values},
                diverged=bool(scores.diverged[k, s]),
                seconds=seconds / len(chunk),
                environment=environment(self.device)
                | {"executor": type(self.executor).__name__, "trained_together": len(chunk)},
                command=self.command,
            )
        self._finished(chunk, seconds)

    def _finished(self, chunk: Sequence[Cell], seconds: float) -> None:
        experiment, progress = chunk[0].experiment, self.progress
        progress.finished(experiment, len(chunk), seconds)
        fields = {
            "table": experiment.title,
            "cells": len(chunk),
            "losses": list(dict.fromkeys(cell.contender.name for cell in chunk)),
            "seeds": list(dict.fromkeys(cell.seed for cell in chunk)),
        }
        fields |= {"seconds": round(seconds, 3), "done": progress.done, "total": progress.total}
        self.listener(Event("trained", fields))
        self.watch(progress)

    def _full(self, cells: Sequence[Cell]) -> None:
        fit = full_fit()
        # All losses of a seed before the next: a benchmark that is cut short has whole pairs.
        for cell in sorted(cells, key=lambda cell: cell.seed):
            if "RANK" not in os.environ:  # else only within a training, where all its processes stop together
                self.stopping.check()
            start = time.perf_counter()
            title = f"{cell.experiment.title}, {cell.contender.name}, seed {cell.seed}"

            def tick(
                epoch: int,
                epochs: int,
                step: int,
                steps: int,
                text: str,
                start: float = start,
                title: str = title,
                experiment: Experiment = cell.experiment,
            ) -> None:
                self.progress.what = f"{title}, epoch {epoch} of {epochs}, {text}"
                share = min(1.0, (epoch - 1 + step / max(steps, 1)) / max(epochs, 1))  # epochs count from 1
                self.progress.partly(experiment, share, time.perf_counter() - start)
                self.watch(self.progress)

            folder = self.store.full_folder(cell)
            make_folder(folder)
            found = fit_cell(
                fit, cell.experiment, cell.contender.loss, cell.seed, folder, self.device, tick, self._asked
            )
            spent = time.perf_counter() - start
            self.store.write(
                cell,
                found,
                diverged=bool(found.get("diverged", False)),
                seconds=float(found.get("seconds", spent)),
                environment=environment(self.device) | {key: found[key] for key in _ENVIRONMENT if key in found},
                command=self.command,
            )
            self._finished([cell], spent)


def _job(chunk: Sequence[Cell], device: str) -> Job:
    """Return the job that trains a rectangle of cells."""
    task = chunk[0].experiment.settings
    assert isinstance(task, TaskConfig)
    losses = {cell.loss: cell.contender.loss for cell in chunk}
    named = tuple(loss if isinstance(loss, Formula) else title(loss) for loss in losses.values())
    seeds = tuple(dict.fromkeys(cell.seed for cell in chunk))
    return Job(task, named, seeds, task.steps, chunk[0].test, device)


def with_engines(
    experiments: Sequence[Experiment], folder: Path, device: str, listener: Listener = ignore
) -> list[Experiment]:
    """Return the experiments with the engine that is faster here, or was when the benchmark began.

    Engines round differently, so what was measured first is kept in ``engines.json`` and holds for good. The listener
    is told of what is measured now.
    """
    path = folder / "engines.json"
    known: dict[str, Any] = {}
    try:
        known = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        known = {}  # a damaged file costs a measurement
    found, before = [], dict(known)
    for experiment in experiments:
        task = experiment.settings
        if isinstance(task, TaskConfig) and task.engine == "auto" and task.model != "mlp":
            key = f"{task.digest()} {device}"
            if known.get(key) not in ("stacked", "single"):
                choice: Choice = choose(load_task(task), device, _MEMBERS)
                known[key] = choice.engine
                listener(Event("engine", engine_fields(replace(task, engine=choice.engine), choice)))
            experiment = replace(experiment, settings=replace(task, engine=known[key]))
        found.append(experiment)
    if known != before:
        make_folder(folder)
        write_atomic(path, json.dumps(known, indent=1) + "\n")
    return found
