"""A run directory: the resolved configuration, the database and the hall of fame."""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from symloss.errors import SymlossError, unknown
from symloss.files import write_atomic
from symloss.formula import Formula, parse_formula
from symloss.grammar import Grammar
from symloss.search import SearchConfig
from symloss.store.database import Database
from symloss.tasks import TaskConfig

CONFIG_FILE = "config.json"
DATABASE_FILE = "run.sqlite"
CONTROL_FILE = "control.sqlite"
HALL_OF_FAME = "hall_of_fame"
RUNS_FOLDER = "runs"


def default_run_dir(grammar: str, dataset: str) -> Path:
    """Return an unused directory below ``runs/`` named by time, grammar and dataset."""
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{re.sub(r'[^A-Za-z0-9_-]', '_', grammar)}-{dataset}"
    for number in range(1, 1000):
        path = Path(RUNS_FOLDER) / (stem if number == 1 else f"{stem}-{number}")
        if not path.exists():
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
        database: the search's journal.
    """

    def __init__(
        self, path: Path, grammar: Grammar, tasks: Sequence[TaskConfig], search: SearchConfig, device: str = "cpu"
    ) -> None:
        self.path = path
        self.grammar = grammar
        self.tasks = tuple(tasks)
        self.search = search
        self.device = device
        self.database = Database(path / DATABASE_FILE, grammar)

    @cached_property
    def control_database(self) -> Database:
        """The journal of the equal-budget control; made when it is first asked for."""
        return Database(self.path / CONTROL_FILE, self.grammar)

    @classmethod
    def create(
        cls, path: Path, grammar: Grammar, tasks: Sequence[TaskConfig], search: SearchConfig, device: str = "cpu"
    ) -> Run:
        """Start a run in a new or empty directory.

        Raises:
            SymlossError: the directory is not empty or cannot be written.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            taken = any(path.iterdir())
        except OSError as error:
            raise SymlossError(
                f"cannot use {path} as the run's directory: {error.strerror}; choose another with --run-dir"
            ) from None
        if taken:
            raise SymlossError(
                f"the run directory {path} is not empty; choose another with --run-dir, or go on with --resume {path}"
            )
        config = {
            "grammar": grammar.to_dict(),
            "tasks": [json.loads(task.to_json()) for task in tasks],
            "search": search.to_dict(),
            "device": device,
            "hardware": _hardware(device),
            "versions": _versions(),
        }
        write_atomic(path / CONFIG_FILE, json.dumps(config, indent=1) + "\n")
        return cls(path, grammar, tasks, search, device)

    @classmethod
    def open(cls, path: Path) -> Run:
        """Open a run's directory, whether the run has ended or not.

        Raises:
            SymlossError: there is none, or it cannot be read.
        """
        config = _read_json(_run_path(path) / CONFIG_FILE)
        try:
            grammar, tasks, search = config["grammar"], config["tasks"], config["search"]
            device, tasks = str(config["device"]), list(tasks)
        except (KeyError, TypeError):
            raise SymlossError(
                f"{path / CONFIG_FILE} lacks the grammar, tasks, search or device; "
                "is it a run of this version of symloss?"
            ) from None
        return cls(
            _run_path(path),
            Grammar.from_dict(grammar),
            [TaskConfig.from_dict(task) for task in tasks],
            SearchConfig.from_dict(search),
            device,
        )

    def config(self) -> dict[str, Any]:
        """Return the resolved configuration: grammar, tasks, search, device, hardware and versions."""
        found: dict[str, Any] = _read_json(self.path / CONFIG_FILE)
        return found

    def result(self) -> dict[str, Any] | None:
        """Return what ``hall_of_fame.json`` holds, or None if the run has not ended.

        ``hall_of_fame`` and ``baselines`` are lists of rows, best first, each with ``expression``, ``latex``, ``size``,
        ``scale``, ``validation``, ``test`` and ``gain``; scores are fractions of 1.
        """
        path = self.path / f"{HALL_OF_FAME}.json"
        # The directory may have been moved since.
        return _read_json(path) | {"run": str(self.path)} if path.exists() else None

    def finish(self, result: dict[str, Any]) -> None:
        """Write the hall of fame as JSON, CSV and LaTeX; the JSON last, since it marks the run as ended."""
        write_atomic(self.path / f"{HALL_OF_FAME}.csv", _csv(result))
        write_atomic(self.path / f"{HALL_OF_FAME}.tex", _tex(result))
        write_atomic(self.path / f"{HALL_OF_FAME}.json", json.dumps(result, indent=1) + "\n")

    def close(self) -> None:
        """Close the databases."""
        self.database.close()
        if "control_database" in self.__dict__:  # only if it was opened
            self.control_database.close()


def find_loss(run: str, rank: int) -> tuple[Formula, dict[str, Any]]:
    """Return the formula and the result row of a finished run's loss.

    Args:
        run: a run directory, or its name below ``runs/``.
        rank: from 1.

    Raises:
        SymlossError: no such run or rank, or the run has not ended.
    """
    path, result = read_result(run)
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
    path = _run_path(Path(run))
    file = path / f"{HALL_OF_FAME}.json"
    if not file.exists():
        raise SymlossError(f"the run {path} has not ended; finish it with: symloss evolve --resume {path}")
    result: dict[str, Any] = _read_json(file)
    return path, result


def _run_path(path: Path) -> Path:
    below = Path(RUNS_FOLDER) / path
    for candidate in (path, below):
        if (candidate / CONFIG_FILE).is_file():
            return candidate
    runs = [p.name for p in Path(RUNS_FOLDER).iterdir() if p.is_dir()] if Path(RUNS_FOLDER).is_dir() else []
    hint = f"; {unknown('run', path.name, runs)}" if runs else ""
    raise SymlossError(f"{path} is no run: it holds no {CONFIG_FILE}{hint}")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SymlossError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SymlossError(f"{path} is damaged: {error}") from None


def _hardware(device: str) -> dict[str, Any]:
    """Return what the machine that starts a run says of itself; workers may be others."""
    import torch

    from symloss.training.machine import hardware

    found: dict[str, Any] = {"processor": hardware(torch.device("cpu")), "cores": os.cpu_count()}
    if device.startswith("cuda") and torch.cuda.is_available():
        found["gpu"] = hardware(torch.device(device))
    return found


def _versions() -> dict[str, str]:
    names = ("symloss", "torch", "sympy", "numpy", "scikit-learn", "scipy", "python-flint", "cmaes", "torchmetrics")
    return {"python": platform.python_version(), "machine": platform.machine()} | {n: version(n) for n in names}


_CSV_SCORES = ("validation_mean", "validation_std", "test_mean", "test_std", "test_ci95_low", "test_ci95_high", "n")
_CSV_GAIN = ("gain_mean", "gain_p", "gain_p_holm")
_CSV_COLUMNS = ("rank", "loss", "expression", "latex", "size", "scale", *_CSV_SCORES, *_CSV_GAIN, "id", "note")


def _csv(result: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _CSV_COLUMNS, lineterminator="\n", extrasaction="ignore", restval="")
    writer.writeheader()
    for row in _rows(result):
        low, high = row["test"]["ci95"]
        values = {f"{part}_{name}": row[part][name] for part in ("validation", "test") for name in ("mean", "std")}
        values |= {"test_ci95_low": low, "test_ci95_high": high, "n": row["test"]["n"]}
        values |= {f"gain_{name}": value for name, value in (row["gain"] or {}).items()}
        writer.writerow(row | values)
    return text.getvalue()


def _rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [*result["hall_of_fame"], *result["control"], *result["baselines"]]


def _tex(result: dict[str, Any]) -> str:
    """Return a booktabs table; the document needs the packages booktabs and amsmath."""
    lines = [
        r"% needs \usepackage{booktabs,amsmath}",
        r"\begin{tabular}{llrrr}",
        r"\toprule",
        r"Loss & $L(p, y)$ & Size & Test (\%) & Gain \\",
        r"\midrule",
    ]
    for place, row in enumerate(_rows(result)):
        if place and place == len(result["hall_of_fame"]):
            lines.append(r"\midrule")
        low, high = row["test"]["ci95"]
        gain = f"{100 * row['gain']['mean']:+.2f}" if row["gain"] else "--"
        lines.append(
            f"{_tex_text(row['loss'])} & ${row['latex']}$ & {row['size']} & "
            f"{100 * row['test']['mean']:.2f} [{100 * low:.2f}, {100 * high:.2f}] & {gain} \\\\"
        )
    lines.append(r"\bottomrule")
    for row in result["baselines"]:
        if row.get("note"):  # its formula alone would be read as another loss
            note = _tex_text(f"{row['loss']} {row['note']}")
            lines.append(rf"\multicolumn{{5}}{{p{{\linewidth}}}}{{\footnotesize {note}}} \\")
    return "\n".join([*lines, r"\end{tabular}", ""])


def _tex_text(text: str) -> str:
    return text.replace("#", r"\#").replace("_", r"\_")
