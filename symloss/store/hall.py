"""What a run found as tables for other programs."""

from __future__ import annotations

import csv
import io
from typing import Any

_CSV_SCORES = ("validation_mean", "validation_std", "test_mean", "test_std", "test_ci95_low", "test_ci95_high", "n")
_CSV_GAIN = ("gain_mean", "gain_p", "gain_p_holm")
_CSV_COLUMNS = ("rank", "loss", "expression", "latex", "size", "scale", *_CSV_SCORES, *_CSV_GAIN, "id", "note")


def csv_text(result: dict[str, Any]) -> str:
    """Return what a run found as CSV, a loss a line, with the first task's scores."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _CSV_COLUMNS, lineterminator="\n", extrasaction="ignore", restval="")
    writer.writeheader()
    for row in _rows(result):
        low, high = row["test"]["ci95"]
        values = {f"{part}_{name}": row[part][name] for part in ("validation", "test") for name in ("mean", "std")}
        values |= {"test_ci95_low": low, "test_ci95_high": high, "n": row["test"]["n"]}
        values |= {f"gain_{name}": value for name, value in (row["gain"] or {}).items()}
        writer.writerow(row | values)
    return text.getvalue()


def _rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [*result["hall_of_fame"], *result["control"], *result["baselines"]]


def tex_text(result: dict[str, Any]) -> str:
    """Return a booktabs table; the document needs the packages booktabs and amsmath."""
    lines = [
        r"% needs \usepackage{booktabs,amsmath}",
        r"\begin{tabular}{llrrr}",
        r"\toprule",
        r"Loss & $L(p, y)$ & Size & Test (\%) & Gain \\",
        r"\midrule",
    ]
    for place, row in enumerate(_rows(result)):
        if place and place == len(result["hall_of_fame"]):
            lines.append(r"\midrule")
        low, high = row["test"]["ci95"]
        gain = f"{100 * row['gain']['mean']:+.2f}" if row["gain"] else "--"
        lines.append(
            f"{_tex_text(row['loss'])} & ${row['latex']}$ & {row['size']} & "
            f"{100 * row['test']['mean']:.2f} [{100 * low:.2f}, {100 * high:.2f}] & {gain} \\\\"
        )
    lines.append(r"\bottomrule")
    for row in result["baselines"]:
        if row.get("note"):  # its formula alone would be read as another loss
            note = _tex_text(f"{row['loss']} {row['note']}")
            lines.append(rf"\multicolumn{{5}}{{p{{\linewidth}}}}{{\footnotesize {note}}} \\")
    return "\n".join([*lines, r"\end{tabular}", ""])


def _tex_text(text: str) -> str:
    return text.replace("#", r"\#").replace("_", r"\_")
