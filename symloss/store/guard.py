"""What is checked of a run directory before anything in it is believed: it may come from somebody else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from symloss.errors import SymlossError, shown
from symloss.limits import DATABASE_VALUE_BYTES

#: How the names of the files begin that a run writes: through a link with such a name it would write elsewhere.
_OWN = ("config.json", "run.sqlite", "control.sqlite", "hall_of_fame.", "report.html", "log.jsonl")

#: Characters of a message.
_LONGEST = 1_000

_TABLES = frozenset({"generations", "candidates", "rejections", "scores", "clock", "stop"})


def check_links(folder: Path) -> None:
    """Refuse a run whose files are links; the folder itself may be one.

    Raises:
        SymlossError: one is, or the folder cannot be read.
    """
    try:
        links = [entry.name for entry in folder.iterdir() if entry.name.startswith(_OWN) and entry.is_symlink()]
    except OSError as error:
        raise SymlossError(f"cannot read {folder}: {error.strerror}") from None
    if links:
        raise SymlossError(
            f"{folder / min(links)} is a link, and what is written there would lie outside the run's directory; "
            "put the file itself in its place"
        )


def check_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a database that has more than tables of a run: a view or a trigger may do anything, and for ever.

    From now on the connection reads no value that is larger than a run's can be.

    Args:
        connection: just opened.
        path: its file, for messages.

    Raises:
        SymlossError: it has something else.
        sqlite3.Error: it cannot be read.
    """
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, DATABASE_VALUE_BYTES)
    connection.execute("PRAGMA trusted_schema = OFF")
    # As bytes, which a damaged name has too.
    entries = connection.execute("SELECT type, CAST(name AS BLOB), CAST(sql AS BLOB) FROM sqlite_master").fetchall()
    for kind, raw, code in entries:
        name, text = ((part or b"").decode("utf-8", "replace") for part in (raw, code))
        plain = kind == "table" and name in _TABLES and not text.upper().startswith("CREATE VIRTUAL")
        if not plain and not (kind == "index" and not text):  # an index of SQLite's own has no text
            raise SymlossError(
                f"the database {path} has the {str(kind)[:20]} {shown(name)}, which no run writes; it is none of a "
                "run, or somebody changed it"
            )


def read_object(path: Path, most: int) -> dict[str, Any]:
    """Return the JSON object in a file.

    Args:
        path: the file.
        most: how many bytes it may have.

    Raises:
        SymlossError: it cannot be read, is larger, or holds something else.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise SymlossError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > most:
        raise SymlossError(f"{path} is larger than {most:,} bytes, which no run writes; is it a run of symloss?")
    try:
        found = json.loads(data.decode("utf-8"))
        json.dumps(found, ensure_ascii=False).encode("utf-8")  # half a character can be read, and never be written
    except (ValueError, RecursionError) as error:
        raise SymlossError(f"{path} is damaged: {error}") from None
    if not isinstance(found, dict):
        raise SymlossError(f"{path} is damaged: it holds a {type(found).__name__} where an object belongs")
    return found


@contextmanager
def shaped(path: Path) -> Iterator[None]:
    """Say of a file what code makes of contents that have not the shape it relies on.

    Raises:
        SymlossError: in the place of what such code raises.
    """
    try:
        yield
    except SymlossError as error:
        if len(str(error)) <= _LONGEST:
            raise
        raise SymlossError(f"{path}: {str(error)[:_LONGEST]} ...") from None  # it quotes a value of the file
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError) as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise SymlossError(f"{path} is damaged or of another version of symloss: {text}") from error
