"""What the live views show: a few lines that fit the terminal, or one line where there is none."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.text import Text

from symloss.benchmark import Progress as CellProgress
from symloss.search import Progress

#: Columns from which on lines say more.
_WIDE = 60
#: Lines of a search's panel beside the best losses, and those that the terminal keeps for the prompt.
_OTHER_LINES, _SPARE_LINES = 8, 2


def panel(progress: Progress, width: int = 80, height: int = 24) -> RenderableType:
    """Return a search's panel: where it is, what the screens did, the best losses so far, the time.

    Args:
        progress: of the search.
        width, height: of the terminal. Lines that are longer end in an ellipsis; in few lines fewer losses are shown.
    """
    lines = [_line(key, text) for key, text in _rows(progress, width)]
    places = max(0, height - _OTHER_LINES - _SPARE_LINES)
    for leader in progress.leaders[:places]:
        lines.append(_cut(Text(f"{100 * leader.score:8.2f} % {leader.size:3d}  {leader.formula}", style="cyan")))
    return Group(*lines, ProgressBar(total=progress.work_total, completed=progress.work_done, width=60))


def _rows(progress: Progress, width: int) -> Iterator[tuple[str, str]]:
    yield "generation", f"{progress.generation + 1}{_of(progress.generations)}: {_phase(progress)}"
    yield "drawn", f"{progress.drawn:,} ({progress.duplicates:,} duplicates)"
    others = [(name, count) for name, count in progress.rejected.most_common() if name != "duplicate"]
    by = ", ".join(f"{name} {count:,}" for name, count in others)
    yield "rejected", f"{sum(count for _, count in others):,}{': ' if by else ''}{by}"
    yield "trained", _trained(progress)
    yield "time", _time(progress.seconds, progress.seconds_left)
    yield "best", _best(progress, "validation " if width >= _WIDE else "")
    if progress.leaders and width >= _WIDE:
        yield "", "score and nodes of the best that trained as long:"


def plain_line(progress: Progress) -> str:
    """Return where a search is, as one line."""
    if progress.phase not in ("screening", "trial", "training"):
        return f"{_phase(progress)}; {_time(progress.seconds, progress.seconds_left)}"
    parts = [
        f"generation {progress.generation + 1}{_of(progress.generations)}",
        f"drawn {progress.drawn:,}",
        f"duplicates {progress.duplicates:,}",
        f"rejected {sum(progress.rejected.values()) - progress.duplicates:,}",
        f"trained {_trained(progress)}",
    ]
    if progress.best is not None:
        parts.append(f"best {_best(progress)}")
    return "; ".join([*parts, _time(progress.seconds, progress.seconds_left)])


def cell_panel(progress: CellProgress) -> RenderableType:
    """Return a benchmark's panel: what is in hand, how many cells are done, the time."""
    lines = [_line("table", progress.table or progress.what)]
    if progress.table and progress.what != progress.table:
        lines.append(_line("in hand", progress.what.removeprefix(f"{progress.table}, ")))
    lines.append(_line("cells", f"{progress.done:,} of {progress.total:,}{_found(progress)}"))
    if progress.pace is not None:
        lines.append(_line("speed", _pace(progress.pace)))
    lines += [_line("time", _time(progress.seconds, progress.seconds_left))]
    bar = ProgressBar(total=max(progress.total, 1), completed=progress.done + progress.part, width=60)
    return Group(*lines, bar)


def cell_line(progress: CellProgress) -> str:
    """Return where a benchmark is, as one line."""
    pace = "" if progress.pace is None else f", {_pace(progress.pace)}"
    cells = f"{progress.done:,} of {progress.total:,} cells{_found(progress)}{pace}"
    return f"{progress.what}: {cells}; {_time(progress.seconds, progress.seconds_left)}"


def duration(seconds: float) -> str:
    """Return a time for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _found(progress: CellProgress) -> str:
    return f", {progress.reused:,} found finished" if progress.reused else ""


def _line(key: str, text: str) -> Text:
    return _cut(Text.assemble((f"{key:<12}", "bold"), text))


def _cut(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _phase(progress: Progress) -> str:
    if progress.phase == "control":
        return f"random control, {progress.control_trained:,} trained"
    return f"training, rung {progress.rung + 1}" if progress.phase == "training" else progress.phase


def _of(number: int | None) -> str:
    return "" if number is None else f" of {number:,}"


def _trained(progress: Progress) -> str:
    pace = "" if progress.pace is None else f", {_pace(progress.pace)}"
    return f"{progress.trained:,}{_of(progress.budget)}{pace}"


def _pace(pace: float) -> str:
    for seconds, unit in ((1, "second"), (60, "minute")):
        if pace * seconds >= 1:
            return f"{pace * seconds:.1f} a {unit}"
    return f"{pace * 3600:.1f} an hour"


def _best(progress: Progress, what: str = "validation ") -> str:
    if progress.best is None or progress.baseline is None:
        return "nothing trained yet"
    return f"{100 * progress.best:.2f} % {what}{progress.metric}, ce {100 * progress.baseline:.2f} %"


def _time(seconds: float, left: float | None) -> str:
    return duration(seconds) + ("" if left is None else f", about {duration(left)} left")
