"""Draws the figures of the page that explains the search, as SVG beside this file: python docs/figures/draw.py."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from symloss.cli.draws import judged_draws
from symloss.grammar import load_grammar
from symloss.losses import find
from symloss.search import SearchConfig
from symloss.symbolic import response_curves, scale_to_cross_entropy

HERE = Path(__file__).parent
CLASSES = 10

#: Okabe and Ito's colours, each with a dash of its own for print in grey.
LOSSES = {
    "ce": ("cross-entropy", "#000000", "-"),
    "ngl": ("NGL", "#D55E00", "--"),
    "focal": ("focal", "#0072B2", "-."),
    "mae": ("MAE", "#009E73", ":"),
}
BLUE, GREY = "#0072B2", "#BBBBBB"
#: What the screens are tried on.
DRAWS = 2000


def curves() -> Figure:
    """Return response curves at cross-entropy's gradient norm, and how hard each loss pushes the true logit up."""
    p = np.linspace(1e-4, 1 - 1e-4, 400)
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    true, other, push = figure.subplots(1, 3)
    for name, (title, colour, dash) in LOSSES.items():
        formula = find(name).plain_formula
        scale = scale_to_cross_entropy(formula, CLASSES)
        r0, r1 = scale * np.array(response_curves(formula, p))
        rest, _ = scale * np.array(response_curves(formula, (1 - p) / (CLASSES - 1)))
        style = {"label": title, "color": colour, "linestyle": dash, "linewidth": 2}
        true.plot(p, r1, **style)
        other.plot(p, r0, **style)
        push.plot(p, p * (r1 + (CLASSES - 1) * rest) - r1, **style)
    true.set(title="true class: r1(p)", xlabel="probability p of the class")
    other.set(title="other classes: r0(p)", xlabel="probability p of the class")
    push.set(title="push on the true logit, -dL/dz", xlabel="probability of the true class")
    push.axhline(0, color=GREY, linewidth=1, zorder=0)
    other.legend(frameon=False, loc="upper left")
    return figure


def funnel() -> Figure:
    """Return how many draws of the default grammar are left after each screen."""
    screens = Counter(
        draw.screen
        for draw in judged_draws(
            load_grammar("default"), DRAWS, 0, CLASSES, seeds=False, progress=lambda done, number: None
        )
    )
    order = ("dependence", "finite", "null-epoch", "bounded", "float32", "duplicate", "unresolved", "free-logits")
    left, names = [DRAWS], ["drawn"]
    for name in order:
        left.append(left[-1] - screens[name])
        names.append(f"after {name}")
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, left, color=BLUE)
    for place, count in enumerate(left):
        axes.text(count + 15, place, f"{count:,}", va="center")
    axes.invert_yaxis()
    axes.set(xlim=(0, DRAWS * 1.1), xlabel=f"candidates left of {DRAWS:,} draws of the grammar 'default'")
    return figure


def rungs() -> Figure:
    """Return how many losses each rung of a search with default settings trains, and how long."""
    config, steps, noise = SearchConfig(), 1000, 0.004
    ladder = config.ladder(steps, config.repeats_for(noise))
    count = float(config.budget or 0)
    rows = []
    for number, rung in enumerate(ladder.rungs):
        rows.append((f"rung {number + 1}", count, rung.steps, len(rung.seeds)))
        count *= (*ladder.keep, 0)[number]
    rows.append(("last rung", config.finalists, steps, config.seeds_for(noise)))
    rows.append(("comparison", config.discovered, steps, config.audit_seeds))
    figure = Figure(figsize=(8, 2.8), layout="constrained")
    axes = figure.subplots()
    axes.barh([row[0] for row in rows], [row[1] for row in rows], color=BLUE)
    for place, (_, losses, length, seeds) in enumerate(rows):
        unit = "seed" if seeds == 1 else "seeds"
        axes.text(losses * 1.1, place, f"{losses:,.0f} losses, {length:,} steps, {seeds} {unit}", va="center")
    axes.invert_yaxis()
    axes.set(xscale="log", xlim=(1, 60_000), xlabel="losses that are trained (logarithmic)")
    return figure


def main(folder: Path = HERE) -> None:
    """Draw all figures into a folder."""
    # The same numbers give the same file: SVG has random names and a date otherwise.
    with matplotlib.rc_context(
        {
            "svg.hashsalt": "symloss",
            "svg.fonttype": "none",
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    ):
        for draw in (curves, funnel, rungs):
            draw().savefig(folder / f"{draw.__name__}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
