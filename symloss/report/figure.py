"""The curves of a loss as a picture, PNG or SVG."""

from __future__ import annotations

import io
import textwrap
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from symloss.errors import SymlossError
from symloss.files import write_atomic
from symloss.formula import Formula, to_text
from symloss.report.curves import Plot, plots_of
from symloss.symbolic import to_latex

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: The endings of picture files.
ENDINGS = (".png", ".svg")

#: Vermilion and blue, with a dashed line for print in grey: Okabe and Ito, "Color Universal Design" (2008).
_STYLES = {1: ("#0072B2", "-"), 0: ("#D55E00", "--")}
_SIZE, _DPI = (9.0, 4.2), 150


def check_figure(path: Path) -> None:
    """Fail now rather than after the work if no picture of that name could be made.

    Raises:
        SymlossError: an ending other than .png and .svg, or matplotlib is not installed.
    """
    if path.suffix.lower() not in ENDINGS:
        raise SymlossError(f"cannot draw {path}: a figure's name ends in {' or '.join(ENDINGS)}")
    if find_spec("matplotlib") is None:
        raise SymlossError("figures need matplotlib; install it with: pip install 'symloss[plot]'")


def save_figure(formula: Formula, path: Path) -> None:
    """Draw the loss and its response, each at both labels, and write the picture.

    Args:
        formula: the loss of one class.
        path: the file; its ending says which format.

    Raises:
        SymlossError: as :func:`check_figure`, or the file cannot be written.
    """
    check_figure(path)
    import matplotlib
    from matplotlib.figure import Figure

    # The same loss gives the same file: SVG has random names and a date otherwise.
    kind = path.suffix.lower()[1:]
    with matplotlib.rc_context({"svg.hashsalt": "symloss"}):
        figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
        for axes, plot in zip(figure.subplots(1, 2), plots_of(formula), strict=True):
            _draw(axes, plot)
        _title(figure, formula)
        picture = io.BytesIO()
        figure.savefig(picture, format=kind, metadata={"Date": None} if kind == "svg" else None)
    write_atomic(path, picture.getvalue())


def _draw(axes: Axes, plot: Plot) -> None:
    for label, what in ((1, "true class"), (0, "other classes")):
        colour, line = _STYLES[label]
        axes.plot(plot.p, plot.curves[label], line, color=colour, label=f"{plot.names[label]}, {what}", linewidth=1.8)
    axes.set(xlabel="p", xlim=(0, 1), title=plot.title + (" (cut)" if plot.cut else ""))
    margin = 0.04 * (plot.high - plot.low)
    if np.isfinite(margin):
        axes.set_ylim(plot.low - margin, plot.high + margin)
    axes.grid(color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    if plot.empty:
        axes.text(0.5, 0.5, "no finite value to draw", ha="center", transform=axes.transAxes)
    else:
        axes.legend(frameon=False)


def _title(figure: Figure, formula: Formula) -> None:
    """Set the formula above: as mathematics where that can be read and fits, else as text over several lines."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.mathtext import MathTextParser

    latex = f"$L = {to_latex(formula)}$"
    try:
        width = MathTextParser("path").parse(latex, prop=FontProperties(size=10)).width  # in points
    except ValueError:
        width = float("inf")
    size = min(13.0, 10.0 * 0.95 * 72 * _SIZE[0] / width)
    if size >= 7:
        figure.suptitle(latex, fontsize=size)
    else:
        lines = textwrap.wrap(to_text(formula), 110, max_lines=5, placeholder=" ...")
        figure.suptitle("\n".join(lines), fontsize=9, parse_math=False)
