"""A benchmark as files for other programs: tidy CSV, and LaTeX with the formulas typeset beside the scores."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from symloss.benchmark import BenchmarkResult, CellRecord
from symloss.benchmark.statistics import comparable
from symloss.benchmark.trainers import LESS_IS_BETTER
from symloss.report.benchmark import difference_text, ranking_text, tasks_of
from symloss.report.tables import Row, unit

#: The columns of the CSV: one row is one cell, epoch, part and metric.
COLUMNS = (
    "task",
    "dataset",
    "model",
    "condition",
    "trainer",
    "stage",
    "loss",
    "loss_id",
    "seed",
    "lr",
    "epoch",
    "part",
    "metric",
    "value",
    "diverged",
    "seconds",
    "device",
    "cell",
)
#: Tasks side by side in one LaTeX table.
_WIDTH = 3
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: "\\" + character for character in "&%$#_{}"},
}


def benchmark_csv(result: BenchmarkResult) -> str:
    """Return every cell's scores as tidy CSV, fractions of 1; see :data:`COLUMNS`."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for record in result.records:
        for row in _cell_rows(record):
            writer.writerow(row)
    return text.getvalue()


def _cell_rows(record: CellRecord) -> Iterator[dict[str, Any]]:
    cell, outcome = record.cell, record.outcome
    experiment = cell.experiment
    common = {
        "task": experiment.title,
        "dataset": experiment.dataset,
        "model": experiment.model,
        "condition": experiment.condition,
        "trainer": experiment.trainer,
        "stage": record.stage,
        "loss": cell.contender.name,
        "loss_id": cell.contender.id,
        "seed": cell.seed,
        "lr": experiment.values["lr"],
        "diverged": int(outcome.diverged),
        "seconds": outcome.seconds,
        "device": outcome.device,
        "cell": cell.name,
    }
    for epoch, parts in outcome.scores.items():
        for part in ("validation", "test"):
            if part == "test" and record.stage == "sweep":
                continue  # nothing reads it
            for metric, value in parts.get(part, {}).items():
                yield common | {"epoch": epoch, "part": part, "metric": metric, "value": "" if value is None else value}


def escaped(text: str) -> str:
    """Return plain text as LaTeX sets it."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def benchmark_latex(result: Mapping[str, Any]) -> str:
    """Return booktabs tables of a benchmark's JSON: losses with their formulas down, tasks across.

    Scores are test means with standard deviations; the best of a task is bold, a star marks a corrected p below 0.05,
    and ``=``, ``+`` and ``-`` compare with the baseline. The document needs the packages booktabs and amsmath.
    """
    tasks = tasks_of(result)
    config = result["config"]
    parts = [r"% needs \usepackage{booktabs,amsmath}"]
    for start in range(0, len(tasks), _WIDTH):
        parts += _table(tasks[start : start + _WIDTH], config, formulas=start == 0)
    if result.get("summary"):
        parts += _summary(result["summary"], config)
    return "\n".join([*parts, ""])


def _table(tasks: Sequence[tuple[str, Sequence[Row]]], config: Mapping[str, Any], *, formulas: bool) -> Iterator[str]:
    shown = [any(row.get("published") for row in rows) for _, rows in tasks]
    heads = ["Loss"] + (["$L(p, y)$"] if formulas else [])
    for (title, rows), published in zip(tasks, shown, strict=True):
        metric = rows[0]["metric"]
        arrow = r" $\downarrow$" if metric in LESS_IS_BETTER else ""
        sign = escaped(unit(metric)[1].strip())
        what = escaped(metric) + (f" ({sign})" if sign else "") + arrow
        heads.append(rf"\shortstack[r]{{{escaped(title)}\\{what}}}")
        if published:
            heads.append("published")
    columns = "ll" if formulas else "l"
    yield r"\begin{table}"
    yield rf"\caption{{{_caption(tasks, config)}}}"
    yield r"\centering\small"
    yield rf"\begin{{tabular}}{{{columns}{'r' * (len(heads) - len(columns))}}}"
    yield r"\toprule"
    yield " & ".join(heads) + r" \\"
    yield r"\midrule"
    notes = []
    for number, first in enumerate(tasks[0][1]):
        cells = [escaped(first["loss"])] + ([f"${first['latex']}$"] if formulas else [])
        for (_, rows), published in zip(tasks, shown, strict=True):
            cells.append(_score(rows[number], rows))
            if published:
                cells.append(_published(rows[number]))
        if first.get("note"):  # its formula alone would be read as another loss
            notes.append(escaped(f"{first['loss']} {first['note']}"))
        yield " & ".join(cells) + r" \\"
    yield r"\bottomrule"
    yield r"\end{tabular}"
    if formulas:
        for note in notes:
            yield rf"\par\footnotesize {note}."
    yield r"\end{table}"


def _caption(tasks: Sequence[tuple[str, Sequence[Row]]], config: Mapping[str, Any]) -> str:
    baseline = escaped(str(config["baseline"]))
    n = tasks[0][1][0]["test"]["n"]
    text = f"Test scores, mean and standard deviation over {n} seeds; bold: best"
    if tasks[0][1][0].get("epochs"):
        text += f"; {config['select']} epoch"
    if any(row.get("band") for _, rows in tasks for row in rows):
        text += f"; $=$, $+$, $-$: within {config['band']:g} points of {baseline}, better, worse"
    return f"{text}; $\\ast$: paired t-test against {baseline}, Holm-corrected $p < 0.05$."


def _score(row: Row, rows: Sequence[Row]) -> str:
    metric = row["metric"]
    factor, _ = unit(metric)
    means = [comparable(other["test"]["mean"]) for other in rows]
    best = min(means) if metric in LESS_IS_BETTER else max(means)
    mean = f"{factor * row['test']['mean']:.2f}"
    if comparable(row["test"]["mean"]) == best:
        mean = rf"\mathbf{{{mean}}}"
    spread = f" \\pm {factor * row['test']['std']:.2f}" if row["test"]["std"] is not None else ""
    gain = row.get("gain")
    star = r"^{\ast}" if gain and gain.get("p_holm") is not None and gain["p_holm"] < 0.05 else ""
    band = rf"\;{{{row['band']}}}" if row.get("band") else ""
    return f"${mean}{spread}{band}{star}$"


def _published(row: Row) -> str:
    published = row.get("published")
    if not published:
        return "--"
    factor, _ = unit(row["metric"])
    spread = "" if published["std"] is None else f" \\pm {factor * published['std']:.2f}"
    return f"${factor * published['mean']:.2f}{spread}$"


def _summary(summary: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    told = any(row["difference"] for row in summary["losses"])
    differences = ""
    if told:
        what = escaped(difference_text(summary, str(config["baseline"])))
        within = f"tasks within {config['band']:g} points of it and beyond"
        differences = rf"{what} with its 95\,\% interval, {within}, and "
    yield r"\begin{table}"
    said = escaped(ranking_text(summary))
    yield rf"\caption{{Over {summary['datasets']} tasks: {differences}mean rank. {said}}}"
    yield r"\centering\small"
    yield rf"\begin{{tabular}}{{{'lrcr' if told else 'lr'}}}"
    yield r"\toprule"
    yield rf"Loss & {r'Difference & $+$ / $=$ / $-$ & ' if told else ''}Mean rank \\"
    yield r"\midrule"
    for row in sorted(summary["losses"], key=lambda row: row["mean_rank"]):
        cells = [escaped(row["loss"])]
        if told and row["difference"] is None:
            cells += ["--", "--"]
        elif told:
            low, high = (100 * value for value in row["difference"]["ci95"])
            cells.append(f"${100 * row['difference']['mean']:+.2f}$ $[{low:.2f}, {high:.2f}]$")
            cells.append(f"{row['band']['+']} / {row['band']['=']} / {row['band']['-']}")
        yield " & ".join([*cells, f"{row['mean_rank']:.2f}"]) + r" \\"
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\end{table}"
