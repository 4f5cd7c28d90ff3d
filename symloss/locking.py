"""One process at a time works in a folder."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from symloss.errors import SymlossError

LOCK_FILE = ".lock"

#: Whoever looks at a lock (:func:`lock_of`) shares it for a moment, so it is tried for more often than once.
_TRIES, _PAUSE = 3, 0.02
#: Folders that this process holds: to the operating system two threads of a process are one, so both would get a lock.
_HELD: set[Path] = set()
_TURN = threading.Lock()


@dataclass(frozen=True)
class Holder:
    """Who has a folder, or had it.

    Attributes:
        pid: the process; None where the lock's file does not say it.
        host: the machine that it runs on.
        alive: whether it holds the lock now. The operating system knows that, not the file.
    """

    pid: int | None
    host: str | None
    alive: bool

    def __str__(self) -> str:
        return "another process" if self.pid is None else f"process {self.pid} on {self.host}"


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Hold a folder against others, and tell whether it could be had: not while another one holds it.

    The operating system lets go of it when this process ends, however that happens. Where there are no such locks
    (Windows, some network file systems) the folder is had without one. Threads of one process are others to each other.

    Args:
        folder: which is there.

    Raises:
        SymlossError: nothing can be written there.
    """
    place = folder.resolve()
    with _TURN:
        taken = place in _HELD
        try:
            handle = None if taken else _locked(place / LOCK_FILE)
        except OSError as error:
            raise SymlossError(f"cannot write to {folder}: {error.strerror}; choose another place or free it") from None
        if handle is not None:
            _HELD.add(place)
    if handle is None:
        yield False
        return
    try:
        yield True
    finally:
        with _TURN:
            # Removed while it is held, so whoever opens it later gets a new one; Windows removes no open file.
            with suppress(OSError):
                (place / LOCK_FILE).unlink()
            os.close(handle)
            _HELD.discard(place)


def lock_of(folder: Path) -> Holder | None:
    """Return who holds a folder, or who did and died before it could let go; None without a lock. Changes nothing."""
    place = folder.resolve()
    with _TURN:
        if place in _HELD:  # not opened: closing any descriptor of its file would let go of it
            return Holder(os.getpid(), socket.gethostname(), alive=True)
        try:
            handle = os.open(place / LOCK_FILE, os.O_RDONLY)
        except OSError:
            return None
        try:
            words = os.read(handle, 1000).decode("utf-8", "replace").split()
            named = len(words) == 2 and words[0].isdecimal()
            pid, host = (int(words[0]), words[1]) if named else (None, None)
            return Holder(pid, host, alive=not _try(handle, shared=True))
        except OSError:
            return None
        finally:
            os.close(handle)


def _locked(path: Path) -> int | None:
    """Return the descriptor of a locked file that says whose it is, or None while another process has it."""
    tries = 0
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            # Of a process and not of a descriptor: workers that outlive a killed process do not hold it.
            locked = _try(handle)
            if locked and _same(handle, path):
                with suppress(OSError):  # the lock holds without a name too, as on a full disk
                    os.ftruncate(handle, 0)
                    os.write(handle, f"{os.getpid()} {socket.gethostname()}\n".encode())
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        if locked:
            continue  # its holder has removed it since it was opened here
        tries += 1
        if tries == _TRIES:
            return None
        time.sleep(_PAUSE)


def _try(handle: int, *, shared: bool = False) -> bool:
    """Lock an open file, and tell whether that went; where there are no locks, it does."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.lockf(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # the file system has none
    return True


def _same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
