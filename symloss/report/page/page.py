"""A run as one HTML file that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import UndefinedError

from symloss.errors import SymlossError
from symloss.files import write_atomic
from symloss.report.curves import plots_of
from symloss.report.loss import property_value
from symloss.report.page import figures
from symloss.report.page.benchmark import benchmark_folder, read_benchmark, save_benchmark_page
from symloss.report.page.facts import Shown, class_count, pool, shown
from symloss.report.page.lineage import SHORT, lineage, lineage_figure
from symloss.report.page.rendering import render
from symloss.report.page.repeat import GRAMMAR_FILE, grammar_text, repeat
from symloss.report.page.words import answer, gain_words, on_task, question
from symloss.report.tables import ENDS, percent
from symloss.store import DATABASE_FILE, History, origin_of, read_history, read_result
from symloss.symbolic import properties
from symloss.tasks import METRICS

#: What the page is called in a run's directory.
PAGE_FILE = "report.html"

#: What code raises on a result that has not the shape of one.
_UNSHAPED = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError)

#: Classes for properties that depend on their number, where a run does not say it.
_CLASSES = 10


def save_page(run: str | Path, file: Path | None = None) -> Path:
    """Write the page of a finished run, of a search or a benchmark, and return where it is.

    Args:
        run: its directory, or its name below ``runs/``.
        file: where to; by default ``report.html`` in the run's directory.

    Raises:
        SymlossError: no such run, it has not ended, it is damaged, or the file cannot be written.
    """
    folder = benchmark_folder(run)
    if folder is not None:
        return save_benchmark_page(read_benchmark(folder), folder / PAGE_FILE if file is None else file)
    path, result = read_result(run)
    target = path / PAGE_FILE if file is None else file
    try:
        text = page(path, result).encode("utf-8")
    except SymlossError:
        raise
    except (*_UNSHAPED, UndefinedError) as error:
        raise SymlossError(
            f"the run {path} cannot be shown: {type(error).__name__}: {str(error)[:200]}; "
            "it is damaged or of another version of symloss"
        ) from error
    write_atomic(target, text)
    return target


def page(path: Path, result: Mapping[str, Any]) -> str:
    """Return the page of a finished run as HTML.

    Args:
        path: the run's directory.
        result: what :func:`symloss.store.read_result` returns of it.

    Raises:
        SymlossError: the run's files are damaged.
    """
    config = _config(result)
    result = dict(result) | {"config": config}
    history = read_history(path / DATABASE_FILE)
    tasks = config["tasks"]
    origin = origin_of(path.resolve(), result)
    found = [shown(row, origin | row) for row in result["hall_of_fame"]]
    others = [shown(row) for row in (*result["control"], *result["baselines"])]
    classes = class_count((*result["hall_of_fame"], *result["control"], *result["baselines"]))
    command, unset = repeat(config)
    return render(
        "page.html",
        name=path.resolve().name,
        question=question(config),
        answers=[(f"{task['dataset']}, {task['model']}", answer(result, number)) for number, task in enumerate(tasks)],
        found=found,
        first=found[0] if found else None,
        tables=[_table(found, others, number, task) for number, task in enumerate(tasks)],
        sources=pool({str(one.row["rank"]): one.source for one in found}),
        search=_search_part(result, found, history),
        curves=_curves(found, classes),
        properties=_properties(found, classes or _CLASSES, config["grammar"]["loss"]["class_reduction"]),
        lineage=_lineage(found, history),
        counts=result["counts"],
        control_counts=result["control_counts"],
        noise=result["noise"],
        ended=ENDS[result["stopped"]],
        seconds=result["seconds"],
        config=config,
        command=command,
        unset=unset,
        grammar_file=GRAMMAR_FILE,
        grammar=grammar_text(config),
        settings=json.dumps({"tasks": tasks, "search": config["search"]}, indent=1),
        short=SHORT,
    )


def _config(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration; runs of before there were several tasks have one."""
    config = dict(result["config"])
    if "tasks" not in config:
        config["tasks"] = [config["task"]]
    config["tasks"] = [{"metrics": ["accuracy"]} | task for task in config["tasks"]]
    return config


def _table(found: list[Shown], others: list[Shown], number: int, task: Mapping[str, Any]) -> dict[str, Any]:
    """Return one task's part of the final comparison."""
    rows = []
    for place, one in enumerate((*found, *others)):
        row = on_task(one.row, number)
        metrics = row.get("metrics", {})
        rows.append(
            {
                "loss": one,
                "found": place < len(found),
                "validation": f"{100 * row['validation']['mean']:.2f}",
                "test": percent(row["test"]),
                "gain": gain_words(row).split(", p") if row["gain"] else ["baseline"],
                "more": [percent(metrics[name]["test"]) for name in task["metrics"][1:]],
            }
        )
    metric = task["metrics"][0]
    audit = [on_task(one.row, number) for one in (*found, *others)]
    return {
        "task": f"{task['dataset']}, {task['model']}",
        "metric": metric,
        "more": task["metrics"][1:],
        "lower": not METRICS[metric].higher_is_better,
        "n": audit[-1]["test"]["n"],
        "rows": rows,
        "figure": figures.seeds_figure(audit, ["found"] * len(found) + ["second"] * len(others), metric),
    }


def _search_part(result: Mapping[str, Any], found: list[Shown], history: History | None) -> dict[str, Any]:
    """Return the figures of the search."""
    drawn: dict[str, Any] = {
        "front": None,
        "progress": None,
        "funnel": figures.funnel_figure(result["counts"], history),
    }
    drawn["seeds"] = {} if history is None else history.seeds
    drawn["last"] = None if history is None else figures.last_rung(history)
    if history is not None:
        ranks = {one.row["candidate"]["id"]: one.row["rank"] for one in found if "candidate" in one.row}
        baselines = {row["id"]: row["loss"] for row in result["baselines"]}
        higher = METRICS[result["config"]["tasks"][0]["metrics"][0]].higher_is_better
        drawn["front"] = figures.front_figure(history, ranks, baselines, higher)
        drawn["progress"] = figures.progress_figure(history, baselines, higher)
    return drawn


def _curves(found: list[Shown], classes: int | None) -> dict[str, Any]:
    """Return the figures of the first-ranked loss's curves."""
    drawn: dict[str, Any] = {"loss": None, "gradient": None, "classes": classes}
    if found and found[0].formula is not None:
        formula = found[0].formula
        drawn["loss"] = figures.curve_figure(plots_of(formula)[0], "the loss L(p, 1) and L(p, 0) against p")
        if classes is not None:
            drawn["gradient"] = figures.gradient_figure(formula, classes, found[0].row["scale"])
    return drawn


def _properties(found: list[Shown], classes: int, reduction: str) -> list[tuple[str, str, str, str]]:
    """Return name, value, basis and reason of the first-ranked loss's properties."""
    if not found or found[0].formula is None:
        return []
    known = properties(found[0].formula, classes, reduction)
    return [
        (
            name.replace("_", " "),
            property_value(one.value),
            "" if one.value == "unknown" else "proven" if one.exact else "measured",
            one.note,
        )
        for name, one in known.items()
    ]


def _lineage(found: list[Shown], history: History | None) -> dict[str, Any]:
    if not found or history is None or "candidate" not in found[0].row:
        return {"ancestors": [], "figure": None}
    ancestors = lineage(history, found[0].row["candidate"]["id"])
    return {"ancestors": ancestors, "figure": lineage_figure(ancestors) if len(ancestors) > 1 else None}
