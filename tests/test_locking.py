"""One process at a time in a folder."""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from symloss.errors import SymlossError
from symloss.locking import LOCK_FILE, Holder, alone, lock_of

# Python 3.12 warns of forks beside threads, which torch has.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


def hold(folder: Path, pipe: Connection) -> None:
    with alone(folder) as mine:
        pipe.send(mine)
        pipe.recv()
    pipe.send("done")
    pipe.recv()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[tuple[BaseProcess, Connection]]:
    """Another process that holds the folder, and a pipe to it."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=hold, args=(tmp_path, there))
    process.start()
    assert here.recv() is True
    yield process, here
    process.kill()
    process.join()


def test_a_folder_is_one_process_s_until_it_lets_go(other: Any, tmp_path: Path) -> None:
    process, pipe = other
    with alone(tmp_path) as mine:
        assert not mine
    assert lock_of(tmp_path) == Holder(process.pid, socket.gethostname(), alive=True)
    assert str(lock_of(tmp_path)) == f"process {process.pid} on {socket.gethostname()}"
    pipe.send("let go")
    assert pipe.recv() == "done"
    assert not (tmp_path / LOCK_FILE).exists()
    assert lock_of(tmp_path) is None
    with alone(tmp_path) as mine:
        assert mine


def test_a_killed_process_holds_nothing(other: Any, tmp_path: Path) -> None:
    process, _ = other
    process.kill()
    process.join()
    assert lock_of(tmp_path) == Holder(process.pid, socket.gethostname(), alive=False)
    assert (tmp_path / LOCK_FILE).exists()  # looking changes nothing
    with alone(tmp_path) as mine:
        assert mine
        assert lock_of(tmp_path) == Holder(os.getpid(), socket.gethostname(), alive=True)
    assert lock_of(tmp_path) is None


def test_looking_at_ones_own_lock_does_not_open_it(tmp_path: Path) -> None:
    """Closing any descriptor of a file ends a process's locks on it."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()

    def look() -> None:
        from symloss import locking

        locking._HELD.clear()  # a fork has its parent's
        with alone(tmp_path) as mine:
            there.send(mine)

    with alone(tmp_path):
        assert lock_of(tmp_path) is not None
        process = context.Process(target=look)
        process.start()
        assert here.recv() is False
        process.join()


def test_two_threads_of_one_process_are_others_to_each_other(tmp_path: Path) -> None:
    found = []

    def ask() -> None:
        with alone(tmp_path / "." / "") as mine:
            found.append(mine)

    with alone(tmp_path):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
        assert (tmp_path / LOCK_FILE).exists()
    assert found == [False]
    ask()
    assert found == [False, True]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"no number\n", b"1 2 3"])
def test_a_lock_that_does_not_say_whose_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / LOCK_FILE).write_bytes(content)
    holder = lock_of(tmp_path)
    assert holder == Holder(None, None, alive=False)
    assert str(holder) == "another process"


def test_a_lock_that_was_removed_is_not_taken_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true, opened = os.open, []

    def opening(path: Any, *arguments: Any) -> int:
        opened.append(true(path, *arguments))
        if len(opened) == 1:
            os.unlink(path)  # as the holder before does at that moment
        return opened[-1]

    monkeypatch.setattr("symloss.locking.os.open", opening)
    with alone(tmp_path) as mine:
        assert mine
        assert (tmp_path / LOCK_FILE).exists()
    assert len(opened) == 2


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SymlossError, match="cannot write to"), alone(tmp_path / "missing"):
        pass
