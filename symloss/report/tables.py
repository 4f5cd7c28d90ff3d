"""Results as tables for the terminal. They are built from the JSON that is also what programs read."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from symloss.benchmark.trainers import LESS_IS_BETTER, NO_FRACTION
from symloss.formula import to_text
from symloss.search import Candidate
from symloss.symbolic import simplify
from symloss.tasks import METRICS

Row = Mapping[str, Any]


def unit(metric: str) -> tuple[float, str]:
    """Return what a metric is multiplied with to be shown, and the sign behind it: percent, or nothing."""
    return (1.0, "") if metric in NO_FRACTION else (100.0, " %")


def percent(score: Mapping[str, Any]) -> str:
    """Return ``98.20 [98.05, 98.35]`` from a score's JSON, in percent."""
    mean = f"{100 * score['mean']:.2f}"
    if not score.get("ci95"):
        return mean
    low, high = score["ci95"]
    return f"{mean} [{100 * low:.2f}, {100 * high:.2f}]"


def gain_text(row: Row, metric: str = "accuracy") -> Text:
    """Return the gain over the baseline in points, or in the metric's own unit where it is no fraction.

    It is green for a better loss where the corrected p-value says so.
    """
    gain = row.get("gain")
    if not gain:
        return Text("baseline", style="dim")
    significant = gain.get("p_holm") is not None and gain["p_holm"] < 0.05
    better = (gain["mean"] > 0) == (metric not in LESS_IS_BETTER)
    style = ("green" if better else "red") if significant else "dim"
    return Text(f"{unit(metric)[0] * gain['mean']:+.2f}", style=style)


def p_text(row: Row) -> str:
    """Return the Holm-corrected p-value."""
    gain = row.get("gain")
    if not gain or gain.get("p_holm") is None:
        return ""
    p = gain["p_holm"]
    return "< 1e-4" if p < 1e-4 else f"{p:.4f}"


def _score_table(title: str, rows: list[Row], metric: str) -> Table:
    if not METRICS[metric].higher_is_better:
        title += "; less is better"
    table = Table(title=title, title_justify="left", header_style="bold", pad_edge=False)
    table.add_column("loss", no_wrap=True)
    table.add_column("size", justify="right")
    table.add_column("validation %", justify="right")
    table.add_column("test % [95 %]", justify="right", no_wrap=True)
    table.add_column("gain", justify="right", no_wrap=True)
    table.add_column("p (Holm)", justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row["loss"],
            str(row["size"]),
            f"{100 * row['validation']['mean']:.2f}",
            percent(row["test"]),
            gain_text(row, metric),
            p_text(row),
        )
    return table


def formula_table(rows: Sequence[Row]) -> Table:
    """Return a table of formulas, their LaTeX and what is proven of their gradients."""
    table = Table(header_style="bold", pad_edge=False, show_lines=False)
    table.add_column("loss", no_wrap=True)
    table.add_column("formula and LaTeX", overflow="fold")
    for row in rows:
        table.add_row(row["loss"], Text(row["expression"]))
        table.add_row("", Text(row["latex"], style="cyan"), end_section="certificate" not in row)
        if "certificate" in row:  # runs of version 0.1.0 have none
            known = row["certificate"]
            text = f"no certificate: {row['loss']} {row['note']}" if known is None else certificate_text(known)
            table.add_row("", Text(text, style="dim"), end_section=True)
    return table


def certificate_text(certificate: Mapping[str, Any]) -> str:
    """Return one line on both response curves: their proven bounds, or what is wrong with them."""
    if all(curve["status"] == "proven" for curve in certificate.values()):
        bounds = " and ".join(f"|{name}| <= {certificate[name]['bound']:.4g}" for name in ("r1", "r0"))
        return f"gradient proven bounded: {bounds}"
    problems = []
    for name, curve in certificate.items():
        if curve["status"] == "refuted":
            problems.append(f"{name}: {curve['witness']['reason']}")
        elif curve["status"] == "unknown":
            low, high = curve["left"]
            problems.append(f"{name}: undecided within [{low:.4g}, {high:.4g}]")
    return f"gradient not proven bounded: {'; '.join(problems)}"


def evolve_summary(result: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield what a finished search shows: formulas, scores, counts, and where everything is."""
    found = result["hall_of_fame"]
    if not found:
        yield Text("No loss passed every screen: widen the grammar or raise the budget.", style="yellow")
    else:
        yield formula_table(found)
    yield from _audit_tables(result)
    yield Text(_counts_text(result["counts"]) + f" {result['seconds']:.0f} s, ended by {ENDS[result['stopped']]}.")
    if result["control_counts"]:
        yield Text(f"Random control: {_counts_text(result['control_counts'])}")
    noise = result["noise"]
    yield Text(
        f"Noise: cross-entropy's validation score has a standard deviation of {100 * noise['std']:.2f} points over "
        f"seeds, so the last rung had {noise['last_seeds']} of them."
    )
    yield Text(
        "Every loss has cross-entropy's gradient norm at uniform p, the same seeds, splits and steps. gain: paired "
        "difference in the test score to ce, in points; p: paired t-test, Holm-corrected over the table. The test set "
        "was read for this table alone; validation images were seen by the search.",
        style="dim",
    )
    run = shlex.quote(result["run"])
    yield Text(f"Saved in {run}")
    lines = [("again", f"symloss evolve --resume {run}")]
    if found:
        lines += [("show", f"symloss show {run}:1"), ("export", f"symloss export {run}:1 --to torch -o my_loss.py")]
    for what, command in lines:
        yield Text(f"  {what:<7} {command}")


#: How a search can end, in words.
ENDS = {
    "budget": "the budget",
    "time": "the time limit",
    "plateau": "a plateau",
    "exhausted": "the grammar, which has no more losses to offer",
}


def _audit_tables(result: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield the final comparison: one table for each task."""
    rows: list[Row] = [*result["hall_of_fame"], *result["control"], *result["baselines"]]
    n = rows[-1]["test"]["n"]
    tasks = result["config"]["tasks"]
    title = "Discovered losses in the search's order, and baselines"
    for number, task in enumerate(tasks):
        what = f"{task['dataset']}, {task['model']}, {task['metrics'][0]}"
        here = [row | row["tasks"][number] for row in rows] if len(tasks) > 1 else rows
        yield _score_table(f"{title}: {what}; {n} fresh seeds", here, task["metrics"][0])
        if len(task["metrics"]) > 1:
            yield _metric_table(task["metrics"][1:], here)


def _metric_table(metrics: Sequence[str], rows: Sequence[Row]) -> Table:
    table = Table(header_style="bold", pad_edge=False)
    table.add_column("loss", no_wrap=True)
    for name in metrics:
        table.add_column(f"{name}, test % [95 %]", justify="right")
    for row in rows:
        table.add_row(row["loss"], *(percent(row["metrics"][name]["test"]) for name in metrics))
    return table


def _counts_text(counts: Mapping[str, Any]) -> str:
    rejected = ", ".join(f"{name} {number:,}" for name, number in counts["rejected"].items() if name != "duplicate")
    return (
        f"{counts['drawn']:,} candidates drawn: {counts['duplicates']:,} duplicates; rejected: {rejected}; "
        f"{counts['trained']:,} trained."
    )


def stopped_summary(front: Sequence[Candidate], run: str) -> Iterator[RenderableType]:
    """Yield what an interrupted search shows: the front so far, by validation accuracy and size, and how to go on."""
    yield Text("Stopped. What was trained is saved.")
    for candidate in front:
        score = f"{100 * candidate.score:6.2f} % validation, {candidate.size:2d} nodes"
        yield Text(f"  {score}  {to_text(simplify(candidate.derivation.formula, use_sympy=False))}")
    yield Text(f"Go on with: symloss evolve --resume {shlex.quote(run)}")
