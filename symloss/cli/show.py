"""`symloss show`: everything that is known of one loss."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symloss.cli import completion
from symloss.cli.output import (
    LOSS_HELP,
    ClassesOption,
    JsonOption,
    check_range,
    check_writable,
    console_for,
    resolve_loss,
    waiting,
    write_json,
)

if TYPE_CHECKING:
    from symloss.formula import Formula
    from symloss.losses import CatalogueLoss
    from symloss.symbolic import Certificate


def command(
    loss: Annotated[str, typer.Argument(help=LOSS_HELP, autocompletion=completion.loss)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Draw the curves there too: FILE.png or FILE.svg.")
    ] = None,
    classes: ClassesOption = 10,
    json_file: JsonOption = None,
) -> None:
    """Show a loss: formula, LaTeX, canonical form, a certificate of its gradient, properties and curves.

    What follows from response curves is for losses that are their formula on a softmax.
    """
    check_writable(json_file)
    check_range("the number of classes", classes, 2, 1_000_000)
    console = console_for(json_file)
    with waiting(console, "starting"):
        from symloss.losses import CatalogueLoss, formula_alone
        from symloss.report import check_figure, draw_curves, loss_tables, save_figure
        from symloss.symbolic import certify

        if output is not None:
            check_writable(str(output))
            check_figure(output)
        name, found, provenance = resolve_loss(loss)
        known = found if isinstance(found, CatalogueLoss) else None
        formula = formula_alone(found)
        if output is not None and known is not None:
            formula = known.plain_formula  # refuses to draw any other
    certificates: dict[str, Certificate] = {}
    facts: dict[str, Any] = {"output": "softmax", "note": None, "parameters": {}, "when": None}
    if known is not None:
        facts |= _known_facts(known)
    with waiting(console, "proving what can be proven"):
        if formula is not None:
            certificates = dict(zip(("r0", "r1"), certify(formula), strict=True))
            facts |= _facts(formula, certificates, classes, provenance.get("class_reduction", "sum"))
            if output is not None:
                save_figure(formula, output)
    for part in loss_tables(name, facts, certificates, provenance):
        console.print(part)
    if formula is not None:
        for part in draw_curves(formula, console):
            console.print(part, no_wrap=True, overflow="ignore", crop=False)
    if output is not None:
        console.print(f"Figure: {output}", markup=False, highlight=False, soft_wrap=True)
    write_json(json_file, facts)


def _known_facts(loss: CatalogueLoss) -> dict[str, Any]:
    """Return what the catalogue says of a loss; what only a formula on a softmax has is None."""
    derived = ("canonical", "simplest", "classes", "certificate", "properties", "gradient")
    return {
        "id": loss.id,
        "expression": loss.text,
        "latex": loss.latex,
        "size": loss.size,
        "output": loss.output,
        "note": loss.beyond or None,
        "parameters": {name: asdict(parameter) for name, parameter in loss.parameters.items()},
        "when": loss.when,
    } | dict.fromkeys(derived)


def _facts(
    formula: Formula, certificates: dict[str, Certificate], classes: int, class_reduction: str
) -> dict[str, Any]:
    from symloss.formula import to_text
    from symloss.symbolic import canonical, displayed_form, loss_id, properties, to_latex

    found = properties(formula, classes, class_reduction)
    return {
        "id": loss_id(formula),
        "expression": to_text(formula),
        "latex": to_latex(formula),
        "canonical": to_text(canonical(formula)),
        "simplest": to_text(displayed_form(formula)),
        "size": formula.size,
        "classes": classes,
        "certificate": {curve: certificate.to_dict() for curve, certificate in certificates.items()},
        "properties": {name: value.to_dict() for name, value in found.items()},
        "gradient": _gradient(formula, classes),
    }


def _gradient(formula: Formula, classes: int) -> dict[str, dict[str, float]]:
    """Return p and both responses where training starts, and where it fails or ends."""
    import numpy as np

    from symloss.symbolic import response_curves

    points = {f"uniform p, C = {count}": 1 / count for count in sorted({2, 10, 100, classes})}
    points |= {"confidently wrong": 1e-6, "confidently right": 1 - 1e-6}
    r0, r1 = response_curves(formula, np.array(list(points.values())))
    return {
        name: {"p": p, "r0": float(a), "r1": float(b)} for (name, p), a, b in zip(points.items(), r0, r1, strict=True)
    }
