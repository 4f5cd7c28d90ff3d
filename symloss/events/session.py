"""What every process that works in a run directory logs: how it began and how it ended."""

from __future__ import annotations

import os
import platform
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symloss.events.event import Event, Listener, all_of, warnings_to
from symloss.events.log import JsonLog, read_log

if TYPE_CHECKING:
    from symloss.runtime import Stopping


@contextmanager
def logged(path: Path, listener: Listener, stopping: Stopping, **fields: Any) -> Iterator[Listener]:
    """Log a process's work: how it starts, what it tells the listener that this yields, and how it ends.

    Args:
        path: the log.
        listener: told all of it too.
        stopping: what can stop the work.
        fields: of the event ``started`` or ``resumed``.
    """
    log = JsonLog(path, listener)
    tell = all_of(log, listener)
    name = "resumed" if was_started(path) else "started"
    tell(Event(name, {"pid": os.getpid(), "command": " ".join(sys.argv), "versions": _versions(), **fields}))
    try:
        with warnings_to(tell):
            yield tell
    except KeyboardInterrupt:
        number = signal.SIGINT if stopping.number is None else stopping.number
        # Without a listener to signals nothing was waited for.
        tell(Event("stopped", {"signal": signal.Signals(number).name, "at_once": not stopping.asked}))
        raise
    except Exception as error:
        tell(Event("error", {"type": type(error).__name__, "message": str(error)}))
        raise
    finally:
        log.close()


def was_started(path: Path) -> bool:
    """Return whether a log says that its run was started; one that cannot be read says nothing."""
    try:
        return any(line["event"] in ("started", "resumed") for line in read_log(path))
    except ValueError:
        return False


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("symloss", "torch", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a source tree that is not installed
            continue
    return found
