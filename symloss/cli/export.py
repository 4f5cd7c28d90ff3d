"""`symloss export`: take a loss away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from symloss.cli.output import LOSS_HELP, check_writable, resolve_loss
from symloss.errors import SymlossError, unknown

FORMATS = ("torch", "latex", "sympy", "json")


def command(
    loss: Annotated[str, typer.Argument(help=LOSS_HELP)],
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
