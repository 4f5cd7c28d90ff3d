"""What an exported file says of where its loss is from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from symloss.report.tables import percent
from symloss.store.guard import shaped


def provenance_lines(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Return the lines by name: the run and its scores for a row of a run's result, else the paper.

    Raises:
        SymlossError: the row is damaged.
    """
    if "test" not in provenance:
        lines = {key: str(value) for key, value in provenance.items() if key != "parameters"}
        for name, value in provenance.get("parameters", {}).items():
            lines[f"parameter {name}"] = f"{value:.15g}"
        return lines
    with shaped(Path(str(provenance.get("run")))):
        return _of_run(provenance)


def _of_run(provenance: Mapping[str, Any]) -> dict[str, str]:
    gain = provenance["gain"]
    lines = {key: str(provenance[key]) for key in ("run", "grammar", "task", "rank", "id")}
    lines["validation accuracy"] = f"{percent(provenance['validation'])} %"
    lines["test accuracy"] = f"{percent(provenance['test'])} % over {provenance['test']['n']} seeds"
    p = "none" if gain["p_holm"] is None else f"{gain['p_holm']:.2g}"
    lines["gain over ce"] = f"{100 * gain['mean']:+.2f} points, p = {p} (paired t-test, Holm)"
    lines["gradient scale"] = f"{provenance['scale']:.6g} times this loss was trained, which has ce's norm at uniform p"
    return lines
