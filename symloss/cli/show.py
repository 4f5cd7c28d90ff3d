"""`symloss show` and `symloss export`: look at one loss, and take it away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from symloss.cli.output import check_writable, console_for, resolve_loss, write_json
from symloss.errors import SymlossError, unknown

_LOSS_HELP = "A known loss ('symloss losses'), RUN:RANK of a run, or a formula in y_pred and y_true."
FORMATS = ("torch", "latex", "sympy", "json")


def show(
    loss: Annotated[str, typer.Argument(help=_LOSS_HELP)],
    json_file: Annotated[str | None, typer.Option("--json", help="Write it there; - for standard output.")] = None,
) -> None:
    """Show a loss: formula, LaTeX, simplest form, and its gradient where training starts and ends."""
    check_writable(json_file)
    from rich.table import Table
    from rich.text import Text

    name, formula, provenance = resolve_loss(loss)
    facts = _facts(formula)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    lines = {"loss": name, "formula": facts["expression"], "latex": facts["latex"], "simplest form": facts["simplest"]}
    lines |= {"size": f"{facts['size']} nodes", "id": facts["id"]}
    for key, value in lines.items():
        table.add_row(key, Text(value))
    for key, value in facts["gradient"].items():
        table.add_row(key, Text(value))
    if "test" in provenance:
        from symloss.report.tables import percent

        table.add_row("test accuracy", Text(f"{percent(provenance['test'])} % over {provenance['test']['n']} seeds"))
    if "paper" in provenance:
        table.add_row("paper", Text(provenance["paper"]))
    console_for(json_file).print(table)
    write_json(json_file, facts)


def _facts(formula: Any) -> dict[str, Any]:
    import numpy as np

    from symloss.formula import to_text
    from symloss.symbolic import loss_id, response_curves, simplify, to_latex

    points = {"uniform p, C = 2": 1 / 2, "uniform p, C = 10": 1 / 10, "uniform p, C = 100": 1 / 100}
    points |= {"confidently wrong, p = 1e-6": 1e-6, "confidently right, p = 1 - 1e-6": 1 - 1e-6}
    r0, r1 = response_curves(formula, np.array(list(points.values())))
    gradient = {
        f"response at {name}": f"r1 = {b:.4g} (true class), r0 = {a:.4g} (others)"
        for name, a, b in zip(points, r0, r1, strict=True)
    }
    return {
        "id": loss_id(formula),
        "expression": to_text(formula),
        "latex": to_latex(formula),
        "simplest": to_text(simplify(formula)),
        "size": formula.size,
        "gradient": gradient,
    }


def export(
    loss: Annotated[str, typer.Argument(help=_LOSS_HELP)],
    to: Annotated[str, typer.Option(help=f"The format: {', '.join(FORMATS)}.")] = "torch",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file; standard output by default.")] = None,
) -> None:
    """Write a loss as a file that needs only torch, as LaTeX, as SymPy source or as JSON."""
    if to not in FORMATS:
        raise SymlossError(unknown("format", to, FORMATS))
    if output is not None:
        check_writable(str(output))
    from symloss.codegen import export_json, export_latex, export_sympy, export_torch
    from symloss.store import write_atomic

    name, formula, provenance = resolve_loss(loss)
    if to == "torch":
        reduction = provenance.get("class_reduction", "sum")
        lines = _provenance_lines(provenance)
        text = export_torch(formula, name=name, provenance=lines, class_reduction=reduction)
    elif to == "latex":
        text = export_latex(formula, name=name)
    elif to == "sympy":
        text = export_sympy(formula)
    else:
        text = export_json(formula, name=name, provenance=provenance)
    if output is None:
        print(text, end="" if text.endswith("\n") else "\n")
    else:
        write_atomic(output, text if text.endswith("\n") else text + "\n")


def _provenance_lines(provenance: dict[str, Any]) -> dict[str, str]:
    """Return what an exported file says of where its loss is from: the run and its scores, or the paper."""
    if "test" not in provenance:
        return {key: str(value) for key, value in provenance.items()}
    from symloss.report.tables import percent

    gain = provenance["gain"]
    lines: dict[str, str] = {key: str(provenance[key]) for key in ("run", "grammar", "task", "rank", "id")}
    lines["validation accuracy"] = f"{percent(provenance['validation'])} %"
    lines["test accuracy"] = f"{percent(provenance['test'])} % over {provenance['test']['n']} seeds"
    p = "none" if gain["p_holm"] is None else f"{gain['p_holm']:.2g}"
    lines["gain over ce"] = f"{100 * gain['mean']:+.2f} points, p = {p} (paired t-test, Holm)"
    lines["gradient scale"] = f"{provenance['scale']:.6g} times this loss was trained, which has ce's norm at uniform p"
    return lines
