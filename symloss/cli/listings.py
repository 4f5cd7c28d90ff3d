"""`symloss losses | datasets | models | grammars`: what there is."""

from __future__ import annotations

import typer

from symloss.cli import check

grammars_app = typer.Typer(help="List the shipped grammars, or check one of your own.", invoke_without_command=True)
grammars_app.command("check")(check.command)


def _print(columns: list[str], rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def losses() -> None:
    """List the known losses with formula, paper and when to use each."""
    from symloss.formula import to_text
    from symloss.losses import CATALOGUE

    _print(
        ["name", "formula of one class", "when to use it", "paper"],
        [
            [loss.name, to_text(loss.formula), loss.when, f"{loss.paper.authors} {loss.paper.year}"]
            for loss in CATALOGUE.values()
        ],
    )


def datasets() -> None:
    """List the datasets."""
    from symloss.tasks import DATASETS

    _print(
        ["name", "classes", "samples", "description"],
        [[data.name, str(data.classes), f"{data.size:,}", data.description] for data in DATASETS.values()],
    )


def models() -> None:
    """List the networks."""
    from symloss.tasks import MODELS

    _print(["name", "description"], [[name, text] for name, text in MODELS.items()])


@grammars_app.callback()
def grammars(context: typer.Context) -> None:
    """List the shipped grammars."""
    if context.invoked_subcommand is None:
        from symloss.grammar import load_grammar, shipped_grammars

        _print(
            ["name", "description"],
            [[name, load_grammar(path).description] for name, path in shipped_grammars().items()],
        )
