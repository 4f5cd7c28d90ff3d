"""The live view of a search: a panel in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from symloss.benchmark import Progress as CellProgress
from symloss.search import Progress

_REFRESH_SECONDS = 0.2
#: Where there is no terminal, a benchmark prints a line so often.
_LINE_SECONDS = 30.0


class _Block:
    """A part of the terminal that is redrawn in place and vanishes at the end; nothing where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()


class LiveView(_Block):
    """Shows a search's progress; use it as a context manager and call it with each progress.

    Args:
        console: where to. If it is no terminal, one line a phase is printed instead of a panel.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._console = console
        self._shown = 0.0
        self._line: tuple[str, int] | None = None

    def __call__(self, progress: Progress) -> None:
        """Show the progress, at most five times a second."""
        if self._live:
            now = time.monotonic()
            if now - self._shown >= _REFRESH_SECONDS:
                self._shown = now
                self._live.update(panel(progress), refresh=True)
            return
        line = (progress.phase, progress.generation)
        if line != self._line and progress.phase != "training":
            self._line = line
            self._console.print(Text(plain_line(progress)), soft_wrap=True)


def panel(progress: Progress) -> RenderableType:
    """Return the panel: where the search is, what the screens did, and the best loss so far."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    grid.add_row("generation", f"{progress.generation + 1}{_of(progress.generations)}: {_phase(progress)}")
    grid.add_row("drawn", f"{progress.drawn:,}, of these {progress.duplicates:,} duplicates")
    rejected = [f"{name} {count:,}" for name, count in progress.rejected.most_common() if name != "duplicate"]
    grid.add_row("rejected", ", ".join(rejected) or "none")
    grid.add_row("trained", f"{progress.trained:,}{_of(progress.budget)}")
    grid.add_row("best", _best(progress))
    if progress.best_formula:
        grid.add_row("", Text(progress.best_formula, style="cyan", overflow="ellipsis", no_wrap=True))
    grid.add_row("time", _time(progress))
    bar = ProgressBar(total=progress.work_total, completed=progress.work_done, width=60)
    return Group(grid, bar)


def plain_line(progress: Progress) -> str:
    """Return the same as one line."""
    parts = [
        f"generation {progress.generation + 1}{_of(progress.generations)}",
        _phase(progress),
        f"drawn {progress.drawn:,}",
        f"duplicates {progress.duplicates:,}",
        f"rejected {sum(progress.rejected.values()) - progress.duplicates:,}",
        f"trained {progress.trained:,}",
    ]
    if progress.best is not None:
        parts.append(f"best {_best(progress)}")
    return "; ".join([*parts, _time(progress)])


def _phase(progress: Progress) -> str:
    if progress.phase == "control":
        return f"random control, {progress.control_trained:,} trained"
    return f"training, rung {progress.rung + 1}" if progress.phase == "training" else progress.phase


def _of(number: int | None) -> str:
    return "" if number is None else f" of {number:,}"


def _best(progress: Progress) -> str:
    if progress.best is None or progress.baseline is None:
        return "nothing trained yet"
    return f"{100 * progress.best:.2f} % validation {progress.metric}, ce {100 * progress.baseline:.2f} %"


def _time(progress: Progress) -> str:
    left = progress.seconds_left
    passed = f"{progress.seconds:.0f} s"
    return passed if left is None else f"{passed}, about {left:.0f} s left"


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


class CellBar(_Block):
    """A bar over a benchmark's cells, with the time left.

    Args:
        console: where to. If it is no terminal, a line is printed now and then: after half a minute, and then at most
            once in that time.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._console = console
        self._every = _REFRESH_SECONDS if self._live else _LINE_SECONDS
        self._shown = time.monotonic() - (self._every if self._live else 0.0)
        self.progress: CellProgress | None = None

    def __call__(self, progress: CellProgress) -> None:
        """Show the progress, at most five times a second."""
        self.progress = progress
        now = time.monotonic()
        if now - self._shown < self._every:
            return
        self._shown = now
        text = Text(cell_line(progress))
        if self._live:
            done = progress.done + progress.part
            bar = ProgressBar(total=max(progress.total, 1), completed=done, width=60)
            self._live.update(Group(text, bar), refresh=True)
        else:
            self._console.print(text, soft_wrap=True)


def cell_line(progress: CellProgress) -> str:
    """Return where a benchmark is, as one line."""
    parts = [f"{progress.what}: {progress.done:,} of {progress.total:,} cells"]
    if progress.reused:
        parts.append(f"{progress.reused:,} found finished")
    if progress.seconds_left is not None:
        parts.append(f"about {_duration(progress.seconds_left)} left")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


class DrawBar(_Bar):
    """A bar over candidates drawn, which appears when that takes longer than a moment."""

    unit, delay = "candidates", 0.5
