"""`symloss export`: take a loss away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symloss.cli import completion
from symloss.cli.output import LOSS_HELP, check_writable, resolve_loss
from symloss.errors import SymlossError, unknown

if TYPE_CHECKING:
    from symloss.formula import Formula
    from symloss.losses import CatalogueLoss

FORMATS = ("torch", "latex", "sympy", "json")


def command(
    loss: Annotated[str, typer.Argument(help=LOSS_HELP, autocompletion=completion.loss)],
    to: Annotated[
        str,
        typer.Option(help=f"The format: {', '.join(FORMATS)}.", autocompletion=completion.one_of(FORMATS)),
    ] = "torch",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file; standard output by default.")] = None,
) -> None:
    """Write a loss as a file that needs only torch, as LaTeX, as SymPy source or as JSON."""
    if to not in FORMATS:
        raise SymlossError(unknown("format", to, FORMATS))
    if output is not None:
        check_writable(str(output))
    from symloss.files import write_atomic
    from symloss.losses import CatalogueLoss

    name, found, provenance = resolve_loss(loss)
    if isinstance(found, CatalogueLoss):
        text = _known(found, to, name, provenance)
    else:
        text = _formula(found, to, name, provenance)
    if output is None:
        print(text, end="" if text.endswith("\n") else "\n")
    else:
        write_atomic(output, text if text.endswith("\n") else text + "\n")


def _formula(formula: Formula, to: str, name: str, provenance: dict[str, Any], **options: Any) -> str:
    """Return a formula in a format; ``options`` are those of ``export_torch``."""
    from symloss.codegen import export_json, export_latex, export_sympy, export_torch
    from symloss.report import provenance_lines

    if to == "torch":
        options = {"class_reduction": provenance.get("class_reduction", "sum"), **options}
        return export_torch(formula, name=name, provenance=provenance_lines(provenance), **options)
    if to == "latex":
        return export_latex(formula, name=name)
    if to == "sympy":
        return export_sympy(formula)
    return export_json(formula, name=name, provenance=provenance)


def _known(loss: CatalogueLoss, to: str, name: str, provenance: dict[str, Any]) -> str:
    """Return a known loss in a format. The module that ``torch`` writes is named without the parameters."""
    if loss.formula is not None:
        text = _formula(
            loss.formula,
            to,
            loss.name if to == "torch" else name,
            provenance,
            output=loss.output,
            defaults=loss.options,
        )
        if to == "sympy" and loss.beyond:
            return f"# {name} {loss.beyond}.\n{text}"
        if to == "latex" and loss.beyond:
            end = r"\end{document}"
            return text.replace(end, f"{name} {loss.beyond}.\n".replace("_", r"\_") + end)
        return text
    from symloss.codegen import export_torch_coupled
    from symloss.report import provenance_lines

    if to == "torch":
        return export_torch_coupled(loss.terms, name=loss.name, provenance=provenance_lines(provenance))
    if to == "latex":
        return _COUPLED_LATEX.format(name=name.replace("_", r"\_"), latex=loss.latex)
    if to == "sympy":
        raise SymlossError(
            f"SymPy source is of one class's formula, but {name} {loss.beyond}; export it --to torch, latex or json"
        )
    content = {"name": name, "expression": loss.text, "latex": loss.latex, "size": loss.size, "provenance": provenance}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


_COUPLED_LATEX = r"""\documentclass{{article}}
\usepackage{{amsmath}}
\begin{{document}}
The loss \textbf{{{name}}} is a sum over classes with predicted probability $p$ and label $y$,
\begin{{equation*}}
  {latex},
\end{{equation*}}
where $\mathrm{{N}}(L)$ is the sum of $L$ over classes, divided by the total of what this sum is for each label that the
sample might have.
\end{{document}}
"""
