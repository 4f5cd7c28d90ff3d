"""The SQLite database of a run: every candidate, score and rejection. It is the search's journal."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from symloss.errors import SymlossError
from symloss.formula import parse_formula
from symloss.grammar import Grammar
from symloss.search import LATE_SCREENS, Candidate, Generation, Rejection, Scores
from symloss.store.guard import check_tables
from symloss.store.reading import damaged, database_error, wrong_version

#: Raised when the tables change; a database of another version is refused.
VERSION = 2

_SCHEMA = """
CREATE TABLE generations (number INTEGER PRIMARY KEY, drawn INTEGER NOT NULL) STRICT;
CREATE TABLE candidates (
    id TEXT PRIMARY KEY, generation INTEGER NOT NULL REFERENCES generations, position INTEGER NOT NULL,
    expression TEXT NOT NULL, derivation TEXT NOT NULL, size INTEGER NOT NULL, origin TEXT NOT NULL,
    parents TEXT NOT NULL
) STRICT;
CREATE TABLE rejections (
    generation INTEGER NOT NULL REFERENCES generations, number INTEGER NOT NULL,
    expression TEXT NOT NULL, screen TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (generation, number)
) STRICT;
CREATE TABLE scores (
    rung INTEGER NOT NULL, id TEXT NOT NULL, scores TEXT NOT NULL, PRIMARY KEY (rung, id)
) STRICT;
CREATE TABLE clock (only INTEGER PRIMARY KEY CHECK (only = 0), seconds REAL NOT NULL) STRICT;
CREATE TABLE stop (
    only INTEGER PRIMARY KEY CHECK (only = 0), generation INTEGER NOT NULL, reason TEXT NOT NULL
) STRICT;
"""


class Database:
    """One run's database; it implements :class:`symloss.search.Journal`.

    Args:
        path: the file.
        grammar: of the run, to read derivations with.
        known: whether the file must have been a database already. Else it is created if absent.

    Raises:
        SymlossError: it cannot be opened, is no database, is damaged, or is of another version.
    """

    def __init__(self, path: Path, grammar: Grammar, *, known: bool = False) -> None:
        self._path = path
        self._grammar = grammar
        if known and not path.exists():
            raise SymlossError(f"the run has lost its database {path}; put it back, or start the run anew")
        with self._guard():
            self._connection = sqlite3.connect(path, isolation_level=None)
            try:
                self._prepare(known)
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self, known: bool) -> None:
        check_tables(self._connection, self._path)
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise wrong_version(self._path, version, VERSION)
        if version == 0 and (known or self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]):
            raise damaged(self._path, "it has no version, so it was cut short or has lost the file beside it in -wal")
        # Write-ahead logging keeps every committed transaction when the process is killed.
        self._connection.execute("PRAGMA journal_mode = WAL")
        if version == VERSION:
            found = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise damaged(self._path, found)
            return
        with self._transaction():
            for statement in _SCHEMA.strip().split(";\n"):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {VERSION}")

    @property
    def unused(self) -> bool:
        """Whether nothing was ever saved."""
        with self._guard():
            tables = ("generations", "scores", "clock", "stop")
            query = " UNION ALL ".join(f"SELECT 1 FROM {table}" for table in tables)
            return self._connection.execute(f"SELECT count(*) FROM ({query})").fetchone()[0] == 0

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def load_generation(self, number: int) -> Generation | None:
        """Return a generation as it was drawn, without scores, or None if it was not saved."""
        with self._guard():
            row = self._connection.execute("SELECT drawn FROM generations WHERE number = ?", (number,)).fetchone()
            if row is None:
                return None
            rejections = [
                Rejection(*fields)
                for fields in self._connection.execute(
                    "SELECT expression, screen, reason FROM rejections WHERE generation = ? ORDER BY number", (number,)
                )
            ]
            candidates = self._connection.execute(
                "SELECT id, expression, derivation, size, position, origin, parents FROM candidates "
                "WHERE generation = ? ORDER BY position",
                (number,),
            ).fetchall()
        with self._decoded():
            return Generation(
                number=number,
                candidates=[self._candidate(number, *row) for row in candidates],
                drawn=row[0],
                rejections=rejections,
                known=[parse_formula(r.expression) for r in rejections if r.screen in LATE_SCREENS],
            )

    def _candidate(
        self, number: int, name: str, expression: str, derivation: str, size: int, position: int, *more: str
    ) -> Candidate:
        origin, parents = more
        found = Candidate(
            id=name,
            derivation=self._grammar.derivation_from_json(json.loads(derivation)),
            size=size,
            generation=number,
            index=position,
            origin=origin,
            parents=tuple(json.loads(parents)),
        )
        if found.expression != expression:
            raise ValueError(f"the derivation of {name} gives {found.expression}, and its formula is {expression}")
        return found

    def save_generation(self, generation: Generation) -> None:
        """Write a drawn generation in one transaction."""
        with self._guard(), self._transaction():
            self._connection.execute("INSERT INTO generations VALUES (?, ?)", (generation.number, generation.drawn))
            self._connection.executemany(
                "INSERT INTO candidates VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        c.id,
                        c.generation,
                        c.index,
                        c.expression,
                        json.dumps(c.derivation.to_json()),
                        c.size,
                        c.origin,
                        json.dumps(c.parents),
                    )
                    for c in generation.candidates
                ],
            )
            self._connection.executemany(
                "INSERT INTO rejections VALUES (?, ?, ?, ?, ?)",
                [
                    (generation.number, place, r.expression, r.screen, r.reason)
                    for place, r in enumerate(generation.rejections)
                ],
            )

    def load_scores(self, rung: int) -> dict[str, Scores]:
        """Return the scores of a rung by candidate id."""
        with self._guard():
            rows = self._connection.execute("SELECT id, scores FROM scores WHERE rung = ?", (rung,)).fetchall()
        with self._decoded():
            return {name: read_scores(scores) for name, scores in rows}

    def save_scores(self, rung: int, scores: Mapping[str, Scores]) -> None:
        """Write some candidates' scores in one transaction."""
        with self._guard(), self._transaction():
            self._connection.executemany(
                "INSERT INTO scores VALUES (?, ?, ?)",
                [(rung, name, json.dumps(values)) for name, values in scores.items()],
            )

    def load_seconds(self) -> float:
        """Return how long earlier processes worked."""
        with self._guard():
            row = self._connection.execute("SELECT seconds FROM clock").fetchone()
        with self._decoded():
            return float(row[0]) if row else 0.0

    def save_seconds(self, seconds: float) -> None:
        """Write how long all processes worked."""
        with self._guard(), self._transaction():
            self._connection.execute("INSERT OR REPLACE INTO clock VALUES (0, ?)", (seconds,))

    def load_stop(self) -> tuple[int, str] | None:
        """Return the generation before which the search stopped, and why; None if it has not."""
        with self._guard():
            row = self._connection.execute("SELECT generation, reason FROM stop").fetchone()
        with self._decoded():
            return (int(row[0]), str(row[1])) if row else None

    def save_stop(self, generation: int, reason: str) -> None:
        """Write that the search stopped."""
        with self._guard(), self._transaction():
            self._connection.execute("INSERT OR REPLACE INTO stop VALUES (0, ?, ?)", (generation, reason))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk may have ended it already
                with suppress(sqlite3.Error):  # what went wrong first is what is told
                    self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise database_error(self._path, error) from None
        except UnicodeDecodeError as error:  # a text of SQLite's own
            raise damaged(self._path, str(error)) from None

    @contextmanager
    def _decoded(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
            raise damaged(self._path, str(error)) from None


def read_scores(text: str) -> Scores:
    """Read a loss's scores as they are written.

    Raises:
        ValueError, TypeError: they are none.
    """
    data: Any = json.loads(text)
    found = tuple(tuple(tuple(float(score) for score in seeds) for seeds in metrics) for metrics in data)
    if not found or not all(task and all(task) for task in found):
        raise ValueError(f"the scores {text!r} lack some")
    return found
