"""What the page says of each loss: formula in several notations, exported source, certificate, class count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from symloss.codegen import export_torch
from symloss.errors import SymlossError
from symloss.formula import Formula, parse_formula
from symloss.report.provenance import provenance_lines
from symloss.report.tables import certificate_text
from symloss.symbolic import response_curves, to_mathml

#: Class counts among which the recorded gradient scales decide.
_MOST_CLASSES = 20_000
_AGREEMENT = 1e-9


@dataclass(frozen=True)
class Shown:
    """A row of the result as the page shows it.

    Attributes:
        row: the row itself.
        formula: parsed; None where the text is more than the formula of one class.
        math: MathML; None without a formula.
        certificate: one line.
        source: the exported module; empty where there is none.
    """

    row: Mapping[str, Any]
    formula: Formula | None
    math: Markup | None
    certificate: str
    source: str


def shown(row: Mapping[str, Any], provenance: Mapping[str, Any] | None = None) -> Shown:
    """Return a row for the page; with ``provenance``, a row of its run, its exported module too."""
    formula = _formula(row)
    math = None if formula is None else Markup(to_mathml(formula))  # built of escaped parts
    certificate = row.get("certificate")
    text = certificate_text(certificate) if certificate else row.get("note") or "not recorded"
    source = ""
    if formula is not None and provenance is not None:
        lines = provenance_lines(provenance)  # a damaged row is an error, and not a page without it
        with suppress(SymlossError):  # it cannot be written as a module; the page shows what it can
            source = export_torch(
                formula,
                name=f"{provenance['run']}:{row['rank']}",
                provenance=lines,
                class_reduction=provenance["class_reduction"],
            )
    return Shown(row, formula, math, str(text).replace("<=", "≤"), source)


def _formula(row: Mapping[str, Any]) -> Formula | None:
    try:
        return parse_formula(str(row["expression"]))
    except SymlossError:
        return None


def pool(sources: Mapping[str, str]) -> dict[str, Any]:
    """Return texts that are mostly alike as one list of lines, and for each text the numbers of its lines."""
    lines: dict[str, int] = {}
    texts = {
        name: [lines.setdefault(line, len(lines)) for line in text.split("\n")]
        for name, text in sources.items()
        if text
    }
    return {"lines": list(lines), "texts": texts}


def class_count(rows: Iterable[Mapping[str, Any]]) -> int | None:
    """Return the number of classes C of a run's first task; None where the rows do not say.

    A run records no C, but each loss's factor ``1 / |r1(1/C) - r0(1/C)|``, from which it follows.
    """
    counts = np.arange(2, _MOST_CLASSES + 1)
    agree = np.ones(len(counts), dtype=bool)
    for row in rows:
        formula = None if row.get("note") else _formula(row)
        if formula is None or "scale" not in row:
            continue
        with np.errstate(all="ignore"):
            r0, r1 = response_curves(formula, 1.0 / counts)
            agree &= np.abs(np.abs(r1 - r0) * row["scale"] - 1.0) < _AGREEMENT
    found: Sequence[int] = counts[agree].tolist()
    return found[0] if len(found) == 1 else None
