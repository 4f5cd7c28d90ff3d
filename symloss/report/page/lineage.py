"""Where a loss comes from: its ancestors, back to draws from the grammar."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from symloss.report.page.svg import Plot
from symloss.store import History, Trained

_MADE = {
    "draw": "drawn from the grammar",
    "seed": "a seed of the grammar",
    "crossover": "crossover of",
    "mutation": "mutation of",
    "tuned": "constants tuned, from",
}
#: Letters of an id that name a loss on the page.
SHORT = 8


@dataclass(frozen=True)
class Ancestor:
    """One loss of a lineage.

    Attributes:
        trained: its record.
        made: how, in words; the parents follow.
        score: in percent, on the highest rung that it reached; None if there is none.
        rung: that rung, from 1; 0 if none.
    """

    trained: Trained
    made: str
    score: float | None
    rung: int


def lineage(history: History, name: str) -> list[Ancestor]:
    """Return a candidate and all its recorded ancestors, each once, the youngest first; none if it is not recorded."""
    seen: dict[str, Trained] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in seen or current not in history.candidates:
            continue
        seen[current] = history.candidates[current]
        waiting += history.candidates[current].parents
    order = {found: place for place, found in enumerate(history.candidates)}
    young_first = sorted(seen, key=lambda found: (found != name, -order[found]))
    return [_ancestor(history, seen[found]) for found in young_first]


def _ancestor(history: History, trained: Trained) -> Ancestor:
    rungs = [rung for rung, scores in history.rungs.items() if trained.id in scores]
    score = 100 * history.rungs[max(rungs)][trained.id] if rungs else None
    made = _MADE.get(trained.origin, trained.origin)
    return Ancestor(trained, made, score, max(rungs) + 1 if rungs else 0)


def lineage_figure(ancestors: list[Ancestor]) -> Markup:
    """Return the lineage as a drawing: generations from left to right, a line from each parent to its child."""
    places: dict[str, tuple[float, float]] = {}
    columns: dict[int, list[str]] = {}
    for ancestor in ancestors:
        columns.setdefault(ancestor.trained.generation + 1, []).append(ancestor.trained.id)
    rows = max(map(len, columns.values()))
    for generation, names in columns.items():
        for place, name in enumerate(names):
            places[name] = (float(generation), (place + 0.5) * rows / len(names) - 0.5)
    plot = Plot(
        f"lineage of the first-ranked loss: {len(ancestors)} losses over {len(columns)} generations",
        (min(columns) - 0.5, max(columns) + 0.5),
        (-0.6, rows - 0.4),
        x_title="generation",
        whole=True,
        rows=[""] * rows,
        left=16.0,
        height=min(90.0 + 26 * rows, 420.0),
    )
    for ancestor in ancestors:
        for parent in ancestor.trained.parents:
            if parent in places:
                plot.line([places[parent], places[ancestor.trained.id]], "edge")
    for place, ancestor in enumerate(ancestors):
        trained = ancestor.trained
        parents = ", ".join(parent[:SHORT] for parent in trained.parents)
        tip = f"{trained.expression}; {ancestor.made} {parents}".rstrip()
        if ancestor.score is not None:
            tip += f"; {ancestor.score:.2f} % on rung {ancestor.rung}"
        plot.dot(*places[trained.id], "found" if place == 0 else "plain", tip)
    return plot.markup()
