"""Is a run whole? Every check of what lies in its directory, without changing anything there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from symloss.errors import SymlossError
from symloss.formula import parse_formula
from symloss.grammar import Grammar
from symloss.limits import RUN_CONFIG_BYTES, RUN_RESULT_BYTES
from symloss.locking import LOCK_FILE, lock_of
from symloss.search import SearchConfig
from symloss.store.database import VERSION, read_scores
from symloss.store.guard import read_object
from symloss.store.hall import csv_text, tex_text
from symloss.store.machine import versions
from symloss.store.reading import reading, wrong_version
from symloss.store.run import (
    CONFIG_FILE,
    CONTROL_FILE,
    DATABASE_FILE,
    HALL_OF_FAME,
    check_format,
    run_path,
)
from symloss.store.soundness import expressions, integrity, names, scores
from symloss.symbolic import loss_id
from symloss.tasks import TaskConfig

#: How many ids are computed anew by default.
SAMPLE = 200
#: How many faults of one kind are told in words.
_TOLD = 3

Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class Check:
    """What one check found.

    Attributes:
        name: what was looked at.
        status: ``"ok"``, ``"note"`` for what is worth knowing and no fault, or ``"problem"``.
        found: in words.
        remedy: how to mend it; empty where nothing is to be done.
    """

    name: str
    status: str
    found: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the attributes by name."""
        return asdict(self)


def examine(run: str | Path, sample: int | None = SAMPLE, tick: Tick | None = None) -> tuple[Path, list[Check]]:
    """Return a run's directory and what every check of it found. The run is only read, and may be worked on meanwhile.

    Args:
        run: a run directory, or its name below ``runs/``.
        sample: how many candidates' ids are computed anew, which takes some milliseconds each; None for all.
        tick: called with how many of these are done and to be done.

    Raises:
        SymlossError: there is no such run.
    """
    path = Path(run)
    if not any((path / name).exists() for name in (CONFIG_FILE, DATABASE_FILE, f"{HALL_OF_FAME}.json")):
        path = run_path(path)
    return path, _Doctor(path, sample, tick or (lambda _, __: None)).checks()


class _Doctor:
    def __init__(self, path: Path, sample: int | None, tick: Tick) -> None:
        self._path, self._sample, self._tick = path, sample, tick
        self._holder = lock_of(path)
        self._busy = self._holder is not None and self._holder.alive
        self._ended = (path / f"{HALL_OF_FAME}.json").exists()
        self._config: dict[str, Any] = {}
        self._read: tuple[Grammar, list[TaskConfig], SearchConfig] | None = None
        self._on = f"go on with: symloss evolve --resume {path}"

    def checks(self) -> list[Check]:
        found = [self._configuration(), self._versions(), self._lock(), self._temporary()]
        for file in (DATABASE_FILE, CONTROL_FILE):
            if (self._path / file).exists():
                found += self._database(file)
            elif file == DATABASE_FILE:
                remedy = "put back a copy, or start the run anew" if not self._ended else ""
                status = "note" if self._ended else "problem"
                found.append(Check("database", status, f"{file} is not there", remedy))
        return [*found, self._hall_of_fame()]

    def _configuration(self) -> Check:
        file = self._path / CONFIG_FILE
        try:
            self._config = read_object(file, RUN_CONFIG_BYTES)
            check_format(self._config, file)
            self._read = (
                Grammar.from_dict(self._config["grammar"]),
                [TaskConfig.from_dict(task) for task in self._config["tasks"]],
                SearchConfig.from_dict(self._config["search"]),
            )
        except (SymlossError, LookupError, TypeError, AttributeError) as error:
            text = str(error) if isinstance(error, SymlossError) else f"{type(error).__name__}: {error}"
            spare = f"take it from config in {HALL_OF_FAME}.json" if self._ended else "put back a copy"
            return Check("configuration", "problem", text, spare)
        grammar, tasks, search = self._read
        tests = ", ".join(f"{task.dataset}, {task.model}" for task in tasks)
        return Check("configuration", "ok", f"grammar {grammar.name}; {tests}; {search.strategy}, seed {search.seed}")

    def _versions(self) -> Check:
        then = self._config.get("versions") if isinstance(self._config, Mapping) else None
        if not isinstance(then, Mapping):
            return Check("versions", "note", "the configuration does not say what the run was started with")
        now = versions()
        other = [name for name in now if then.get(name) != now[name]]
        if not other:
            return Check("versions", "ok", f"symloss {now['symloss']}, torch {now['torch']}, as it was started with")
        text = ", ".join(f"{name} {then.get(name)}, here {now[name]}" for name in other)
        if self._ended:
            return Check("versions", "note", f"started with {text}")
        remedy = "resume with the versions that it was started with; with others its numbers may differ"
        return Check("versions", "problem" if "symloss" in other else "note", f"started with {text}", remedy)

    def _lock(self) -> Check:
        if self._holder is None:
            return Check("lock", "ok", "no process works on it")
        if self._busy:
            return Check("lock", "note", f"{self._holder} works on it now, so what it has in hand is not complete")
        return Check("lock", "note", f"{self._holder} ended before it could let go of it", self._on)

    def _temporary(self) -> Check:
        left = [p.name for p in sorted(self._path.iterdir()) if p.name.startswith(".") and p.name != LOCK_FILE]
        if not left or self._busy:
            return Check("temporary files", "ok", "none left over" if not left else "those of the process at work")
        return Check("temporary files", "note", f"left by a killed process: {_some(left)}", "delete them")

    def _database(self, file: str) -> list[Check]:
        """Check a database; what needs a sound file is only asked of one."""
        title = "database" if file == DATABASE_FILE else "control"
        anew = "put back a copy, or start the run anew"
        if self._ended:
            anew += f"; what was found stands in {HALL_OF_FAME}.json all the same"
        try:
            with reading(self._path / file) as connection:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version != VERSION:
                    raise wrong_version(self._path / file, version, VERSION)
                check = _judged(title, integrity(connection), f"{file}: SQLite finds it in order", anew)
                if check.status != "ok" or self._read is None:
                    return [check]
                grammar, tasks, search = self._read
                faults, candidates = expressions(connection, grammar)
                total = len(candidates)
                found = [
                    check,
                    _judged(f"{title}: expressions", faults, f"all parse; {total} lie in the grammar", anew),
                ]
                wrong, seen = names(candidates, self._sample, False, self._tick)
                found.append(_judged(f"{title}: ids", wrong, f"{seen} of {total} computed anew, all right", anew))
                lacking, count = scores(connection, tasks, search, self._ended and file == DATABASE_FILE)
                mend = anew if self._ended else f"{self._on}: what is missing is trained"
                found.append(_judged(f"{title}: scores", lacking, f"{count} rows, none missing", mend))
                return found
        except SymlossError as error:
            text, _, mend = str(error).rpartition("; ")
            return [Check(title, "problem", text, mend)]
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            return [Check(title, "problem", f"it holds what no run writes: {type(error).__name__}: {error}", anew)]

    def _hall_of_fame(self) -> Check:
        title, file = "hall of fame", self._path / f"{HALL_OF_FAME}.json"
        if not self._ended:
            done = "" if self._busy else self._on
            return Check(title, "note", "the run has not ended", done)
        remedy = f"delete {HALL_OF_FAME}.json and {self._on}: the final comparison is repeated"
        try:
            result = read_object(file, RUN_RESULT_BYTES)
            faults = self._against_files(result) + self._against_database(result)
            rows = len(result["hall_of_fame"])
        except SymlossError as error:
            return Check(title, "problem", str(error), remedy)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            return Check(title, "problem", f"{file.name} is damaged: {type(error).__name__}: {error}", remedy)
        return _judged(title, faults, f"{rows} losses, as the database and the tables have them", remedy)

    def _against_files(self, result: Mapping[str, Any]) -> list[str]:
        faults = []
        for kind, write in (("csv", csv_text), ("tex", tex_text)):
            file = self._path / f"{HALL_OF_FAME}.{kind}"
            if not file.exists():
                faults.append(f"{file.name} is not there")
            elif file.read_bytes() != write(dict(result)).encode():
                faults.append(f"{file.name} is not what {HALL_OF_FAME}.json gives")
        if self._config and result["config"] != self._config:
            faults.append(f"its configuration is not that of {CONFIG_FILE}")
        for row in (*result["hall_of_fame"], *result["control"], *result["baselines"]):
            for part in ("validation", "test"):
                scored = row[part]["scores"]
                if not math.isclose(row[part]["mean"], math.fsum(scored) / len(scored), abs_tol=1e-9):
                    faults.append(f"the {part} score of {row['loss']} is not the mean of its seeds")
        for row in result["hall_of_fame"]:
            if loss_id(parse_formula(row["expression"])) != row["id"]:
                faults.append(f"the id of {row['loss']} is not that of its formula")
        return faults

    def _against_database(self, result: Mapping[str, Any]) -> list[str]:
        file = self._path / DATABASE_FILE
        if not file.exists():
            return []
        with reading(file) as connection:
            trained = dict(connection.execute("SELECT id, expression FROM candidates"))
            drawn = connection.execute("SELECT sum(drawn) FROM generations").fetchone()[0]
            best: dict[str, float] = {}
            for name, text in connection.execute("SELECT id, scores FROM scores WHERE rung >= 0 ORDER BY rung"):
                first = read_scores(text)[0][0]
                best[name] = math.fsum(first) / len(first)  # the highest rung's comes last
        faults = []
        counts = result["counts"]
        if counts["trained"] != len(trained) or counts["drawn"] != (drawn or 0):
            faults.append(
                f"it counts {counts['trained']} trained of {counts['drawn']} drawn; "
                f"the database has {len(trained)} of {drawn or 0}"
            )
        for row in result["hall_of_fame"]:
            candidate = row["candidate"]
            if trained.get(candidate["id"]) != candidate["expression"]:
                faults.append(f"{row['loss']}, {candidate['id']}, is not in the database with this formula")
            elif not math.isclose(best.get(candidate["id"], math.nan), row["search_validation"], abs_tol=1e-9):
                faults.append(f"{row['loss']} has another validation score in the database")
        return faults


def _judged(name: str, faults: list[str], right: str, remedy: str) -> Check:
    return Check(name, "problem", _some(faults), remedy) if faults else Check(name, "ok", right)


def _some(lines: list[str]) -> str:
    more = f"; and {len(lines) - _TOLD} more" if len(lines) > _TOLD else ""
    return "; ".join(" ".join(line.split()) for line in lines[:_TOLD]) + more
