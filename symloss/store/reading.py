"""Reading a run's database beside whoever writes it, without changing anything, and what is said where it fails."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from symloss.errors import SymlossError
from symloss.locking import lock_of

#: What to do, by the beginning of SQLite's name of an error.
_REMEDIES = {
    "SQLITE_FULL": "free space on its disk and go on with --resume; what was saved before stays",
    "SQLITE_IOERR": "see that its disk works, has space and no limit on files, and go on with --resume; what was saved "
    "before stays",
    "SQLITE_READONLY": "make the folder and its files writable",
    "SQLITE_CANTOPEN": "check that the folder is there and writable",
    "SQLITE_BUSY": "another program uses it; wait for that",
    "SQLITE_LOCKED": "another program uses it; wait for that",
    "SQLITE_CORRUPT": "it is damaged; put back a copy of it, or start the run anew",
    "SQLITE_NOTADB": "put the run's own back, or start the run anew",
}


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database to read, and leave its folder as it is.

    While a process works on the run it is read beside that; else from the file alone or, where a process was killed
    and what it wrote last stands in a log beside it, from a copy of both: reading those in place would need files in
    the folder, which may not be writable.

    Args:
        path: the file, in a run's directory.

    Raises:
        SymlossError: it cannot be opened or read.
    """
    log = path.with_name(f"{path.name}-wal")
    holder = lock_of(path.parent)
    try:
        if holder is not None and holder.alive:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
                yield connection
        elif log.exists() and log.stat().st_size:
            with tempfile.TemporaryDirectory() as folder:
                for file in (path, log):
                    shutil.copyfile(file, Path(folder) / file.name)
                with closing(sqlite3.connect(Path(folder) / path.name)) as connection:
                    yield connection
        else:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)) as connection:
                yield connection
    except sqlite3.Error as error:
        raise database_error(path, error) from None
    except UnicodeDecodeError as error:  # a text of SQLite's own
        raise damaged(path, str(error)) from None
    except OSError as error:
        raise SymlossError(f"cannot read {path}: {error.strerror}; free it") from None


def database_error(path: Path, error: sqlite3.Error) -> SymlossError:
    """Return the error for what SQLite says of a database."""
    name = getattr(error, "sqlite_errorname", None) or ""
    remedy = next(
        (text for start, text in _REMEDIES.items() if name.startswith(start)),
        "check that the folder is writable and that it is a run of this version of symloss",
    )
    return SymlossError(f"the run's database {path} cannot be used: {error}; {remedy}")


def damaged(path: Path, what: str) -> SymlossError:
    """Return the error for a database that holds what no run writes."""
    text = " ".join(what.split())
    return SymlossError(
        f"the run's database {path} is damaged: {text[:300]}; put back a copy of it, or start the run anew"
    )


def wrong_version(path: Path, found: int, known: int) -> SymlossError:
    """Return the error for a database of another version of symloss."""
    age = "a newer" if found > known else "an older"
    return SymlossError(
        f"{path} is of version {found}, from {age} symloss; this one reads version {known}: use the symloss that wrote "
        f"it, which {path.parent / 'config.json'} names"
    )
