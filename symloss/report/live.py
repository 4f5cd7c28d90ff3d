"""The live views of a search and a benchmark: a panel in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import IntEnum
from types import TracebackType
from typing import Generic, Self, TypeVar

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from symloss.benchmark import Progress as CellProgress
from symloss.events import Event
from symloss.report.happened import lines_of
from symloss.report.panel import cell_line, cell_panel, panel, plain_line
from symloss.search import Progress

P = TypeVar("P")

_REFRESH_SECONDS = 0.2
#: Where there is no terminal, a line says so often that a benchmark goes on, and a search in a long generation.
_CELL_LINE_SECONDS, _LINE_SECONDS = 30.0, 300.0


class Verbosity(IntEnum):
    """How much is shown while something runs: the result alone, where it is, or all that happens."""

    QUIET, NORMAL, VERBOSE = 0, 1, 2


def redraws(console: Console) -> bool:
    """Return whether a part of the console can be redrawn in place: not in a file, a CI log or a dumb terminal."""
    return console.is_interactive and console.is_terminal and not console.is_dumb_terminal


class _Block:
    """A part of the terminal that is redrawn in place and vanishes at the end; nothing where there is no terminal."""

    def __init__(self, console: Console, draw: Callable[[], RenderableType] | None = None, wanted: bool = True) -> None:
        self._live = None
        if wanted and redraws(console):
            # With a function it is drawn anew all the time: the time goes on where nothing else does.
            self._live = Live(
                console=console,
                auto_refresh=draw is not None,
                refresh_per_second=1 / _REFRESH_SECONDS,
                transient=True,
                get_renderable=draw,
            )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()


class _View(_Block, ABC, Generic[P]):
    """Shows a progress and says events; use it as a context manager, and call it with each progress.

    Args:
        console: where to. If it is no terminal, lines are printed now and then instead of a panel.
        verbosity: how much.
    """

    #: Seconds between two plain lines if nothing else is printed.
    seconds = _LINE_SECONDS

    def __init__(self, console: Console, verbosity: Verbosity = Verbosity.NORMAL) -> None:
        self.progress: P | None = None
        super().__init__(console, self._draw, verbosity > Verbosity.QUIET)
        self._console = console
        self._verbosity = verbosity
        self._plain = verbosity > Verbosity.QUIET and self._live is None
        self._said = time.monotonic()

    def __call__(self, progress: P) -> None:
        """Show the progress."""
        self.progress = progress
        if self._plain and (self._is_news(progress) or time.monotonic() - self._said >= self.seconds):
            self._print_line(progress)

    def listen(self, event: Event) -> None:
        """Say an event, if it is for people and so much is wanted."""
        if event.name == "warning":
            # Python's own warnings have their category; they are seldom for users.
            if "category" not in event.fields or self._verbosity == Verbosity.VERBOSE:
                self.say(f"Warning: {event.fields['message']}", style="yellow")
        elif self._verbosity == Verbosity.VERBOSE:
            for line in lines_of(event):
                self.say(line, cut=True)
        elif self._plain:
            self._tell(event)

    def say(self, line: str, style: str = "", cut: bool = False) -> None:
        """Print a line, whatever the verbosity; cut off where a terminal is too narrow, if that may be."""
        self._said = time.monotonic()
        text = Text(line, style=style)
        if redraws(self._console) and not cut:
            self._console.print(text)
        elif redraws(self._console):
            self._console.print(text, no_wrap=True, overflow="ellipsis")
        else:
            self._console.print(text, soft_wrap=True)

    def _draw(self) -> RenderableType:
        return Text("") if self.progress is None else self._panel(self.progress)

    @abstractmethod
    def _panel(self, progress: P) -> RenderableType:
        """Return what a terminal shows of the progress."""

    @abstractmethod
    def _print_line(self, progress: P) -> None:
        """Print it where there is no terminal."""

    def _is_news(self, progress: P) -> bool:
        return False

    def _tell(self, event: Event) -> None:
        """Print what a log without a terminal has of an event."""


class LiveView(_View[Progress]):
    """Shows a search: a panel, or a line for each phase and generation."""

    def __init__(self, console: Console, verbosity: Verbosity = Verbosity.NORMAL) -> None:
        super().__init__(console, verbosity)
        self._phase = ""

    def _panel(self, progress: Progress) -> RenderableType:
        return panel(progress, self._console.width, self._console.height)

    def _print_line(self, progress: Progress) -> None:
        self.say(plain_line(progress))

    def _is_news(self, progress: Progress) -> bool:
        """Return whether a phase begins that is no part of a generation: these have a line at their end."""
        phase, self._phase = self._phase, progress.phase
        return phase != progress.phase and progress.phase not in ("screening", "trial", "training")

    def _tell(self, event: Event) -> None:
        if event.name == "generation" and "search" not in event.fields and self.progress is not None:
            self._print_line(self.progress)


class CellBar(_View[CellProgress]):
    """Shows a benchmark: a panel, or a line for each table, and one every half a minute."""

    seconds = _CELL_LINE_SECONDS

    def _panel(self, progress: CellProgress) -> RenderableType:
        return cell_panel(progress)

    def _print_line(self, progress: CellProgress) -> None:
        self.say(cell_line(progress))

    def _tell(self, event: Event) -> None:
        if event.name == "cells":
            for line in lines_of(event):
                self.say(line)


class _Bar(_Block):
    """A bar over work that has no generations.

    Args:
        console: where to; nothing is shown if it is no terminal.
        what: what is being done.
    """

    #: What is counted, and after how many seconds the bar appears.
    unit, delay = "", 0.0

    def __init__(self, console: Console, what: str) -> None:
        super().__init__(console)
        self._what = what
        self._shown = time.monotonic() + self.delay - _REFRESH_SECONDS

    def __call__(self, done: int, total: int) -> None:
        """Show ``done`` of ``total``, at most five times a second."""
        now = time.monotonic()
        if self._live and now - self._shown >= _REFRESH_SECONDS:
            self._shown = now
            text = Text(f"{self._what}: {done:,} of {total:,} {self.unit}")
            self._live.update(Group(text, ProgressBar(total=total, completed=done, width=60)), refresh=True)


class DrawBar(_Bar):
    """A bar over candidates drawn, which appears when that takes longer than a moment."""

    unit, delay = "candidates", 0.5
