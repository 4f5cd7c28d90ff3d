"""The events of a run as a file of JSON lines."""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from symloss.errors import SymlossError
from symloss.events.event import Event, Listener, ignore

LOG_FILE = "log.jsonl"


class JsonLog:
    """A listener that appends events to a file; :mod:`symloss.events` says which fields a line has.

    Each line is handed to the system as it comes, in one write, so a process that is killed loses none. What cannot be
    written, on a full disk or in a folder that is closed, is left out: a log ends no run.

    Args:
        path: the file; appended to if it is there. A half line that a killed process left keeps a line to itself.
        complain: told once, as a warning, when something could not be written.
    """

    def __init__(self, path: Path, complain: Listener = ignore) -> None:
        self._path = path
        self._complain = complain
        self._complained = False
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._file: int | None = None
        self._torn = False
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            if os.fstat(self._file).st_size > 0:
                os.lseek(self._file, -1, os.SEEK_END)
                self._torn = os.read(self._file, 1) != b"\n"
        except OSError as error:
            self._failed(error)

    def __call__(self, event: Event) -> None:
        """Append an event."""
        if self._file is None:
            return
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        elapsed = round(time.monotonic() - self._started, 3)
        line = {"time": stamp, "elapsed": elapsed, "event": event.name} | _plain(event.fields)
        data = (json.dumps(line, allow_nan=False) + "\n").encode()
        failure = None
        with self._lock:
            try:
                self._write(data)
            except OSError as error:
                failure = error
        if failure is not None:
            self._failed(failure)

    def close(self) -> None:
        """Close the file; later events are left out."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        rest = b"\n" + data if self._torn else data
        while rest:
            rest = rest[os.write(self._file, rest) :]
            self._torn = True  # until all of it is there: whoever writes next begins a line of its own
        self._torn = False

    def _failed(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            reason = error.strerror or type(error).__name__
            self._complain(
                Event("warning", {"message": f"cannot write {self._path}: {reason}; the run goes on without its log"})
            )


def read_log(path: str | Path) -> list[dict[str, Any]]:
    """Return the lines of a log, oldest first; those that a kill or a full disk tore are left out.

    Args:
        path: the file; where there is none, there are no lines.

    Raises:
        SymlossError: it cannot be read.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SymlossError(f"cannot read {path}: {error.strerror}; free it") from None
    found = []
    for line in data.split(b"\n"):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and "event" in value:
            found.append(value)
    return found


def _plain(value: Any) -> Any:
    """Return a value as JSON can say it: null for what is not finite, text for what it does not know."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value)
