"""A benchmark's question and answer as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symloss.benchmark.trainers import LESS_IS_BETTER
from symloss.report.page.words import LEVEL, Answer, task_words
from symloss.report.tables import p_text, unit

Row = Mapping[str, Any]
#: With fewer seeds only large differences show.
_FEW = 5


def verdict(row: Row) -> str:
    """Return ``"better"`` or ``"worse"`` than the baseline where noise does not explain it, else ``"noise"``.

    ``"baseline"`` for the baseline itself, and ``"unknown"`` where there is no p-value.
    """
    gain = row.get("gain")
    if not gain:
        return "baseline"
    if gain.get("p_holm") is None:
        return "unknown"
    if gain["p_holm"] >= LEVEL or not gain["mean"]:
        return "noise"
    return "better" if (gain["mean"] > 0) == (row["metric"] not in LESS_IS_BETTER) else "worse"


def gain_words(row: Row) -> list[str]:
    """Return a row's gain with its interval, and its p-value, each if there is one; ``["baseline"]`` for the baseline.

    The gain is in points, or in the metric's own unit where that is no fraction of 1.
    """
    gain = row.get("gain")
    if not gain:
        return ["baseline"]
    factor, _ = unit(row["metric"])
    text = f"{factor * gain['mean']:+.2f}"
    if gain.get("ci95"):
        text += " [{:+.2f}, {:+.2f}]".format(*(factor * end for end in gain["ci95"]))
    p = p_text(row)
    return [text, p] if p else [text]


def question(result: Mapping[str, Any]) -> tuple[str, list[str], str]:
    """Return what a benchmark asks: the comparison, its tasks if there are several, and how rates were chosen."""
    config = result["config"]
    tasks = config["tasks"]
    others = [name for name in config["losses"] if name != config["baseline"]]
    metrics = list(dict.fromkeys(task["metrics"][0] for task in tasks))
    asked = f"Does {_either(others)} train better than {config['baseline']}, by test {' or '.join(metrics)}"
    asked += f" over {config['seeds']} seeds that all losses share"
    sweep, rates = config.get("sweep"), ""
    if sweep:
        tasks = [{name: value for name, value in task.items() if name != "lr"} for task in tasks]
        rates = (
            f"Each loss has the learning rate, of {', '.join(f'{lr:g}' for lr in sweep['lr'])}, that is best by its "
            f"own validation scores over {sweep['seeds']} seed{'s' * (sweep['seeds'] > 1)} which no table has."
        )
    if len(tasks) > 1:
        return f"{asked}, on {len(tasks)} tasks?", [f"{task['task']}: {_task(task)}" for task in tasks], rates
    return f"{asked}, for {_task(tasks[0])}?", [], rates


def answer(result: Mapping[str, Any], tasks: Sequence[tuple[str, Sequence[Row]]]) -> Answer:
    """Return which losses beat the baseline where, beyond noise, and which do not.

    Args:
        result: a benchmark's JSON.
        tasks: its titles and rows.
    """
    config = result["config"]
    found: dict[str, dict[str, list[tuple[str, Row]]]] = {"better": {}, "worse": {}, "noise": {}, "unknown": {}}
    for title, rows in tasks:
        for row in rows:
            if row.get("gain"):
                found[verdict(row)].setdefault(row["loss"], []).append((title, row))
    one = len(tasks) == 1
    base, seeds = config["baseline"], config["seeds"]
    parts = []
    if found["better"]:
        parts.append(f"Better than {base} beyond noise: {_listed(found['better'], one, len(tasks))}.")
    elif not found["unknown"]:
        parts.append(f"No loss is better than {base} beyond noise{'' if one else ' on any task'}.")
    if found["worse"]:
        parts.append(f"Worse: {_listed(found['worse'], one, len(tasks))}.")
    if found["noise"] and one:
        parts.append(f"Within noise of it: {_listed(found['noise'], one, 1)}.")
    if found["unknown"]:
        parts.append(f"Without a p-value, as all seeds differ by the same: {', '.join(found['unknown'])}.")
    tested = f"Paired t-tests over {seeds} seeds at 5 %, Holm-corrected over the losses of a task"
    parts.append(f"{tested}{'' if one else ', not over tasks'}.")
    if result.get("summary") and result["summary"]["friedman"]:
        parts.append(_ranked(result["summary"]))
    if seeds < _FEW:
        parts.append(f"With {seeds} seeds only large differences show.")
    if config.get("smoke"):
        parts.append("This is the configuration's small version: its scores do not answer the question.")
    kind = "better" if found["better"] else "unknown" if found["unknown"] else "noise" if found["noise"] else "worse"
    return Answer(kind, " ".join(parts))


def _ranked(summary: Mapping[str, Any]) -> str:
    """Return what the mean ranks say."""
    p = summary["friedman"]["p"]
    tested = f"Friedman's test, p {'< 1e-4' if p < 1e-4 else f'= {p:.2g}'}"
    if p >= LEVEL:
        return f"By mean rank over the tasks the losses are not told apart ({tested})."
    first = min(summary["losses"], key=lambda row: float(row["mean_rank"]))["loss"]
    groups = [group for group in summary["nemenyi"]["groups"] if first in group]
    alike = ", ".join(name for name in groups[0] if name != first) if groups else ""
    told = f"not told apart from it: {alike}" if alike else "told apart from all others"
    return f"By mean rank over the tasks {first} is first ({tested}), {told}."


def _listed(losses: Mapping[str, Sequence[tuple[str, Row]]], one: bool, tasks: int) -> str:
    """Return the losses of one verdict: with their gains for one task, and else with where."""
    if one:
        return ", ".join(f"{name} ({_gain(places[0][1])})" for name, places in losses.items())
    return ", ".join(f"{name} ({_where(places, tasks)})" for name, places in losses.items())


def _gain(row: Row) -> str:
    factor, sign = unit(row["metric"])
    return f"{factor * row['gain']['mean']:+.2f}{' points' if sign else ''}"


def _where(places: Sequence[tuple[str, Row]], tasks: int) -> str:
    if len(places) == tasks:
        return f"on all {tasks} tasks"
    if len(places) > 2:
        return f"on {len(places)} of {tasks} tasks"
    return "on " + " and ".join(f"{title}, {_gain(row)}" for title, row in places)


def _either(names: Sequence[str]) -> str:
    shown = [f"“{name}”" if " " in name or "*" in name else name for name in names]
    if len(shown) == 1:
        return shown[0]
    if len(shown) > 8:
        return f"any of {len(shown)} losses"
    return f"any of the losses {', '.join(shown[:-1])} and {shown[-1]}"


def _task(task: Mapping[str, Any]) -> str:
    """Return a task as a phrase."""
    if task.get("trainer", "population") == "population":
        return task_words({"noise": "symmetric"} | dict(task))
    epochs = f" for {task['epochs']} epochs" if "epochs" in task else ""
    condition = f", {task['condition']}" if task.get("condition") else ""
    return f"the network {task['model']} on {task['dataset']}, trained at full size{epochs}{condition}"
