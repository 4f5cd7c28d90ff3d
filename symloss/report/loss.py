"""What is known of one loss, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from symloss.report.tables import percent
from symloss.symbolic import Certificate

_STATUS_STYLE = {"proven": "green", "refuted": "red", "unknown": "yellow"}
_LABELS = {"r1": "r1, true class", "r0": "r0, other classes"}


def loss_tables(
    name: str, facts: Mapping[str, Any], certificates: Mapping[str, Certificate], provenance: Mapping[str, Any]
) -> Iterator[RenderableType]:
    """Yield the tables of ``symloss show``.

    Args:
        name: what the loss is called.
        facts: the command's JSON.
        certificates: of ``"r0"`` and ``"r1"``; empty for a loss that is more than its formula.
        provenance: where the loss is from: a row of a run's result, or a catalogue entry's paper.
    """
    grid = _grid()
    lines = {"loss": name, "formula": facts["expression"], "latex": facts["latex"]}
    if facts["canonical"] is not None:
        lines |= {"canonical form": facts["canonical"], "shortest form": facts["simplest"]}
    lines |= {"size": f"{facts['size']} node" + "s" * (facts["size"] > 1), "id": facts["id"]}
    if facts["parameters"]:
        lines["parameters"] = "\n".join(
            f"{key} = {found['value']:.6g}, from {found['low']:g} to {found['high']:g}: {found['meaning']}"
            for key, found in facts["parameters"].items()
        )
    if facts["when"]:
        lines["when to use it"] = facts["when"]
    if "test" in provenance:
        lines["test accuracy"] = f"{percent(provenance['test'])} % over {provenance['test']['n']} seeds"
    if "paper" in provenance:
        lines["paper"] = provenance["paper"]
    for key, value in lines.items():
        grid.add_row(key, Text(value))
    yield grid
    if not certificates:
        yield Text(
            f"\n{name} {facts['note']}. Certificate, properties and curves are of a formula on a softmax.",
            style="yellow",
        )
        return
    yield Text("\nis the gradient bounded?", style="bold")
    grid = _grid()
    for key, label in _LABELS.items():
        found = certificates[key]
        grid.add_row(label, Text(found.describe(), style=_STATUS_STYLE.get(found.status, "")))
    yield grid
    yield Text("")
    yield _response_table(facts)
    yield Text("")
    yield _property_table(facts)
    yield Text("")


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    return grid


def _response_table(facts: Mapping[str, Any]) -> Table:
    table = Table(header_style="bold", pad_edge=False)
    table.add_column("response at")
    for name in ("p", "r1", "r0"):
        table.add_column(name, justify="right")
    for name, point in facts["gradient"].items():
        table.add_row(name, f"{point['p']:.6g}", *(f"{point[key] + 0.0:.4g}" for key in ("r1", "r0")))  # no -0
    return table


def _property_table(facts: Mapping[str, Any]) -> Table:
    table = Table(header_style="bold", pad_edge=False)
    table.add_column("property", no_wrap=True)
    table.add_column("basis", no_wrap=True)
    table.add_column("value and why", overflow="fold")
    for name, found in facts["properties"].items():
        basis = "" if found["value"] == "unknown" else "exact" if found["exact"] else "numeric"
        value = Text(property_value(found["value"]))
        if found["note"]:
            value += Text(f": {found['note']}", style="dim")
        table.add_row(name, basis, value)
    return table


def property_value(value: Any) -> str:
    """Return a property's value as text: a word as it is, numbers to 5 digits."""
    if isinstance(value, list | tuple):
        return ", ".join(map(property_value, value)) or "none"
    return value if isinstance(value, str) else f"{value:.5g}"
