"""A benchmark as figures: intervals for each task, and the critical-difference diagram over tasks (Demsar 2006)."""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symloss.errors import SymlossError
from symloss.files import write_atomic
from symloss.report.benchmark import tasks_of
from symloss.report.tables import Row, unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Blue, vermilion and grey: Okabe and Ito, "Color Universal Design" (2008).
_BLUE, _RED, _GREY = "#0072B2", "#D55E00", "0.45"
_DIAGRAM = "critical-difference"
#: Characters of a title in a file's name; file systems take about 255 bytes.
_LONGEST = 100


def check_figures(folder: Path) -> None:
    """Fail now rather than after the work if no figures could be written.

    Raises:
        SymlossError: matplotlib is not installed, or the folder is a file.
    """
    if find_spec("matplotlib") is None:
        raise SymlossError("figures need matplotlib; install it with: pip install 'symloss[plot]'")
    if folder.exists() and not folder.is_dir():
        raise SymlossError(f"cannot write figures to {folder}: it is a file; name a directory")


def save_benchmark_figures(result: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the figures of a benchmark's JSON as SVG and return their files.

    ``TASK.svg`` has each loss's mean test score with its 95 % interval, and published ones as diamonds;
    ``critical-difference.svg`` has the mean ranks over tasks, where there are enough for Nemenyi's test.

    Raises:
        SymlossError: as :func:`check_figures`, or a file cannot be written.
    """
    check_figures(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SymlossError(f"cannot make {folder}: {error.strerror}; choose another directory") from None
    from matplotlib.figure import Figure

    written = []
    tasks = tasks_of(result)
    names = _file_names([title for title, _ in tasks])
    for (title, rows), name in zip(tasks, names, strict=True):
        figure = Figure(figsize=(7.0, 1.2 + 0.32 * len(rows)), layout="constrained")
        _intervals(figure.subplots(), title, rows)
        written.append(_write(figure, folder / f"{name}.svg"))
    summary = result.get("summary")
    if summary and summary["nemenyi"]:
        height = 1.5 + 0.26 * ((len(summary["losses"]) + 1) // 2) + 0.16 * len(summary["nemenyi"]["groups"])
        figure = Figure(figsize=(7.5, height), layout="constrained")
        _critical_difference(figure.subplots(), summary)
        written.append(_write(figure, folder / f"{_DIAGRAM}.svg"))
    return written


def _file_names(titles: Sequence[str]) -> list[str]:
    """Return a name for each title: its letters and digits; a hash where those are too many or not its alone."""
    plain = [re.sub(r"[^A-Za-z0-9.-]+", "-", title).strip("-.") for title in titles]
    # Some file systems take names for one that differ in case alone.
    counts = Counter([_DIAGRAM, *(name.lower() for name in plain)])
    return [
        name
        if 0 < len(name) <= _LONGEST and counts[name.lower()] == 1
        else f"{name[:_LONGEST]}-{hashlib.blake2b(title.encode(), digest_size=4).hexdigest()}"
        for title, name in zip(titles, plain, strict=True)
    ]


def _write(figure: Figure, path: Path) -> Path:
    import matplotlib

    # The same result gives the same file: SVG has random names and a date otherwise.
    with matplotlib.rc_context({"svg.hashsalt": "symloss"}):
        picture = io.BytesIO()
        figure.savefig(picture, format="svg", metadata={"Date": None})
    write_atomic(path, picture.getvalue())
    return path


def _intervals(axes: Axes, title: str, rows: Sequence[Row]) -> None:
    metric = rows[0]["metric"]
    factor, sign = unit(metric)
    for place, row in enumerate(rows):
        score = row["test"]
        low, high = score["ci95"] or (score["mean"], score["mean"])
        colour = _RED if not row.get("gain") else _BLUE
        axes.plot([factor * low, factor * high], [place, place], color=colour, linewidth=1.8)
        axes.plot([factor * score["mean"]], [place], "o", color=colour, markersize=5)
        if row.get("published"):
            axes.plot([factor * row["published"]["mean"]], [place], "D", color=_GREY, markersize=5, fillstyle="none")
        if not row.get("gain"):
            axes.axvline(factor * score["mean"], color=_RED, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(rows)), [_short(row["loss"]) for row in rows], parse_math=False)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel(f"test {metric}{sign}, mean and 95 % interval over {rows[0]['test']['n']} seeds")
    axes.set_title(title, fontsize=10, parse_math=False)
    axes.grid(axis="x", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def _critical_difference(axes: Axes, summary: Mapping[str, Any]) -> None:
    """Draw an axis of ranks with the best at the left, a label for each loss, and a bar for each group.

    Losses of a group are not told apart.
    """
    rows = sorted(summary["losses"], key=lambda row: row["mean_rank"])
    ranks = {row["loss"]: row["mean_rank"] for row in rows}
    k, cd = len(rows), summary["nemenyi"]["cd"]
    groups = summary["nemenyi"]["groups"]
    axes.plot([1, k], [0, 0], color="black", linewidth=1)
    for rank in range(1, k + 1):
        axes.plot([rank, rank], [0, 0.25], color="black", linewidth=1)
        axes.text(rank, 0.4, str(rank), ha="center", va="bottom", fontsize=9)
    axes.plot([1, min(1 + cd, k)], [1.9, 1.9], color="black", linewidth=1.6)
    beyond = " (more than the axis)" if 1 + cd > k else ""
    axes.text(1, 2.05, f"critical difference {cd:.2f}{beyond}", ha="left", va="bottom", fontsize=9)
    for level, group in enumerate(groups):
        low, high = min(ranks[name] for name in group), max(ranks[name] for name in group)
        depth = -0.45 - 0.5 * level
        axes.plot([low - 0.03, high + 0.03], [depth, depth], color=_BLUE, linewidth=3.5, solid_capstyle="butt")
    start = -0.9 - 0.5 * len(groups)
    half = (k + 1) // 2
    margin = 0.06 * (k - 1)
    for place, row in enumerate(rows):
        left = place < half
        depth = start - 0.8 * (place if left else k - 1 - place)
        edge = 1 - margin if left else k + margin
        axes.plot([row["mean_rank"], row["mean_rank"], edge], [0, depth, depth], color=_GREY, linewidth=0.8)
        label = f"{_short(row['loss'])} ({row['mean_rank']:.2f})"
        side = "right" if left else "left"
        gap = -0.02 if left else 0.02
        axes.text(edge + gap * (k - 1), depth, label, ha=side, va="center", fontsize=9, parse_math=False)
    axes.set_xlim(1 - 0.6 * (k - 1) - margin, k + 0.6 * (k - 1) + margin)
    axes.set_ylim(start - 0.8 * half, 3.0)
    axes.axis("off")
