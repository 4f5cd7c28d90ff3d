from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
from contextlib import contextmanager

import pytest

from symloss.errors import SymlossError
from symloss.training import fit
from symloss.training.locking import LOCK_FILE, alone


def hold(folder, pipe):
    with alone(folder) as mine:
        pipe.send(mine)
        pipe.recv()
    pipe.send("done")
    pipe.recv()


@pytest.fixture
def other(tmp_path):
    """Another process that holds the folder, and a pipe to it."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=hold, args=(tmp_path, there))
    process.start()
    assert here.recv() is True
    yield process, here
    process.kill()
    process.join()


# Python 3.12 warns of forks beside threads, which torch has.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


def test_a_folder_is_one_process_s_until_it_lets_go(other, tmp_path):
    _, pipe = other
    with alone(tmp_path) as mine:
        assert not mine
    assert (tmp_path / LOCK_FILE).exists()
    pipe.send("let go")
    assert pipe.recv() == "done"
    assert not (tmp_path / LOCK_FILE).exists()
    with alone(tmp_path) as mine:
        assert mine


def test_a_killed_process_holds_nothing(other, tmp_path):
    process, _ = other
    process.kill()
    process.join()
    with alone(tmp_path) as mine:
        assert mine


def test_a_second_training_in_a_folder_is_refused(other, small, ce, tmp_path):
    (tmp_path / ".last.pt.half").write_bytes(b"being written by the other process")
    with pytest.raises(SymlossError, match="another process trains in"):
        fit(small(epochs=1), ce, 0, tmp_path, device="cpu")
    assert (tmp_path / ".last.pt.half").exists()


def test_what_another_process_has_finished_meanwhile_is_taken(small, ce, tmp_path, monkeypatch):
    first = fit(small(epochs=1), ce, 0, tmp_path / "one", device="cpu", keep=False)

    @contextmanager
    def waiting(folder):
        with alone(folder) as mine:
            shutil.copy(tmp_path / "one" / "result.json", folder)
            yield mine

    monkeypatch.setattr(sys.modules["symloss.training.fit"], "alone", waiting)
    steps = []
    again = fit(small(epochs=1), ce, 0, tmp_path / "two", device="cpu", trace=lambda step, loss: steps.append(step))
    assert again == first
    assert steps == []


def test_a_lock_that_was_removed_is_not_taken_for_one(tmp_path, monkeypatch):
    true, opened = os.open, []

    def opening(path, *arguments):
        opened.append(true(path, *arguments))
        if len(opened) == 1:
            os.unlink(path)  # as the holder before does at that moment
        return opened[-1]

    monkeypatch.setattr("symloss.training.locking.os.open", opening)
    with alone(tmp_path) as mine:
        assert mine
        assert (tmp_path / LOCK_FILE).exists()
    assert len(opened) == 2


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(SymlossError, match="cannot write to"), alone(tmp_path / "missing"):
        pass
