"""A benchmark's tables for the terminal: one of scores for each task, a summary over tasks, and the formulas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from symloss.benchmark.trainers import LESS_IS_BETTER, NO_FRACTION
from symloss.report.tables import Row, formula_table, gain_text, p_text, unit


def scored(score: Mapping[str, Any], metric: str, interval: bool = True) -> str:
    """Return ``98.20 [98.05, 98.35]`` from a score's JSON."""
    factor, _ = unit(metric)
    mean = f"{factor * score['mean']:.2f}"
    if not interval or not score.get("ci95"):
        return mean
    low, high = score["ci95"]
    return f"{mean} [{factor * low:.2f}, {factor * high:.2f}]"


def published_text(published: Mapping[str, Any] | None, metric: str) -> str:
    """Return ``95.1 ± 0.2`` from a published score's JSON; empty where there is none."""
    if not published:
        return ""
    factor, _ = unit(metric)
    mean = f"{factor * published['mean']:.2f}".rstrip("0").rstrip(".")
    return mean if published["std"] is None else f"{mean} ± {factor * published['std']:.2g}"


def tasks_of(result: Mapping[str, Any]) -> list[tuple[str, list[Row]]]:
    """Return each task's title and rows, from a benchmark's JSON."""
    found: dict[str, list[Row]] = {}
    for row in result["results"]:
        found.setdefault(row.get("task") or f"{row['dataset']}, {row['model']}", []).append(row)
    return list(found.items())


def benchmark_tables(result: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Yield the tables of a benchmark's JSON."""
    tasks = tasks_of(result)
    config = result.get("config", {})
    for title, rows in tasks:
        yield _task_table(title, rows, config)
        more = list(rows[0].get("metrics", {}))
        if more:
            yield _metric_table(more, rows)
        if rows[0].get("epochs"):
            yield _epoch_table(rows)
        yield from _notes(rows)
    if result.get("summary"):
        yield from _summary(result["summary"], str(config.get("baseline", "ce")))
    if result.get("published"):
        yield Text(f"published: {result['published']}", style="dim")
    yield formula_table(tasks[-1][1])
    yield Text(_legend(config, [row for _, rows in tasks for row in rows]), style="dim")


def _task_table(title: str, rows: Sequence[Row], config: Mapping[str, Any]) -> Table:
    metric = rows[0]["metric"]
    _, sign = unit(metric)
    title = f"{title}: {metric} over {rows[0]['test']['n']} seeds"
    if rows[0].get("epochs"):
        title += f", {config.get('select', 'best')} epoch"
    if metric in LESS_IS_BETTER:
        title += "; less is better"
    swept = any((row.get("lr") or {}).get("tried") for row in rows)
    published = any(row.get("published") for row in rows)
    banded = any(row.get("band") for row in rows)
    tight = swept or published  # so many columns do not fit 80 characters otherwise
    table = Table(
        title=title, title_justify="left", header_style="bold", pad_edge=False, padding=(0, 0 if tight else 1)
    )
    table.add_column("loss", overflow="fold", min_width=10)
    if swept:
        table.add_column("lr", justify="right", no_wrap=True)
    table.add_column(f"valid.{sign}", justify="right")
    table.add_column(f"test{sign} [95 %]", justify="right", no_wrap=True)
    table.add_column("gain", justify="right", no_wrap=True)
    if banded:
        table.add_column("±", justify="center", no_wrap=True)
    table.add_column("p (Holm)", justify="right", no_wrap=True)
    if published:
        table.add_column("published", justify="right", no_wrap=True)
    for row in rows:
        cells: list[str | Text] = [row["loss"]]
        if swept:
            cells.append(_rate(row["lr"]))
        cells += [scored(row["validation"], metric, interval=False), scored(row["test"], metric)]
        cells.append(gain_text(row, metric))
        if banded:
            cells.append(row.get("band") or "")
        cells.append(p_text(row))
        if published:
            cells.append(published_text(row.get("published"), metric))
        table.add_row(*cells)
    return table


def _metric_table(metrics: Sequence[str], rows: Sequence[Row]) -> Table:
    table = Table(header_style="bold", pad_edge=False)
    table.add_column("loss", overflow="fold", min_width=10)
    for metric in metrics:
        table.add_column(f"{metric}, test{unit(metric)[1]} [95 %]", justify="right")
    for row in rows:
        table.add_row(row["loss"], *(scored(row["metrics"][metric]["test"], metric) for metric in metrics))
    return table


def _rate(rate: Mapping[str, Any]) -> str:
    return f"{rate['chosen']:g}{'*' if rate['edge'] else ''}"


def _epoch_table(rows: Sequence[Row]) -> Table:
    """Return the test scores at the best epoch by validation and at the last, side by side."""
    metric = rows[0]["metric"]
    _, sign = unit(metric)
    title = f"test{sign} [95 %] at the best epoch by validation, and at the last"
    table = Table(title=title, title_justify="left", header_style="bold", pad_edge=False)
    table.add_column("loss", overflow="fold", min_width=10)
    for epoch in ("best", "last"):
        table.add_column(f"{epoch} epoch", justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row["loss"], *(scored(row["epochs"][epoch]["test"], metric) for epoch in ("best", "last")))
    return table


def _notes(rows: Sequence[Row]) -> Iterator[Text]:
    diverged = [f"{row['loss']} ({row['diverged']})" for row in rows if row.get("diverged")]
    if diverged:
        yield Text(f"diverged, seeds: {', '.join(diverged)}", style="yellow")
    if any((row.get("lr") or {}).get("edge") for row in rows):
        yield Text("* the smallest or largest rate of the sweep: a better one may lie beyond", style="dim")


def _summary(summary: Mapping[str, Any], baseline: str) -> Iterator[RenderableType]:
    told = any(row["difference"] for row in summary["losses"])
    differences = f"{difference_text(summary, baseline)}, and " if told else ""
    title = f"Over {summary['datasets']} tasks: {differences}mean rank"
    table = Table(title=title, title_justify="left", header_style="bold", pad_edge=False)
    table.add_column("loss", overflow="fold", min_width=10)
    if told:
        table.add_column("difference [95 %]", justify="right", no_wrap=True)
        table.add_column("+ = -", justify="right", no_wrap=True)
    table.add_column("beyond noise", justify="right")
    table.add_column("mean rank", justify="right")
    for row in sorted(summary["losses"], key=lambda row: row["mean_rank"]):
        cells: list[str | Text] = []
        if told and row["difference"]:
            band = row["band"]
            sign = "+" if row["difference"]["mean"] > 0 else ""
            cells += [sign + scored(row["difference"], "difference"), f"{band['+']} {band['=']} {band['-']}"]
        elif told:
            cells += [Text("baseline", style="dim"), ""]
        beyond = row["significant"]
        cells.append(f"{beyond['better']} better, {beyond['worse']} worse" if beyond else "")
        table.add_row(row["loss"], *cells, f"{row['mean_rank']:.2f}")
    yield table
    yield Text(ranking_text(summary), style="dim")


def difference_text(summary: Mapping[str, Any], baseline: str) -> str:
    """Return what the differences of a summary over tasks are."""
    turned = f" of {summary['metric']}, more is better" if summary.get("metric") in LESS_IS_BETTER else ""
    return f"mean difference to {baseline} in points{turned}"


def ranking_text(summary: Mapping[str, Any]) -> str:
    """Return what Friedman's and Nemenyi's tests say, as one line."""
    test, nemenyi = summary["friedman"], summary["nemenyi"]
    if test is None:
        return "Friedman's test takes at least 3 losses and 2 tasks."
    # Results of earlier versions have a p of 0 beside an infinite F.
    davenport = "" if test["f"] is None else f"; Iman-Davenport F {test['f']:.3g}, p {test['f_p']:.3g}"
    alike = "; ".join(", ".join(group) for group in nemenyi["groups"]) or "none"
    return (
        f"Friedman chi-squared {test['statistic']:.3g}, p {test['p']:.3g}{davenport}. "
        f"Nemenyi's critical difference of mean ranks at {100 * nemenyi['alpha']:g} %: {nemenyi['cd']:.2f}; not told "
        f"apart: {alike}."
    )


def _legend(config: Mapping[str, Any], rows: Sequence[Row]) -> str:
    baseline, band = config.get("baseline", "ce"), config.get("band", 0.5)
    plain = sorted({row["metric"] for row in rows} & NO_FRACTION)
    points = ", in points" if len(plain) < len({row["metric"] for row in rows}) else ""
    points += f", of {' and '.join(plain)} in its own unit" if plain else ""
    text = (
        "Same seeds, splits, steps and gradient norm at uniform p for every loss. gain: paired difference in the test "
        f"score to {baseline}{points}; p: paired t-test, Holm-corrected over the table"
    )
    banded = any(row.get("band") for row in rows)
    text += f"; ±: = within {band:g} points of {baseline}, + better, - worse." if banded else "."
    sweep = config.get("sweep")
    if sweep:
        rates = ", ".join(f"{lr:g}" for lr in sweep["lr"])
        n = sweep["seeds"]
        text += (
            f" lr: of {rates}, the best for each loss by validation over {n} other seed{'s' if n > 1 else ''}, the "
            "same rates for all."
        )
    return text
