"""What is shown while a search or a benchmark runs: in a terminal of any width, in a file, in a CI log."""

from __future__ import annotations

import io
import re
from collections import Counter

import pytest
from rich.console import Console

from symloss.benchmark import Progress as CellProgress
from symloss.benchmark import combine
from symloss.cli.output import console_for, waiting
from symloss.events import Event
from symloss.report import CellBar, LiveView, Verbosity
from symloss.report.panel import cell_panel, panel
from symloss.search import Leader, Progress

EXPERIMENT = combine(["digits"], ["mlp"])[0]
LONG = "exp(-y_pred)" * 20
GENERATION = Event(
    "generation",
    {
        **{"generation": 0, "generations": 3, "trained": 8, "budget": 20, "best": 0.99, "baseline": 0.97},
        **{"formula": LONG, "seconds": 3.2},
    },
)
#: Events of a search with what --verbose says of each.
SAID = [
    (GENERATION, "generation 1 of 3 done in 3 s: 8 of 20 trained; best 99.00 %, ce 97.00 %: exp(-y_pred)"),
    (
        Event("engine", {"task": "digits, cnn", "engine": "stacked", "reason": "measured: 2 ms"}),
        "engine stacked for digits, cnn: measured: 2 ms",
    ),
    (
        Event("noise", {"std": 0.0071, "seeds": [1, 25]}),
        "noise: ce varies by 0.71 points over seeds; seeds of the first rung: 1, of the last: 25",
    ),
    (
        Event(
            "rung", {"generation": 1, "rung": 1, "candidates": 32, "seeds": 2, "steps": 700, "seconds": 5, "best": None}
        ),
        "generation 2, rung 2: 32 losses trained, seeds 2, steps 700, in 5 s",
    ),
    (
        Event(
            "rung", {"generation": None, "rung": 3, "candidates": 2, "seeds": 2, "steps": 7, "seconds": 5, "best": None}
        ),
        "final rung (4): 2 losses trained",
    ),
    (
        Event(
            "promoted",
            {"generation": 0, "rung": 1, "losses": [{"id": "a", "formula": f"y_pred**{n}"} for n in range(9)]},
        ),
        "generation 1: 9 promoted to rung 2",
    ),
    (
        Event("best", {"score": 0.5, "baseline": 0.4, "formula": "-log(y_pred)", "search": "control"}),
        "random control, new best: 50.00 %, ce 40.00 %: -log(y_pred)",
    ),
    (Event("warning", {"message": "something is odd", "category": "UserWarning"}), "Warning: something is odd"),
    (
        Event("trained", {"table": "t", "cells": 2, "seconds": 3, "done": 4, "total": 9, "losses": ["ce", "mae"]}),
        "t: 2 cells in 3 s, 4 of 9 done: ce, mae",
    ),
    (Event("rate", {"table": "t", "loss": "ce", "lr": 0.003}), "t: ce takes lr 0.003"),
]


def console(terminal: bool = False, width: int = 80, height: int = 24) -> Console:
    return Console(
        file=io.StringIO(), width=width, height=height, force_terminal=terminal, color_system=None, legacy_windows=False
    )


def text_of(target: Console) -> str:
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


def progress() -> Progress:
    state = Progress(generations=3, budget=20, drawn=1234, trained=8, work_done=1.0, work_total=4.0)
    state.rejected = Counter({"duplicate": 11, "finite": 7, "free-logits": 123456, "null-epoch": 654321, "bounded": 3})
    state.best, state.baseline, state.best_formula = 0.99, 0.97, LONG
    state.leaders = [Leader(0.99 - n / 100, 5 + n, LONG) for n in range(5)]
    state.started -= 2.0
    return state


def cells() -> CellProgress:
    state = CellProgress()
    state.plan(EXPERIMENT, 10)
    state.found(EXPERIMENT, 4)
    state.what = state.table = EXPERIMENT.title
    state.finished(EXPERIMENT, 2, 6.0)
    return state


@pytest.mark.parametrize(("width", "height", "leaders"), [(80, 24, 5), (40, 24, 5), (40, 12, 2), (20, 5, 0)])
def test_a_panel_fits_the_terminal(width: int, height: int, leaders: int) -> None:
    target = console(terminal=True, width=width, height=height)
    target.print(panel(progress(), width, height))
    lines = text_of(target).splitlines()
    assert all(len(line) <= width for line in lines)
    assert len(lines) == 7 + leaders + (width == 80)
    shown = "\n".join(lines)
    assert "1 of 3" in shown
    if width >= 40:
        for expected in ("1,234 (11 duplicates)", "8 of 20, 4.0 a second", "about 6 s left", "99.00 %", "ce 97.00 %"):
            assert expected in shown
        cut = [line for line in lines if "exp(-y_pred)" in line]
        assert len(cut) == leaders
        assert all(line.endswith("…") for line in cut)
    if width == 80:
        assert "777,787: null-epoch 654,321, free-logits 123,456, finite 7" in shown


@pytest.mark.parametrize("width", [80, 40])
def test_a_benchmarks_panel_fits_too(width: int) -> None:
    state = cells()
    state.started -= 4.0
    state.what = f"{state.table}, ce, seed 3, epoch 2 of 30, loss 0.3, {LONG}"
    target = console(terminal=True, width=width)
    target.print(cell_panel(state))
    lines = text_of(target).splitlines()
    assert all(len(line) <= width for line in lines)
    assert [line[:12].strip() for line in lines[:5]] == ["table", "in hand", "cells", "speed", "time"]
    assert lines[1].startswith("in hand     ce, seed 3, epoch 2")
    assert "6 of 10, 4 found finished" in lines[2]
    assert "30.0 a minute" in lines[3]
    # 4 are left, and the last two took 3 seconds each.
    assert "4 s, about 12 s left" in lines[4]


def test_a_terminal_gets_a_panel_that_goes_on_by_itself_and_vanishes() -> None:
    target = console(terminal=True)
    with LiveView(target) as view:
        view(progress())
    shown = text_of(target)
    assert "1,234 (11 duplicates)" in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1  # the cursor is back
    assert "\x1b[2K" in shown  # and the lines are erased
    assert "\x1b[1m" not in shown  # nothing but the cursor's moves: there is no colour system
    shown = console(terminal=True)
    with CellBar(shown) as bar:
        bar(cells())
    assert "6 of 10, 4 found finished" in text_of(shown)


def search_with(view: LiveView) -> None:
    """Tell a view what a search of two generations with a control tells it."""
    state = progress()
    with view:
        for phase in ("noise", "screening", "training", "trial", "training"):
            state.phase = phase
            for _ in range(3):
                view(state)
        view.listen(GENERATION)
        state.generation = 1
        for phase in ("screening", "training"):
            state.phase = phase
            view(state)
        view.listen(GENERATION)
        for phase in ("final rung", "control"):
            state.phase = phase
            for _ in range(3):
                view(state)
        view.listen(Event("generation", {**GENERATION.fields, "search": "control"}))
        state.phase = "comparison"
        view(state)
        view.listen(Event("warning", {"message": "of Python's own", "category": "UserWarning"}))
        view.listen(Event("warning", {"message": "the disk is full"}))


def test_a_file_gets_one_line_a_phase_and_generation() -> None:
    target = console()
    search_with(LiveView(target))
    lines = text_of(target).splitlines()
    starts = ["noise; 2 s", "generation 1 of 3;", "generation 2 of 3;", "final rung;", "random control, 0 trained;"]
    starts += ["comparison;", "Warning: the disk is full"]
    assert len(lines) == len(starts)
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(start)
    assert "drawn 1,234; duplicates 11; rejected 777,787; trained 8 of 20, 4.0 a second; best 99.00 % valid" in lines[1]
    assert "about 6 s left" in lines[1]
    assert not re.search(r"[\r\x1b]", text_of(target))


def test_a_long_generation_says_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("symloss.report.live.time.monotonic", lambda: now)
    target, state = console(), progress()
    state.phase = "training"
    with LiveView(target) as view:
        for _ in range(601):
            view(state)
            now += 1.0
    assert len(text_of(target).splitlines()) == 2


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "dumb"}, {"TERM": "dumb", "FORCE_COLOR": "1"}, {"FORCE_COLOR": "1", "CI": "1"}, {"NO_COLOR": "1"}, {}],
)
def test_a_dumb_terminal_and_a_ci_log_get_plain_lines(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("TERM", "FORCE_COLOR", "CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    console = console_for(None)
    with waiting(console, "starting"):
        search_with(LiveView(console))
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)  # FORCE_COLOR asks for colours
    assert len(shown.splitlines()) == 7
    assert not re.search(r"[\r\x1b]", shown)


def test_quiet_shows_nothing_but_what_went_wrong() -> None:
    for terminal in (False, True):
        target = console(terminal)
        search_with(LiveView(target, Verbosity.QUIET))
        assert text_of(target) == "Warning: the disk is full\n"
        with CellBar(target, Verbosity.QUIET) as bar:
            bar(cells())
            bar.listen(Event("cells", {"table": "t", "cells": 3, "found": 0, "sweep": False}))
        assert text_of(target) == "Warning: the disk is full\n"


@pytest.mark.parametrize(("event", "said"), SAID, ids=[event.name for event, _ in SAID])
def test_verbose_says_what_happens(event: Event, said: str) -> None:
    target = console()
    LiveView(target, Verbosity.VERBOSE).listen(event)
    first, *others = text_of(target).splitlines()
    assert first.startswith(said)
    if event.name == "promoted":
        assert others == [*(f"  y_pred**{n}" for n in range(8)), "  and 1 more"]
    narrow = console(terminal=True, width=40)
    LiveView(narrow, Verbosity.VERBOSE).listen(event)
    lines = text_of(narrow).splitlines()
    assert len(lines) == 1 + len(others)
    assert all(len(line) <= 40 for line in lines)
    if len(first) > 40:
        assert lines[0].endswith("…")


def test_a_benchmark_in_a_file_gets_a_line_a_table_and_one_every_half_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    target = console()
    now = 1000.0
    monkeypatch.setattr("symloss.report.live.time.monotonic", lambda: now)
    with CellBar(target) as bar:
        bar.listen(Event("cells", {"table": "digits, mlp", "cells": 10, "found": 4, "sweep": False}))
        for _ in range(61):
            bar(cells())
            now += 1.0
    first, *others = text_of(target).splitlines()
    assert first == "digits, mlp: 10 cells, 4 found finished"
    assert len(others) == 2
    assert others[0].startswith("digits, mlp: 6 of 10 cells, 4 found finished")
    assert "about 12 s left" in others[0]
