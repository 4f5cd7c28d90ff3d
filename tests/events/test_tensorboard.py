"""A search's course for TensorBoard, read back with TensorBoard's own reader."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from symloss.errors import SymlossError
from symloss.events import Event
from symloss.events.tensorboard import TensorBoard, check_tensorboard
from symloss.search import Progress


def read(folder: Path) -> tuple[dict[str, list[tuple[int, float]]], str]:
    """Return the scalars by name, ``(step, value)``, and the text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what TensorBoard imports
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    events: Any = EventAccumulator(str(folder))
    events.Reload()
    tags = events.Tags()
    scalars = {name: [(one.step, one.value) for one in events.Scalars(name)] for name in tags["scalars"]}
    texts = [one for name in tags["tensors"] for one in events.Tensors(name)]
    return scalars, texts[-1].tensor_proto.string_val[0].decode() if texts else ""


def progress(trained: int, best: float) -> Progress:
    state = Progress(trained=trained, best=best, baseline=0.5, best_formula=f"y_pred**{trained}")
    state.rejected = Counter({"finite": trained * 2, "duplicate": trained})
    state.started -= 2.0
    return state


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    with TensorBoard(tmp_path) as board:
        board.observe(Progress())  # nothing is trained yet
        for trained, best in ((8, 0.75), (8, 0.75), (8, 0.875), (16, 0.875)):
            board.observe(progress(trained, best))
        best_row = {"formula": "-y_true*log(y_pred)", "validation": 0.9, "test": 0.8}
        board(Event("generation"))
        board(Event("finished", {"best": best_row}))
    scalars, text = read(tmp_path)
    assert scalars["search/best"] == [(8, 0.75), (8, 0.875), (16, 0.875)]
    assert scalars["search/cross-entropy"] == [(8, 0.5), (8, 0.5), (16, 0.5)]
    assert scalars["search/trained"] == [(8, 8.0), (8, 8.0), (16, 16.0)]
    assert scalars["rejected/finite"] == [(8, 16.0), (8, 16.0), (16, 32.0)]
    assert scalars["rejected/duplicate"][-1] == (16, 16.0)
    assert scalars["search/candidates_per_second"][-1][1] == pytest.approx(8.0, rel=0.2)
    assert text == "-y_true*log(y_pred)\n\nvalidation 0.9000, test 0.8000"


def test_a_stopped_search_leaves_its_best_and_a_resumed_one_adds_what_is_new(tmp_path: Path) -> None:
    with TensorBoard(tmp_path) as board:
        board.observe(progress(8, 0.75))
        board(Event("stopped"))
    assert read(tmp_path)[1] == "y_pred**8"
    with TensorBoard(tmp_path) as board:
        again = progress(8, 0.75)
        again.trained_before = 8
        board.observe(again)
        again.trained = 16
        board.observe(again)
    assert read(tmp_path)[0]["search/best"] == [(8, 0.75), (16, 0.75)]


def test_a_full_disk_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Event] = []

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with TensorBoard(tmp_path, said.append) as board:
        with monkeypatch.context() as patch:
            patch.setattr(board._writer, "add_scalar", full)
            for trained in (8, 16):
                board.observe(progress(trained, 0.5))
        board._writer.close()
    assert [event.name for event in said] == ["warning"]
    (tmp_path / "file").write_text("")
    with TensorBoard(tmp_path / "file" / "below", said.append) as board:
        board.observe(progress(8, 0.5))
    assert "Not a directory; the run goes on without TensorBoard" in said[1].fields["message"]
    assert "No space left on device; the run goes on without TensorBoard" in said[0].fields["message"]


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] == "tensorboard" or name.startswith("torch.utils.tensorboard"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    for attempt in (check_tensorboard, lambda: TensorBoard(tmp_path / "board")):
        with pytest.raises(SymlossError, match=r"pip install 'symloss\[log\]'"):
            attempt()
    assert not (tmp_path / "board").exists()
