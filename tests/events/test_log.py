"""The log of a run: what is read back, whatever was killed or full."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from symloss.errors import SymlossError
from symloss.events import Event, JsonLog, all_of, logged, marked, read_log, to_stderr, warnings_to
from symloss.runtime import Stopping


def write(path: Path, *names: str) -> None:
    log = JsonLog(path)
    for name in names:
        log(Event(name))
    log.close()


def test_events_are_lines_that_are_read_back(tmp_path: Path) -> None:
    log = JsonLog(tmp_path / "log.jsonl")
    log(Event("first", {"score": 0.5, "none": float("nan"), "far": float("inf"), "text": "é\n", "path": Path("x")}))
    log(Event("second", {"inner": {"list": [1, (2, float("nan"))]}, "flag": True}))
    first, second = read_log(tmp_path / "log.jsonl")
    assert (tmp_path / "log.jsonl").read_bytes().count(b"\n") == 2
    assert (first["event"], first["score"], first["none"], first["far"]) == ("first", 0.5, None, None)
    assert (first["text"], first["path"]) == ("é\n", "x")
    assert second["inner"] == {"list": [1, [2, None]]}
    assert second["flag"] is True
    stamp = datetime.fromisoformat(first["time"])
    assert stamp.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - stamp) < timedelta(minutes=1)


def test_numbers_of_numpy_stay_numbers(tmp_path: Path) -> None:
    import numpy as np

    log = JsonLog(tmp_path / "log")
    log(Event("x", {"a": np.int64(3), "b": np.float32(0.5), "c": np.float64("nan")}))
    assert [read_log(tmp_path / "log")[0][key] for key in "abc"] == [3, 0.5, None]


@pytest.mark.parametrize("torn", [b'{"event": "ha', b"\xff\xfe", b'{"time": 1}\n[1]\n"text"\n\n{'])
def test_a_torn_line_keeps_to_itself(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "log"
    write(path, "before")
    with path.open("ab") as file:
        file.write(torn)
    write(path, "after", "later")
    assert [line["event"] for line in read_log(path)] == ["before", "after", "later"]


def test_a_killed_process_leaves_all_that_it_told(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from symloss.events import Event, JsonLog
log = JsonLog(Path(sys.argv[1]))
for number in range(100):
    log(Event("count", {"number": number}))
os.kill(os.getpid(), signal.SIGKILL)
"""
    path = tmp_path / "log"
    assert subprocess.run([sys.executable, "-c", code, path], check=False).returncode == -signal.SIGKILL
    assert [line["number"] for line in read_log(path)] == list(range(100))


def test_a_full_disk_is_said_once_and_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, said = tmp_path / "log", []
    log = JsonLog(path, said.append)
    log(Event("before"))
    true, room = os.write, [5]

    def full(file: int, data: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return true(file, data[: room.pop()])

    monkeypatch.setattr("symloss.events.log.os.write", full)
    log(Event("half"))
    log(Event("lost"))
    monkeypatch.setattr("symloss.events.log.os.write", true)
    log(Event("after"))
    assert [line["event"] for line in read_log(path)] == ["before", "after"]
    [warning] = said
    assert warning.fields["message"] == (
        f"cannot write {path}: No space left on device; the run goes on without its log"
    )


def test_what_cannot_be_opened_is_said_and_ends_nothing(tmp_path: Path) -> None:
    said: list[Event] = []
    log = JsonLog(tmp_path, said.append)
    log(Event("lost"))
    log.close()
    assert "Is a directory" in said[0].fields["message"]
    assert len(said) == 1
    assert read_log(tmp_path / "none") == []
    with pytest.raises(SymlossError, match="cannot read"):
        read_log(tmp_path)


def test_a_clock_that_jumps_leaves_durations_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = JsonLog(tmp_path / "log")
    log(Event("first"))

    class Jumped(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(1970, 1, 1, tzinfo=UTC)

    monkeypatch.setattr("symloss.events.log.datetime", Jumped)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    log(Event("second"))
    first, second = read_log(tmp_path / "log")
    assert second["time"].startswith("1970-01-01T00:00:00")
    assert 0 <= first["elapsed"] <= second["elapsed"] < 60


def test_listeners_are_put_together(capsys: pytest.CaptureFixture[str]) -> None:
    one: list[Event] = []
    two: list[Event] = []
    listener = all_of(one.append, marked(two.append, search="control"))
    listener(Event("rung", {"rung": 1}))
    assert one == [Event("rung", {"rung": 1})]
    assert two == [Event("rung", {"rung": 1, "search": "control"})]
    to_stderr(Event("rung"))
    to_stderr(Event("warning", {"message": "of Python's own", "category": "UserWarning"}))
    to_stderr(Event("warning", {"message": "the disk is full"}))
    assert capsys.readouterr().err == "symloss: the disk is full\n"


def test_warnings_are_events_too_and_stay_what_they_are() -> None:
    told: list[Event] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        shown: list[str] = []
        warnings.showwarning = lambda message, *_, **__: shown.append(str(message))
        with warnings_to(told.append):
            for text in ("one", "one", "two"):
                warnings.warn(text, UserWarning, stacklevel=1)
        warnings.warn("afterwards", UserWarning, stacklevel=1)
    assert [event.fields["message"] for event in told] == ["one", "two"]
    assert told[0].fields["category"] == "UserWarning"
    assert shown == ["one", "one", "two", "afterwards"]
    with pytest.raises(UserWarning), warnings_to(told.append):  # an error, as these tests have it
        warnings.warn("three", UserWarning, stacklevel=1)


def test_a_session_says_how_it_began_and_ended(tmp_path: Path) -> None:
    path, told = tmp_path / "log", []
    for ending in (None, SymlossError("too small"), KeyboardInterrupt()):
        expected = nullcontext() if ending is None else pytest.raises(type(ending))
        with expected, logged(path, told.append, Stopping(), kind="evolve") as tell:
            tell(Event("inner"))
            if ending is not None:
                raise ending
    lines = read_log(path)
    assert [line["event"] for line in lines] == [
        *("started", "inner"),
        *("resumed", "inner", "error"),
        *("resumed", "inner", "stopped"),
    ]
    assert [line["event"] for line in lines] == [event.name for event in told]
    assert lines[0]["pid"] == os.getpid()
    assert lines[0]["kind"] == "evolve"
    assert lines[0]["versions"]["python"] == sys.version.split()[0]
    assert (lines[4]["type"], lines[4]["message"]) == ("SymlossError", "too small")
    assert (lines[7]["signal"], lines[7]["at_once"]) == ("SIGINT", True)
    assert all(json.dumps(line) for line in lines)


def test_a_session_that_was_asked_to_stop_says_by_what(tmp_path: Path) -> None:
    stopping = Stopping()

    def work() -> None:
        with logged(tmp_path / "log", lambda _: None, stopping), stopping.listening(signals=(signal.SIGTERM,)):
            signal.raise_signal(signal.SIGTERM)
            stopping.check()

    with pytest.raises(KeyboardInterrupt):
        work()
    stopped = read_log(tmp_path / "log")[-1]
    assert (stopped["signal"], stopped["at_once"]) == ("SIGTERM", False)
