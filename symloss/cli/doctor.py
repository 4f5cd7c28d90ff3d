"""`symloss doctor`: is a run whole?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from symloss.cli.output import JsonOption, check_range, check_writable, console_for, waiting, whole_number, write_json


def command(
    run: Annotated[Path, typer.Argument(help="A run's directory, or its name below runs/.")],
    sample: Annotated[
        int,
        typer.Option(parser=whole_number, metavar="N", help="How many losses' ids to compute anew; 0 for all."),
    ] = 200,
    json_file: JsonOption = None,
) -> None:
    """Check that a run is whole, and say how to mend what is not. Nothing is changed.

    The exit code is 0 where it is sound, 1 where there are problems.
    """
    check_writable(json_file)
    check_range("the sample", sample, 0, 1_000_000_000)
    console = console_for(json_file)
    with waiting(console, "starting"):
        from rich.progress import Progress
        from rich.table import Table
        from rich.text import Text

        from symloss.store.doctor import examine

    with Progress(console=console, transient=True, disable=console.color_system is None) as bar:
        task = bar.add_task("computing ids", total=None)
        path, checks = examine(run, sample or None, lambda done, total: bar.update(task, completed=done, total=total))
    problems = sum(check.status == "problem" for check in checks)
    table = Table("check", "", "found", "how to mend it", title=Text(f"{path}"), title_justify="left")
    styles = {"ok": "green", "note": "yellow", "problem": "bold red"}
    for check in checks:
        words = Text(check.status, style=styles[check.status])
        table.add_row(Text(check.name), words, Text(check.found), Text(check.remedy))
    console.print(table)
    ending = "The run is sound." if not problems else f"{problems} problem{'s' if problems > 1 else ''} found."
    console.print(ending, highlight=False)
    write_json(json_file, {"run": str(path), "sound": not problems, "checks": [check.to_json() for check in checks]})
    if problems:
        raise typer.Exit(1)
