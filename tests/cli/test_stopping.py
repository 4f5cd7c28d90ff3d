"""Ctrl-C and SIGTERM, sent to real processes: what is said, what is kept, and that a resumed run ends the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from symloss import api
from symloss.events import read_log
from symloss.fitness.training import Training
from symloss.tasks import TaskConfig

#: A small search in small parts, so that there is something to finish and something to leave. While there is a file
#: ``hold``, training does not go on after a number of trainings, so that a signal comes when its test wants it.
PROGRAM = """
import os, sys, time
import symloss.benchmark.training as cells
import symloss.fitness.jobs as jobs
from symloss import api
from symloss.cli import main
from symloss.fitness.training import Training

create = api.create
api.create = lambda *grammar, **settings: create(*grammar, **{**settings, **SETTINGS})
jobs._TOGETHER = jobs._APIECE = {True: 2, False: 2}
cells._CHUNK = cells._APIECE = {True: 2, False: 2}
true = Training.advance

def advance(self, until):
    done = len(os.listdir("done"))
    if done >= int(os.environ["HOLD_AFTER"]):
        open(f"held/{os.getpid()}", "w").close()
        while os.path.exists("hold"):
            if self._cancelled():
                break
            time.sleep(0.01)
    true(self, until)
    open(f"done/{os.getpid()}-{time.monotonic_ns()}", "w").close()

Training.advance = advance
if __name__ == "__main__":
    main()
"""
SETTINGS: dict[str, Any] = {"budget": 12, "baselines": ["ce"], "audit_seeds": 2, "finalists": 2, "discovered": 1}
SETTINGS |= {"repeats": 1, "last_seeds": 10, "generation_size": 6}
EVOLVE = ["evolve", "default", "--steps", "10", "--device", "cpu", "--run-dir", "run"]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that starts a command in a process group of its own, held after some trainings."""
    monkeypatch.chdir(tmp_path)
    Path("program.py").write_text(f"SETTINGS = {SETTINGS}\n{PROGRAM}")
    for name in ("held", "done"):
        Path(name).mkdir()
    started: list[subprocess.Popen[str]] = []

    def begin(arguments: list[str], after: int) -> subprocess.Popen[str]:
        Path("hold").touch()
        process = subprocess.Popen(
            [sys.executable, "program.py", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "HOLD_AFTER": str(after), "OMP_NUM_THREADS": "1"},
            start_new_session=True,
            # Tests that run in the background of a shell inherit that Ctrl-C is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        if process.stdout is not None and not process.stdout.closed:
            process.communicate()


def until(condition: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Return what a process prints up to a text; fails if it ends before."""
    assert process.stdout is not None
    seen = ""
    while text not in seen:
        line = process.stdout.readline()
        assert line, seen
        seen += line
    return seen


def held() -> list[int]:
    return [int(path.name) for path in Path("held").iterdir()]


def essence(path: Path) -> Any:
    result = json.loads((path / "hall_of_fame.json").read_text())
    return {key: value for key, value in result.items() if key not in ("run", "seconds")}


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def scores(run: str) -> int:
    import sqlite3

    connection = sqlite3.connect(f"{run}/run.sqlite")
    try:
        found: int = connection.execute("SELECT count(*) FROM scores").fetchone()[0]
        return found
    finally:
        connection.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the search finds if nothing stops it."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    api.evolve("default", TaskConfig(steps=10), run_dir=folder, device="cpu", **SETTINGS)
    return essence(folder)


def check_resumed(whole: Any) -> None:
    """Go on with the run and compare what it finds, and see that its log is of one search."""
    api.resume("run")
    assert essence(Path("run")) == whole
    lines = read_log(Path("run/log.jsonl"))
    names = [line["event"] for line in lines]
    assert names[:2] == ["engine", "started"]
    assert names[-1] == "finished"
    assert [names.count(name) for name in ("started", "noise", "stopped", "resumed", "finished")] == [1] * 5
    assert [line["generation"] for line in lines if line["event"] == "drawn"] == [0, 1, 2]


def test_one_signal_finishes_what_two_workers_have_in_hand(
    start: Callable[..., subprocess.Popen[str]], whole: Any
) -> None:
    process = start([*EVOLVE, "--workers", "2"], 20)
    until(lambda: len(held()) == 2, process)  # in the middle of a part
    before, working = scores("run"), held()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it too
    said = read_until(process, "Stopping when")
    assert "Stopping when the losses in hand are done; Ctrl-C again stops at once." in said
    Path("hold").unlink()
    rest, _ = process.communicate(timeout=300)
    assert process.returncode == 128 + signal.SIGINT, said + rest
    assert "Stopped. What was trained is saved." in rest
    assert "Go on with: symloss evolve --resume run" in rest
    assert "Traceback" not in said + rest
    assert scores("run") > before
    assert all(gone(worker) for worker in working)
    ending = read_log(Path("run/log.jsonl"))[-1]
    assert (ending["event"], ending["signal"], ending["at_once"]) == ("stopped", "SIGINT", False)
    check_resumed(whole)


def test_two_signals_stop_at_once(start: Callable[..., subprocess.Popen[str]], whole: Any) -> None:
    process = start(EVOLVE, 5)
    until(held, process)
    before = scores("run")
    os.killpg(process.pid, signal.SIGINT)
    said = read_until(process, "Stopping when")
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=300)  # it is held all the time: it cannot have finished anything
    assert process.returncode == 128 + signal.SIGINT, said + rest
    assert "symloss evolve --resume run" in rest
    assert "Traceback" not in said + rest
    assert scores("run") == before > 0
    assert read_log(Path("run/log.jsonl"))[-1]["at_once"] is True
    check_resumed(whole)


@pytest.fixture
def signalled(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, signal.Signals], None]:
    """Return a function that has this process get a signal in the middle of a training; parts are small."""
    for name, size in (("jobs._TOGETHER", 2), ("jobs._APIECE", 2), ("cells._CHUNK", 2), ("cells._APIECE", 2)):
        module, _, attribute = name.partition(".")
        place = {"jobs": "symloss.fitness.jobs", "cells": "symloss.benchmark.training"}[module]
        monkeypatch.setattr(f"{place}.{attribute}", {True: size, False: size})
    true = Training.advance

    def arrange(training: int, number: signal.Signals) -> None:
        begun: list[Training] = []

        def advance(self: Training, until: int) -> None:
            begun.append(self)
            if len(begun) == training:
                os.kill(os.getpid(), number)
            true(self, until)

        monkeypatch.setattr(Training, "advance", advance)

    return arrange


def test_sigterm_finishes_what_is_in_hand(
    symloss: Callable[..., Any], signalled: Callable[..., None], whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = api.create
    monkeypatch.setattr(api, "create", lambda *grammar, **given: true(*grammar, **{**given, **SETTINGS}))
    signalled(5, signal.SIGTERM)
    done = symloss(*EVOLVE, "--log", "tensorboard")
    assert done.code == 128 + signal.SIGTERM
    assert "Stopping when the losses in hand are done;" in done.out
    assert "Stopped. What was trained is saved." in done.out
    assert "symloss evolve --resume run" in done.out
    assert done.err == ""
    ending = read_log(Path("run/log.jsonl"))[-1]
    assert (ending["event"], ending["signal"], ending["at_once"]) == ("stopped", "SIGTERM", False)
    assert list(Path("run/tensorboard").glob("events.out.tfevents.*"))
    check_resumed(whole)


def test_a_stopped_benchmark_keeps_the_cells_in_hand(
    symloss: Callable[..., Any], signalled: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["benchmark", "mae", "--seeds", "4", "--steps", "10", "--device", "cpu", "--run-dir"]
    assert symloss(*command, "whole", "--json", "whole.json").code == 0
    signalled(2, signal.SIGINT)
    done = symloss(*command, "run")
    assert done.code == 128 + signal.SIGINT
    assert "Stopping when the cells in hand are done; Ctrl-C again stops at once." in done.out
    kept = {path: path.read_bytes() for path in Path("run/cells").glob("*.json")}
    assert len(kept) == 4  # of two chunks
    assert "Stopped. 4 of 8 cells are finished and kept in run. Go on with the same command." in done.out
    assert symloss(*command, "run", "--json", "resumed.json").code == 0
    assert {path: path.read_bytes() for path in kept} == kept
    resumed, plain = (json.loads(Path(f"{name}.json").read_text()) for name in ("resumed", "whole"))
    assert resumed["cells"]["reused"] == 4
    assert resumed["results"] == plain["results"]
    names = [line["event"] for line in read_log(Path("run/log.jsonl"))]
    assert [names.count(name) for name in ("started", "stopped", "resumed", "finished")] == [1] * 4


def test_a_search_that_is_compared_stops_at_the_first_signal(
    symloss: Callable[..., Any], whole: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison keeps nothing before its end, so there is nothing to wait for."""
    true, compared = api.create, api.audit

    def interrupted(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("it goes on")

    monkeypatch.setattr(api, "create", lambda *grammar, **given: true(*grammar, **{**given, **SETTINGS}))
    monkeypatch.setattr(api, "audit", interrupted)
    done = symloss(*EVOLVE)
    assert done.code == 128 + signal.SIGINT
    assert "Stopping when" not in done.out
    assert read_log(Path("run/log.jsonl"))[-1]["at_once"] is True
    monkeypatch.setattr(api, "audit", compared)
    check_resumed(whole)
