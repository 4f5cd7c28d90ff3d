"""What the screens say of a grammar's draws, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from symloss.search import SCREENS


def sample_tables(result: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield the tables of ``symloss sample`` from its JSON: the candidates, and the counts by screen."""
    table = Table(header_style="bold", pad_edge=False)
    table.add_column("#", justify="right")
    table.add_column("formula", overflow="fold", ratio=3)
    table.add_column("verdict", overflow="fold", ratio=2)
    for number, candidate in enumerate(result["candidates"], start=1):
        passed = candidate["verdict"] == "passed"
        verdict = Text(candidate["verdict"], style="green" if passed else "red")
        if candidate["reason"]:
            verdict += Text(f": {candidate['reason']}", style="dim")
        table.add_row(str(number), Text(candidate["expression"]), verdict)
    yield table
    counts = result["counts"]
    rejected = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count and name != "passed")
    yield Text(f"{len(result['candidates']):,} drawn: {counts['passed']:,} passed; rejected: {rejected or 'none'}.")
    yield Text("A loss equal to one of the baselines ce, ngl and focal is a duplicate, as in a search.", style="dim")


def check_tables(result: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield the tables of ``symloss grammars check`` from its JSON: formulas by size, and what each screen rejects."""
    yield Text(f"{result['grammar']}: valid; {result['rules']} rules, start {result['start']}")
    table = Table(header_style="bold", pad_edge=False)
    table.add_column("nodes", justify="right")
    table.add_column("formulas", justify="right")
    for size, count in result["formulas"].items():
        table.add_row(size, f"{count:,}" if count < 10**9 else _decimal(count))
    yield table
    n = result["n"]
    table = Table(
        title=f"{n:,} draws, {result['classes']} classes, seed {result['seed']}",
        title_justify="left",
        header_style="bold",
        pad_edge=False,
    )
    table.add_column("screen")
    table.add_column("rejects", justify="right")
    table.add_column("share", justify="right")
    table.add_column("demands")
    for name, count in result["rejected"].items():
        table.add_row(name, f"{count:,}", f"{count / n:.1%}", Text(SCREENS[name], style="dim"))
    table.add_section()
    table.add_row("passed", f"{result['passed']:,}", f"{result['passed'] / n:.1%}", "")
    yield table
    rate = result["duplicates_per_thousand"]
    yield Text(
        "No draw got as far as the search for duplicates."
        if rate is None
        else f"Of 1,000 draws that got as far as the search for duplicates, {rate:.0f} were one."
    )


def _decimal(count: int) -> str:
    """Return a count as ``1.234e+56``; it may be larger than any float."""
    digits = str(count)
    return f"{digits[0]}.{digits[1:4]}e+{len(digits) - 1}"
