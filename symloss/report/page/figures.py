"""A run's figures: front, progress, funnel, seeds, and the curves of its loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from symloss.formula import Formula
from symloss.report.curves import P_MIN, POINTS
from symloss.report.curves import Plot as Curves
from symloss.report.page.svg import Plot, spread
from symloss.report.tables import unit
from symloss.search import SCREENS, SearchConfig
from symloss.store import History
from symloss.symbolic import response_curves

#: A curve is drawn by every so manieth of its points.
_THIN = 6


def last_rung(history: History) -> int | None:
    """Return the rung on which all finalists were trained, or the highest there is; None without any score."""
    final = len(SearchConfig().ladder(1000).rungs)
    return final if final in history.rungs else max(history.rungs, default=None)


def front_figure(
    history: History, ranks: Mapping[str, int], baselines: Mapping[str, str], higher: bool
) -> Markup | None:
    """Return score against size for the finalists, with the front of those that no other beats in both.

    Args:
        history: the search's scores.
        ranks: of the losses in the hall of fame, by candidate id.
        baselines: names by id; the first is drawn as a level.
        higher: whether a higher score is better.
    """
    rung = last_rung(history)
    scores = _scores(history, rung)
    if rung is None or not scores:
        return None
    points = [(float(history.candidates[name].size), 100 * score, name) for name, score in scores.items()]
    front: list[tuple[float, float]] = []
    for size, score, _ in sorted(points, key=lambda point: (point[0], -point[1] if higher else point[1])):
        if not front or (score > front[-1][1] if higher else score < front[-1][1]):
            front.append((size, score))
    level = _level(history, rung, baselines)
    x = spread(point[0] for point in points)
    plot = Plot(
        f"validation score against formula size for {len(points)} finalists",
        x,
        spread([point[1] for point in points] + level),
        x_title="size, nodes",
        whole=True,
        y_title="validation score, %",
    )
    for value in level:
        plot.level(value, "base")
    plot.steps(front, x[1], "found")
    for size, score, name in sorted(points):
        rank = ranks.get(name)
        title = f"#{rank}: " if rank else ""
        tip = f"{title}{history.candidates[name].expression}; {score:.2f} %, {size:g} nodes"
        plot.dot(size, score, "found" if rank else "plain", tip)
    return plot.markup()


def progress_figure(history: History, baselines: Mapping[str, str], higher: bool) -> Markup | None:
    """Return the best score so far against the number of candidates, on the first rung and on the finalists' rung."""
    last = last_rung(history)
    if last is None or not _scores(history, last):
        return None
    order = {name: place for place, name in enumerate(history.candidates, 1)}
    series: dict[str, list[tuple[float, float, str]]] = {}
    for rung, style in ((0, "second"), (last, "found")):
        scores, best = _scores(history, rung), -math.inf
        for name in sorted(scores, key=order.__getitem__):
            value = scores[name] if higher else -scores[name]
            if value > best:
                best = value
                series.setdefault(style, []).append((float(order[name]), 100 * scores[name], name))
    level = _level(history, last, baselines)
    plot = Plot(
        f"best validation score so far against {len(order)} candidates",
        (0.0, float(len(order))),
        spread([point[1] for points in series.values() for point in points] + level),
        x_title="candidates trained",
        whole=True,
        y_title="best so far, %",
    )
    for value in level:
        plot.level(value, "base")
    for style, points in series.items():
        plot.steps([point[:2] for point in points], float(len(order)), style)
        for place, score, name in points:
            tip = f"candidate {place:g}: {history.candidates[name].expression}; {score:.2f} %"
            plot.dot(place, score, style, tip, radius=4.0)
    return plot.markup()


def funnel_figure(counts: Mapping[str, Any], history: History | None) -> Markup:
    """Return how many candidates are left after each screen and on each rung."""
    left = counts["drawn"]
    steps = [("drawn", left)]
    known = [name for name in SCREENS if name in counts["rejected"]]
    for name in known + [name for name in counts["rejected"] if name not in known]:
        gone = counts["rejected"][name]
        left -= gone
        steps.append((name, left))
    steps.append(("trained", counts["trained"]))
    if history is not None:
        last = last_rung(history)
        for rung in sorted(history.rungs)[1:]:
            name = f"rung {rung + 1}" if last is None or rung < last else "finalists" if rung == last else "play-off"
            steps.append((name, len(_scores(history, rung))))
    total = max(counts["drawn"], 1)
    plot = Plot(
        f"candidates left after each screen: {counts['drawn']:,} drawn, {counts['trained']:,} trained",
        (0.0, 1.2 * total),
        (-0.5, len(steps) - 0.5),
        rows=[name for name, _ in steps],
        left=112.0,
        height=26.0 + 22 * len(steps),
    )
    for row, (_, number) in enumerate(steps):
        plot.bar(row, 0.0, float(number), "found" if row and row > len(counts["rejected"]) else "plain")
        plot.text(row, float(number), f"{number:,}")
    return plot.markup()


def seeds_figure(rows: Sequence[Mapping[str, Any]], styles: Sequence[str], metric: str, *, band: float = 0.0) -> Markup:
    """Return every seed's test score of each loss, with the means' 95 % intervals, and published scores if any.

    Args:
        rows: of a comparison; the first without a gain is its baseline, drawn as a level.
        styles: of each row's interval.
        metric: what the scores are.
        band: how far around the baseline scores are called the same, in points.
    """
    factor, sign = unit(metric)
    values = [factor * value for row in rows for value in row["test"]["scores"] if value is not None]
    values += [factor * row["published"]["mean"] for row in rows if row.get("published")]
    # Of a few seeds an interval may be many times as wide as all scores together; then it is cut.
    low, high = min(values), max(values)
    ends = [factor * end for row in rows for end in row["test"].get("ci95") or ()]
    values += [end for end in ends if 2 * low - high <= end <= 2 * high - low]
    names = [str(row["loss"]) for row in rows]
    shown = [name if len(name) <= 18 else f"{name[:17]}…" for name in names]
    plot = Plot(
        f"test {metric} of each seed for {len(rows)} losses, with means and 95 % intervals",
        spread(values),
        (-0.6, len(rows) - 0.4),
        x_title=f"test {metric}{',' if sign else ''}{sign}",
        rows=shown,
        left=20.0 + 8.0 * max(map(len, shown)),
        height=70.0 + 26 * len(rows),
    )
    base = next((row for row in rows if not row.get("gain")), None)
    if base is not None:
        level = factor * base["test"]["mean"]
        if band:
            plot.band(level - band, level + band)
        plot.level(level, "base")
    for place, (row, style) in enumerate(zip(rows, styles, strict=True)):
        for seed, value in enumerate(row["test"]["scores"]):
            if value is not None and math.isfinite(value):
                tip = f"{row['loss']}, seed {seed}: {factor * value:.2f}{sign}"
                plot.dot(factor * value, float(place), "seed", tip, focus=False, radius=3.0)
        mean = factor * row["test"]["mean"]
        low, high = (factor * end for end in row["test"].get("ci95") or (row["test"]["mean"],) * 2)
        tip = f"{row['loss']}: {row['expression']}; {mean:.2f}{sign} [{low:.2f}, {high:.2f}]"
        plot.interval(low, mean, high, float(place), style, tip)
        if row.get("published"):
            told = factor * row["published"]["mean"]
            plot.dot(told, place + 0.32, "plain", f"{row['loss']}, published: {told:g}{sign}", radius=4.0)
    return plot.markup()


def curve_figure(curves: Curves, label: str) -> Markup | None:
    """Return a loss's two curves over p, the true class's first; None where no value is finite."""
    if curves.empty:
        return None
    plot = Plot(label, (0.0, 1.0), spread((curves.low, curves.high), 0.04), x_title="p", y_title=curves.title)
    for row, style in ((1, "found"), (0, "second")):
        plot.line(list(zip(curves.p[::_THIN], curves.curves[row][::_THIN], strict=True)), style)
    return plot.markup()


def gradient_figure(formula: Formula, classes: int, scale: float) -> Markup | None:
    """Return dL/dz of the true class against its p where the other classes share the rest, beside cross-entropy's.

    Both have the same norm where training starts, at p = 1/C.
    """
    p = np.linspace(P_MIN, 1.0 - P_MIN, POINTS)[::_THIN]
    gradient = true_class_gradient(formula, classes, p) * scale
    if not np.isfinite(gradient).any():
        return None
    plot = Plot(
        f"gradient at the true class's logit against p for {classes} classes, beside cross-entropy's",
        (0.0, 1.0),
        spread([*gradient[np.isfinite(gradient)], -1.0, 0.0], 0.04),
        x_title="p of the true class",
        y_title="dL/dz",
    )
    plot.line(list(zip(p, p - 1.0, strict=True)), "base")
    plot.line(list(zip(p, gradient, strict=True)), "found")
    return plot.markup()


def true_class_gradient(formula: Formula, classes: int, p: np.ndarray) -> np.ndarray:
    """Return dL/dz ``[G]`` at the true class's logit, where it has probability p ``[G]`` and the others share the rest.

    ``dL/dz_c = r_c - p_c * sum_k r_k``, with the responses of ``ARCHITECTURE.md``.
    """
    _, own = response_curves(formula, p)
    rest, _ = response_curves(formula, (1.0 - p) / (classes - 1))
    with np.errstate(all="ignore"):
        gradient: np.ndarray = own - p * (own + (classes - 1) * rest)
    return gradient


def _scores(history: History, rung: int | None) -> dict[str, float]:
    """Return a rung's finite scores, of candidates alone."""
    scores = history.rungs.get(-1 if rung is None else rung, {})
    return {name: score for name, score in scores.items() if name in history.candidates and math.isfinite(score)}


def _level(history: History, rung: int, baselines: Mapping[str, str]) -> list[float]:
    name = next(iter(baselines), "")
    score = history.rungs[rung].get(name, math.nan)
    return [100 * score] if math.isfinite(score) else []
