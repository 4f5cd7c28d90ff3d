"""A benchmark's figure over tasks: the critical-difference diagram (Demsar 2006), with a line for each loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from symloss.report.page.svg import Plot


def ranks_figure(summary: Mapping[str, Any]) -> Markup | None:
    """Return mean ranks, the critical difference, and a bar beside each group of losses that is not told apart.

    None where there are too few losses or tasks for Nemenyi's test.
    """
    nemenyi = summary["nemenyi"]
    if nemenyi is None:
        return None
    rows = sorted(summary["losses"], key=lambda row: row["mean_rank"])
    places = {row["loss"]: place for place, row in enumerate(rows, 1)}
    names = [str(row["loss"]) for row in rows]
    shown = [name if len(name) <= 18 else f"{name[:17]}…" for name in names]
    most = float(len(rows))
    # The bars stand to the right of the axis of ranks.
    step = 0.05 * most
    end = max(most, 1.0 + nemenyi["cd"]) + step
    plot = Plot(
        f"mean ranks of {len(rows)} losses over {summary['datasets']} tasks, with the critical difference",
        (0.8, end + step * (1 + len(nemenyi["groups"]))),
        (-0.6, len(rows) + 0.6),
        x_title="mean rank, 1 is best",
        rows=["CD", *shown],
        whole=True,
        last=most,
        left=20.0 + 8.0 * max(map(len, shown)),
        height=70.0 + 26 * (len(rows) + 1),
    )
    plot.line([(1.0, 0.0), (1.0 + nemenyi["cd"], 0.0)], "edge-scale")
    plot.text(0, 1.0 + nemenyi["cd"], f"{nemenyi['cd']:.2f}")
    for level, group in enumerate(nemenyi["groups"]):
        x = end + step * (level + 1)
        plot.line([(x, places[group[0]] - 0.3), (x, places[group[-1]] + 0.3)], "group")
    for row in rows:
        tip = f"{row['loss']}: mean rank {row['mean_rank']:.2f}"
        plot.dot(row["mean_rank"], float(places[row["loss"]]), "found", tip)
    return plot.markup()
