"""A benchmark as one HTML file that needs nothing else."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import UndefinedError

from symloss.benchmark.trainers import LESS_IS_BETTER, NO_FRACTION
from symloss.errors import SymlossError
from symloss.files import write_atomic
from symloss.report.benchmark import difference_text, published_text, ranking_text, scored, tasks_of
from symloss.report.page import figures
from symloss.report.page.benchmark_figures import ranks_figure
from symloss.report.page.benchmark_repeat import CONFIG_FILE, config_text
from symloss.report.page.benchmark_words import answer, gain_words, question, verdict
from symloss.report.page.facts import Shown, shown
from symloss.report.page.rendering import render
from symloss.report.tables import unit

Row = Mapping[str, Any]

#: What a finished benchmark leaves in its directory.
RESULT_FILE = "result.json"
_CELLS = "cells"
#: How a loss is drawn by what is said of it.
_STYLES = {"better": "found", "worse": "worse", "baseline": "second", "noise": "plain", "unknown": "plain"}


def benchmark_folder(run: str | Path) -> Path | None:
    """Return the directory of a finished benchmark, given it or its name below ``runs/``; None if it is no benchmark.

    Raises:
        SymlossError: the benchmark has not ended.
    """
    for folder in (Path(run), Path("runs") / run):
        if (folder / RESULT_FILE).is_file():
            return folder
        if (folder / _CELLS).is_dir():
            raise SymlossError(f"the benchmark {folder} has not ended; the command that started it goes on with it")
    return None


def read_benchmark(folder: Path) -> dict[str, Any]:
    """Return what a benchmark left in its directory.

    Raises:
        SymlossError: the file cannot be read or is damaged.
    """
    file = folder / RESULT_FILE
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SymlossError(f"cannot read {file}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise SymlossError(f"{file} is damaged: {error}; the same benchmark again writes it anew") from None
    if not isinstance(result, dict):
        raise SymlossError(f"{file} is damaged: it holds no result; the same benchmark again writes it anew")
    return result


def save_benchmark_page(result: Mapping[str, Any], file: Path) -> Path:
    """Write the page of a benchmark and return where it is.

    Args:
        result: a benchmark's JSON, as its directory has it in ``result.json``.
        file: where to.

    Raises:
        SymlossError: the result is damaged or of another version, or the file cannot be written.
    """
    try:
        text = benchmark_page(result)
    except (LookupError, TypeError, AttributeError, ValueError, UndefinedError) as error:
        if isinstance(error, SymlossError):
            raise
        raise SymlossError(
            f"the benchmark cannot be shown: {type(error).__name__}: {error}; "
            f"its {RESULT_FILE} is damaged or of another version of symloss"
        ) from error
    write_atomic(file, text)
    return file


def benchmark_page(result: Mapping[str, Any]) -> str:
    """Return the page of a benchmark's JSON."""
    config, environment = result["config"], result["environment"]
    tasks = tasks_of(result)
    losses = {row["loss"]: shown(row) for _, rows in tasks for row in rows}
    command = ["symloss", "benchmark", "--config", CONFIG_FILE, "--device", str(environment["device"])]
    return render(
        "benchmark.html",
        name=_name(config, tasks),
        description=config["description"],
        question=question(result),
        answer=answer(result, tasks),
        baseline=config["baseline"],
        band=config["band"],
        losses=list(losses.values()),
        tables=[_table(title, rows, losses, config) for title, rows in tasks],
        summary=_summary(result),
        sweeps=_sweeps(tasks),
        published=result["published"],
        seeds=config["seeds"],
        sweep=config["sweep"],
        select=config["select"],
        cells=result["cells"],
        environment=environment,
        command=shlex.join(command),
        config_file=CONFIG_FILE,
        config_text=config_text(result),
        settings=json.dumps(config, indent=1),
        sources={"lines": [], "texts": {}},
    )


def _name(config: Mapping[str, Any], tasks: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """Return a title; what the command line asked for has no name of its own."""
    if config["name"] != "command-line":
        return str(config["name"])
    names = list(config["losses"])
    listed = ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"
    return f"{listed} on {tasks[0][0] if len(tasks) == 1 else f'{len(tasks)} tasks'}"


def _table(title: str, rows: Sequence[Row], losses: Mapping[str, Shown], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return one task's part."""
    metric = rows[0]["metric"]
    more = list(rows[0]["metrics"])
    epochs = [row["epochs"] for row in rows if row["epochs"]]
    return {
        "title": title,
        "metric": metric,
        "unit": unit(metric)[1],
        "lower": metric in LESS_IS_BETTER,
        "n": rows[0]["test"]["n"],
        "more": [f"{name}{',' if unit(name)[1] else ''}{unit(name)[1]}" for name in more],
        "swept": any(row["lr"]["tried"] for row in rows),
        "banded": any(row["band"] for row in rows),
        "published": any(row["published"] for row in rows),
        "epochs": bool(epochs),
        "edge": any(row["lr"]["edge"] for row in rows),
        "diverged": [f"{row['loss']} ({row['diverged']})" for row in rows if row["diverged"]],
        "rows": [
            {
                "loss": losses[row["loss"]],
                "verdict": verdict(row),
                "lr": f"{row['lr']['chosen']:g}{'*' * row['lr']['edge']}",
                "validation": scored(row["validation"], metric, interval=False),
                "test": scored(row["test"], metric),
                "more": [scored(row["metrics"][name]["test"], name) for name in more],
                "last": [scored(row["epochs"][name]["test"], metric) for name in ("best", "last")] if epochs else [],
                "gain": gain_words(row),
                "band": row["band"] or "",
                "published": published_text(row["published"], metric),
            }
            for row in rows
        ],
        "figure": figures.seeds_figure(
            rows,
            [_STYLES[verdict(row)] for row in rows],
            metric,
            band=0.0 if metric in NO_FRACTION else config["band"],
        ),
    }


def _summary(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what holds over tasks; None where there is one."""
    summary = result["summary"]
    if not summary:
        return None
    rows = sorted(summary["losses"], key=lambda row: row["mean_rank"])
    return {
        "tasks": summary["datasets"],
        "told": any(row["difference"] for row in rows),
        "what": difference_text(summary, result["config"]["baseline"]),
        "rows": [
            {
                "loss": row["loss"],
                "rank": f"{row['mean_rank']:.2f}",
                "difference": _signed(row["difference"]) if row["difference"] else "",
                "band": " ".join(str(row["band"][sign]) for sign in "+=-") if row["band"] else "",
                "significant": row["significant"],
            }
            for row in rows
        ],
        "text": ranking_text(summary),
        "figure": ranks_figure(summary),
    }


def _signed(difference: Mapping[str, Any]) -> str:
    sign = "+" if difference["mean"] > 0 else ""
    return sign + scored(difference, "difference")


def _sweeps(tasks: Sequence[tuple[str, Sequence[Row]]]) -> list[dict[str, Any]]:
    """Return, for each task with a sweep, every loss's validation score at each rate."""
    found = []
    for title, rows in tasks:
        rates = [one["lr"] for one in rows[0]["lr"]["tried"]]
        if rates:
            cells = [
                (
                    row["loss"],
                    [
                        (scored(one["validation"], row["metric"], interval=False), one["lr"] == row["lr"]["chosen"])
                        for one in row["lr"]["tried"]
                    ],
                )
                for row in rows
            ]
            found.append({"title": title, "rates": [f"{rate:g}" for rate in rates], "rows": cells})
    return found
