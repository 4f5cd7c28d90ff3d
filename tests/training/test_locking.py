from __future__ import annotations

import multiprocessing
import shutil
import sys
from contextlib import contextmanager

import pytest

from symloss.errors import SymlossError
from symloss.locking import alone
from symloss.training import fit

# Python 3.12 warns of forks beside threads, which torch has.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


def hold(folder, pipe):
    with alone(folder) as mine:
        pipe.send(mine)
        pipe.recv()


@pytest.fixture
def other(tmp_path):
    """Another process that holds the folder."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=hold, args=(tmp_path, there))
    process.start()
    assert here.recv() is True
    yield process
    process.kill()
    process.join()


def test_a_second_training_in_a_folder_is_refused(other, small, ce, tmp_path):
    (tmp_path / ".last.pt.half").write_bytes(b"being written by the other process")
    with pytest.raises(SymlossError, match=rf"process {other.pid} on .* trains in"):
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
