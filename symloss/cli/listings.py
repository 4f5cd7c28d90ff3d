"""`symloss losses | models | grammars`: what there is."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from symloss.cli import check
from symloss.cli.output import JsonOption, check_writable, console_for, write_json

if TYPE_CHECKING:
    from symloss.losses import CatalogueLoss

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


#: What kinds of loss the catalogue has: a title and what it says of them.
_KINDS = {
    "softmax": "On a softmax: y_pred is a class's probability, y_true its label",
    "sigmoid": "On a sigmoid of each logit, one class against the rest; log(y_pred) - log(1 - y_pred) is the logit",
    "coupled": "Coupling the classes: N(L) is L over its sum for all labels that the sample might have",
}


def losses(json_file: JsonOption = None) -> None:
    """List the known losses with formula, parameters, when to use each, and its paper."""
    check_writable(json_file)
    from rich.table import Table
    from rich.text import Text

    from symloss.losses import CATALOGUE

    console = console_for(json_file)
    rows = [_facts(loss) for loss in CATALOGUE.values()]
    for kind, title in _KINDS.items():
        table = Table(title=title, title_justify="left", header_style="bold", pad_edge=False)
        table.add_column("name", no_wrap=True)
        table.add_column("formula of one class, parameters, use and paper", overflow="fold")
        for row in rows:
            if row["kind"] == kind:
                settings = ", ".join(f"{name}={found['value']:.6g}" for name, found in row["parameters"].items())
                paper = f"{row['paper']['authors']} {row['paper']['year']}"
                lines = [(row["expression"], ""), (settings, "cyan"), (row["when"], ""), (paper, "dim")]
                cell = Text("\n").join(Text(line, style=style) for line, style in lines if line)
                table.add_row(row["name"], cell, end_section=True)
        console.print(table)
    write_json(json_file, {"losses": rows})


def _facts(loss: CatalogueLoss) -> dict[str, Any]:
    return {
        "name": loss.name,
        "kind": "coupled" if loss.formula is None else loss.output,
        "expression": loss.text,
        "class_reduction": loss.class_reduction,
        "parameters": {name: asdict(parameter) for name, parameter in loss.parameters.items()},
        "when": loss.when,
        "paper": asdict(loss.paper),
    }


def models() -> None:
    """List the networks, what each is for, and their parameters."""
    from symloss.models import MODELS, OWN_MODELS, spelling

    rows, owners = [], dict[tuple[str, str, str], list[str]]()
    for model in MODELS.values():
        own = ", ".join(f"{name} {value}" for name, value in model.defaults.items())
        about = f"{model.description}{f'; defaults: {own}' if own else ''}"
        settings = [f"{name}={spelling(parameter.default)}" for name, parameter in model.parameters.items()]
        rows.append([model.name, model.task, f"{about}\n{model.paper}".strip(), "\n".join(settings)])
        for name, parameter in model.parameters.items():
            owners.setdefault((name, parameter.allowed, parameter.meaning), []).append(model.name)
    rows += [[name, "", text, ""] for name, text in OWN_MODELS.items()]
    _print(["name", "task", "description", "parameters"], rows)
    # Networks share most parameters, so each is explained once.
    _print(
        ["parameter", "values", "meaning", "of"],
        [[*parameter, ", ".join(names)] for parameter, names in owners.items()],
    )


@grammars_app.callback()
def grammars(context: typer.Context) -> None:
    """List the shipped grammars."""
    if context.invoked_subcommand is None:
        from symloss.grammar import load_grammar, shipped_grammars

        _print(
            ["name", "description"],
            [[name, load_grammar(path).description] for name, path in shipped_grammars().items()],
        )
