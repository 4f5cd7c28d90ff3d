"""The curves of a loss, and how they look in a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from plotille import Canvas
from rich.console import Console, RenderableType
from rich.text import Text

from symloss.formula import Formula
from symloss.symbolic.dual import evaluate_labels

#: Points of a curve, from P_MIN to 1 - P_MIN: a loss may be infinite at both ends.
POINTS, P_MIN = 999, 1e-3
#: A plot is cut where it would be more than this many times as high as 96 % of its points.
_CUT = 5.0
_HEIGHT, _MAX_WIDTH, _MIN_WIDTH = 9, 80, 30
#: Blue and orange of the 256-colour palette, which people with any colour vision tell apart.
_COLOURS = {1: 33, 0: 208}


@dataclass(frozen=True)
class Plot:
    """Two curves over the probability, one for each label.

    Attributes:
        title: what they are.
        names: of the curve at ``y_true`` 0 and 1.
        p: ``[G]``, ascending in (0, 1).
        curves: ``[2, G]``, the curve at ``y_true`` 0 and 1; nan where it has no value or leaves the range.
        low, high: the range of the vertical axis; ``low < high``.
        cut: whether finite values lie outside the range.
    """

    title: str
    names: tuple[str, str]
    p: np.ndarray
    curves: np.ndarray
    low: float
    high: float
    cut: bool

    @property
    def empty(self) -> bool:
        """Whether no point has a value."""
        return not np.isfinite(self.curves).any()


def plots_of(formula: Formula) -> tuple[Plot, Plot]:
    """Return the two plots of a loss: L(p, y), and the response r(p) = p dL/dp, each for both labels."""
    p = np.linspace(P_MIN, 1.0 - P_MIN, POINTS)
    values, slopes = evaluate_labels(formula, p, 1.0 - p)
    with np.errstate(all="ignore"):
        return (
            _plot("loss L(p, y)", ("L(p, 0)", "L(p, 1)"), p, values),
            _plot("response p dL/dp", ("r0", "r1"), p, slopes * p),
        )


def _plot(title: str, names: tuple[str, str], p: np.ndarray, curves: np.ndarray) -> Plot:
    low, high, cut = _range(curves)
    inside = np.isfinite(curves) & (curves >= low) & (curves <= high)
    return Plot(title, names, p, np.where(inside, curves, np.nan), low, high, cut)


def _range(curves: np.ndarray) -> tuple[float, float, bool]:
    """Return ``(low, high, cut)``: all finite values, unless a few would flatten the rest."""
    # Beyond this the difference of two values may overflow.
    finite = curves[np.isfinite(curves) & (np.abs(curves) < 1e300)]
    if not finite.size:
        return 0.0, 1.0, False
    low, high = float(finite.min()), float(finite.max())
    below, above = (float(value) for value in np.percentile(finite, [2, 98]))
    central = above - below
    cut = 0 < _CUT * central < high - low
    if cut:
        low, high = max(low, below - central / 4), min(high, above + central / 4)
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # a constant, or its rounding
        margin = abs(high) / 2 or 1.0
        low, high = low - margin, high + margin
    return low, high, cut


def draw_curves(formula: Formula, console: Console) -> Iterator[RenderableType]:
    """Yield the plots of a loss for a console, at most 80 columns wide.

    A colour terminal gets fine lines. Elsewhere a curve is drawn with its label, the digit 1 or 0, in plain ASCII.
    """
    width = max(_MIN_WIDTH, min(_MAX_WIDTH, console.width))
    coloured = console.is_terminal and console.color_system is not None and not console.no_color
    fine = coloured and console.encoding.lower().startswith("utf")
    for plot in plots_of(formula):
        title = plot.title + (", cut where it is steep" if plot.cut else "")
        yield Text(title, style="bold")
        if plot.empty:
            yield Text("  no finite value to draw")
            continue
        yield from _lines(plot, width, fine)


def _lines(plot: Plot, width: int, fine: bool) -> Iterator[Text]:
    texts = {0: plot.high, _HEIGHT // 2: (plot.low + plot.high) / 2, _HEIGHT - 1: plot.low}
    labels = {row: _label(value, plot.high - plot.low) for row, value in texts.items()}
    margin = max(map(len, labels.values()))
    columns = width - margin - 2
    bar, corner, dash = ("│", "└", "─") if fine else ("|", "+", "-")
    for row, line in enumerate(_fine(plot, columns) if fine else _plain(plot, columns)):
        yield Text(f"{labels.get(row, ''):>{margin}} {bar}") + line
    yield Text(" " * (margin + 1) + corner + dash * columns)
    yield Text(" " * (margin + 2) + _ruler(columns))
    legend = Text(" " * (margin + 2))
    for label, what in ((1, "true class"), (0, "other classes")):
        mark = Text("━━", style=f"color({_COLOURS[label]})") if fine else Text(str(label))
        legend += mark + Text(f" {plot.names[label]} {what}   ")
    if not fine:
        legend += Text("* both")
    legend.rstrip()
    yield legend


def _label(value: float, span: float) -> str:
    """Return a number of the vertical axis; what is zero but for rounding reads 0."""
    return f"{0.0 if abs(value) < 1e-9 * span else value:.3g}"


def _empty_canvas(plot: Plot, columns: int) -> Canvas:
    # A canvas leaves out its upper edge, where a curve may well run: its last of 4 dots a row is the top of the range.
    dots = 4 * _HEIGHT
    top = plot.low + dots / (dots - 1) * (plot.high - plot.low)
    return Canvas(columns, _HEIGHT, 0.0, plot.low, 1.0, top, mode="byte")


def _rows(canvas: Canvas) -> list[str]:
    blank = "\N{BRAILLE PATTERN BLANK}"  # some fonts draw its empty dots
    return canvas.plot(linesep="\n").replace(blank, " ").split("\n")


def _fine(plot: Plot, columns: int) -> list[Text]:
    """Return the rows of the drawing in lines of Braille dots, coloured. The true class is drawn last, on top."""
    canvas = _empty_canvas(plot, columns)
    for label, curve in enumerate(plot.curves):
        points = list(zip(plot.p.tolist(), curve.tolist(), strict=True))
        for start, end in pairwise(points):
            if not math.isnan(start[1] + end[1]):  # a pole is no line
                canvas.line(*start, *end, color=_COLOURS[label])
    return [Text.from_ansi(row) for row in _rows(canvas)]


def _plain(plot: Plot, columns: int) -> list[Text]:
    """Return the rows of the drawing in digits, the labels of the curves; a star is both."""
    drawings = []
    for label, curve in enumerate(plot.curves):
        canvas = _empty_canvas(plot, columns)
        for x, y in zip(plot.p.tolist(), curve.tolist(), strict=True):
            if not math.isnan(y):
                canvas.point(x, y, marker=str(label))
        drawings.append(_rows(canvas))
    return [
        Text("".join("*" if a != " " != b else a if a != " " else b for a, b in zip(*rows, strict=True)))
        for rows in zip(*drawings, strict=True)
    ]


def _ruler(columns: int) -> str:
    """Return the axis of p: 0, 0.25, ... under their columns."""
    ruler = [" "] * columns
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        text = "1 p" if tick == 1 else f"{tick:g}"
        start = min(round(tick * (columns - 1)), columns - len(text))
        ruler[start : start + len(text)] = text
    return "".join(ruler)
