"""One training in a folder at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from symloss.errors import SymlossError

LOCK_FILE = ".lock"


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Hold a folder against other processes, and tell whether it could be had: not while another one holds it.

    The operating system lets go of it when this process ends, however that happens. Where there are no such locks
    (Windows, some network file systems) the folder is had without one.

    Args:
        folder: which is there.

    Raises:
        SymlossError: nothing can be written there.
    """
    try:
        handle = _locked(folder / LOCK_FILE)
    except OSError as error:
        raise SymlossError(f"cannot write to {folder}: {error.strerror}; choose another place or free it") from None
    if handle is None:
        yield False
        return
    try:
        yield True
    finally:
        # Removed while it is held, so whoever opens it later gets a new one; Windows removes no open file.
        with suppress(OSError):
            (folder / LOCK_FILE).unlink()
        os.close(handle)


def _locked(path: Path) -> int | None:
    """Return the descriptor of a locked file, or None while another process has it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            # Of a process and not of a descriptor: workers that outlive a killed process do not hold it.
            _lock(handle)
            if _same(handle, path):
                return handle
            os.close(handle)  # its holder has removed it since it was opened here
        except (BlockingIOError, PermissionError):
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise


def _lock(handle: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise
    except OSError:
        return  # the file system has none


def _same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
