"""A run directory: the resolved configuration, the database and the hall of fame."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from symloss.errors import SymlossError, unknown
from symloss.events import LOG_FILE
from symloss.files import write_atomic
from symloss.formula import Formula, parse_formula
from symloss.grammar import Grammar
from symloss.limits import RUN_CONFIG_BYTES, RUN_RESULT_BYTES
from symloss.locking import LOCK_FILE, alone, lock_of
from symloss.search import SearchConfig
from symloss.store.database import Database
from symloss.store.guard import check_links, read_object, shaped
from symloss.store.hall import csv_text, tex_text
from symloss.store.machine import hardware_of, versions
from symloss.tasks import TaskConfig

CONFIG_FILE = "config.json"
DATABASE_FILE = "run.sqlite"
CONTROL_FILE = "control.sqlite"
HALL_OF_FAME = "hall_of_fame"
RUNS_FOLDER = "runs"
#: The version of a configuration's form; one without a number has the first.
FORMAT = 1


def default_run_dir(grammar: str, dataset: str) -> Path:
    """Make a directory below ``runs/``, named by time, grammar and dataset, and return it.

    It is made here, so that no other process gets it, whatever the clock says.

    Raises:
        SymlossError: it cannot be made.
    """
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{re.sub(r'[^A-Za-z0-9_-]', '_', grammar)}-{dataset}"
    for number in range(1, 1000):
        path = Path(RUNS_FOLDER) / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.parent.mkdir(exist_ok=True)
            path.mkdir()
        except FileExistsError:
            if path.parent.is_dir():
                continue
            raise SymlossError(f"{path.parent} is no directory; choose another place with --run-dir") from None
        except OSError as error:
            raise _unusable(path, error) from None
        return path
    raise SymlossError(f"{RUNS_FOLDER} holds a thousand runs named {stem}; choose a directory with --run-dir")


class Run:
    """One search on disk.

    Attributes:
        path: the directory.
        grammar: what losses are made of.
        tasks: what they are trained on.
        search: the settings of the search. With the two before they decide the result.
        device: what it trains on.
    """

    def __init__(
        self, path: Path, grammar: Grammar, tasks: Sequence[TaskConfig], search: SearchConfig, device: str = "cpu"
    ) -> None:
        self.path = path
        self.grammar = grammar
        self.tasks = tuple(tasks)
        self.search = search
        self.device = device

    @cached_property
    def database(self) -> Database:
        """The search's journal. A run that has ended is shown without it."""
        return Database(self.path / DATABASE_FILE, self.grammar, known=True)

    @cached_property
    def control_database(self) -> Database:
        """The journal of the equal-budget control; made when it is first asked for."""
        return Database(self.path / CONTROL_FILE, self.grammar)

    @classmethod
    def create(
        cls, path: Path, grammar: Grammar, tasks: Sequence[TaskConfig], search: SearchConfig, device: str = "cpu"
    ) -> Run:
        """Start a run in a new or empty directory.

        What a start that was killed left there is no hindrance.

        Raises:
            SymlossError: the directory is not empty or cannot be written, or another process has it.
        """
        made = not path.exists()
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(path, error) from None
        config = {
            "format": FORMAT,
            "grammar": grammar.to_dict(),
            "tasks": [json.loads(task.to_json()) for task in tasks],
            "search": search.to_dict(),
            "device": device,
            "hardware": hardware_of(device),
            "versions": versions(),
        }
        try:
            with alone(path) as mine:
                if not mine:
                    raise _in_use(path)
                _start(path, grammar, json.dumps(config, indent=1) + "\n")
        except SymlossError:
            if made:
                with suppress(OSError):
                    path.rmdir()  # only if it is empty
            raise
        return cls(path, grammar, tasks, search, device)

    @classmethod
    def open(cls, path: Path) -> Run:
        """Open a run's directory, whether the run has ended or not.

        Raises:
            SymlossError: there is none, or it cannot be read or is of another version.
        """
        file = run_path(path) / CONFIG_FILE
        config = read_object(file, RUN_CONFIG_BYTES)
        check_format(config, file)
        try:
            grammar, tasks, search = config["grammar"], config["tasks"], config["search"]
            device, tasks = str(config["device"]), list(tasks)
        except (KeyError, TypeError):
            raise SymlossError(
                f"{path / CONFIG_FILE} lacks the grammar, tasks, search or device; "
                "is it a run of this version of symloss?"
            ) from None
        with shaped(file):
            settings = [TaskConfig.from_dict(task) for task in tasks], SearchConfig.from_dict(search)
            if not tasks:
                raise SymlossError(f"{file} has no task; it is damaged")
        run = cls(file.parent, Grammar.from_dict(grammar), *settings, device)
        if not (run.path / f"{HALL_OF_FAME}.json").exists():
            _ = run.database  # what is wrong with it is told now
        return run

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the run against other processes that would work on it; who only reads it may do so.

        Raises:
            SymlossError: another one has it.
        """
        with alone(self.path) as mine:
            if not mine:
                raise _in_use(self.path)
            yield

    @property
    def log_path(self) -> Path:
        """Where what happens in the run is logged, see :mod:`symloss.events`."""
        return self.path / LOG_FILE

    def config(self) -> dict[str, Any]:
        """Return the resolved configuration: grammar, tasks, search, device, hardware and versions."""
        return read_object(self.path / CONFIG_FILE, RUN_CONFIG_BYTES)

    def result(self) -> dict[str, Any] | None:
        """Return what ``hall_of_fame.json`` holds, or None if the run has not ended.

        ``hall_of_fame`` and ``baselines`` are lists of rows, best first, each with ``expression``, ``latex``, ``size``,
        ``scale``, ``validation``, ``test`` and ``gain``; scores are fractions of 1.
        """
        path = self.path / f"{HALL_OF_FAME}.json"
        # The directory may have been moved since.
        return read_object(path, RUN_RESULT_BYTES) | {"run": str(self.path)} if path.exists() else None

    def finish(self, result: dict[str, Any]) -> None:
        """Write the hall of fame as JSON, CSV and LaTeX; the JSON last, since it marks the run as ended.

        Raises:
            SymlossError: one cannot be written.
        """
        try:
            write_atomic(self.path / f"{HALL_OF_FAME}.csv", csv_text(result))
            write_atomic(self.path / f"{HALL_OF_FAME}.tex", tex_text(result))
            write_atomic(self.path / f"{HALL_OF_FAME}.json", json.dumps(result, indent=1) + "\n")
        except SymlossError as error:
            raise SymlossError(
                f"{error}; the search itself is saved, and --resume {self.path} repeats the final comparison alone"
            ) from None

    def close(self) -> None:
        """Close the databases, those that were opened."""
        for name in ("database", "control_database"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()


def check_format(config: Any, path: Path) -> None:
    """Refuse a configuration of a form that is not known.

    Raises:
        SymlossError: it is of one.
    """
    found = config.get("format", FORMAT) if isinstance(config, Mapping) else FORMAT
    if found != FORMAT:
        raise SymlossError(
            f"{path} is of format {found!r}; this symloss reads format {FORMAT}: use the symloss that wrote it"
        )


def _unusable(path: Path, error: OSError) -> SymlossError:
    return SymlossError(f"cannot use {path} as the run's directory: {error.strerror}; choose another with --run-dir")


def _in_use(path: Path) -> SymlossError:
    who = lock_of(path) or "another process"
    return SymlossError(f"{who} works on the run {path}; wait for it, or end it and go on with --resume {path}")


def _not_empty(path: Path) -> SymlossError:
    return SymlossError(
        f"the run directory {path} is not empty; choose another with --run-dir, or go on with --resume {path}"
    )


def _start(path: Path, grammar: Grammar, config: str) -> None:
    """Write a run's first files, all of them or none, where nothing is but what a start that was killed left."""
    file = path / DATABASE_FILE
    for entry in path.iterdir():
        if not entry.name.startswith((LOCK_FILE, LOG_FILE, DATABASE_FILE, f".{CONFIG_FILE}.")):
            raise _not_empty(path)
    left = file.exists()
    try:
        database = Database(file, grammar)
        unused = database.unused
        database.close()
        if not unused:
            raise _not_empty(path)
        # Last, as it is what makes the directory a run: whatever has one has a database too.
        write_atomic(path / CONFIG_FILE, config)
    except SymlossError:
        if not left:
            for name in (DATABASE_FILE, f"{DATABASE_FILE}-wal", f"{DATABASE_FILE}-shm"):
                with suppress(OSError):
                    (path / name).unlink()
        raise


def find_loss(run: str, rank: int) -> tuple[Formula, dict[str, Any]]:
    """Return the formula and the result row of a finished run's loss.

    Args:
        run: a run directory, or its name below ``runs/``.
        rank: from 1.

    Raises:
        SymlossError: no such run or rank, or the run has not ended.
    """
    path, result = read_result(run)
    with shaped(path / f"{HALL_OF_FAME}.json"):
        rows = result.get("hall_of_fame", [])
        for row in rows:
            if row.get("rank") == rank:
                return parse_formula(str(row["expression"])), origin_of(path, result) | row
    raise SymlossError(f"the run {path} has no loss of rank {rank}; it has ranks 1 to {len(rows)}")


def origin_of(path: Path, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``{run, grammar, task, class_reduction}`` of what a run found: names and texts for whoever reads on.

    Args:
        path: the run's directory.
        result: what it found.
    """
    config = result["config"]
    tasks = config["tasks"] if "tasks" in config else [config["task"]]  # runs of before there were several
    task = "; ".join(", ".join(f"{key} {value}" for key, value in one.items()) for one in tasks)
    grammar = config["grammar"]
    origin = {"run": path.name, "grammar": grammar["name"], "task": task}
    return origin | {"class_reduction": grammar["loss"]["class_reduction"]}


def read_result(run: str | Path) -> tuple[Path, dict[str, Any]]:
    """Return a finished run's directory and what :meth:`Run.finish` wrote there.

    Args:
        run: a run directory, or its name below ``runs/``.

    Raises:
        SymlossError: no such run, or it has not ended.
    """
    path = run_path(Path(run))
    file = path / f"{HALL_OF_FAME}.json"
    if not file.exists():
        raise SymlossError(f"the run {path} has not ended; finish it with: symloss evolve --resume {path}")
    return path, read_object(file, RUN_RESULT_BYTES)


def run_path(path: Path) -> Path:
    """Return a run's directory, given it or its name below ``runs/``.

    Raises:
        SymlossError: it holds no configuration.
    """
    below = Path(RUNS_FOLDER) / path
    for candidate in (path, below):
        try:
            found = (candidate / CONFIG_FILE).is_file()
        except (OSError, ValueError):  # longer than a path can be, or with a null character
            found = False
        if found:
            check_links(candidate)
            return candidate
    runs = [p.name for p in Path(RUNS_FOLDER).iterdir() if p.is_dir()] if Path(RUNS_FOLDER).is_dir() else []
    hint = f"; {unknown('run', path.name, runs)}" if runs else ""
    raise SymlossError(f"{path} is no run: it holds no {CONFIG_FILE}{hint}")
