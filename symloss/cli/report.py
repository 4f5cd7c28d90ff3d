"""`symloss report`: a finished search or benchmark as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from symloss.cli import completion
from symloss.cli.output import check_writable, waiting


def command(
    run: Annotated[
        Path,
        typer.Argument(help="A run's directory, or its name below runs/.", autocompletion=completion.ended_run),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file; report.html in the run's directory by default.")
    ] = None,
) -> None:
    """Write a finished search or benchmark as one HTML page that needs no network."""
    if output is not None:
        check_writable(str(output))
    console = Console()
    with waiting(console, "starting"):
        from symloss.report import save_page

    with waiting(console, "writing the page"):
        target = save_page(run, output)
    console.print(f"Page: {target}", markup=False, highlight=False, soft_wrap=True)
