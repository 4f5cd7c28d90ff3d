"""`symloss evolve`: search a grammar for losses."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symloss.cli.output import check_writable, console_for, task_config, whole_number, write_json
from symloss.errors import SymlossError

if TYPE_CHECKING:
    from rich.console import Console

    from symloss.search import Candidate
    from symloss.store import Run


def command(
    context: typer.Context,
    grammar: Annotated[
        str | None, typer.Argument(help="A grammar's YAML file, or the name of a shipped one such as 'default'.")
    ] = None,
    dataset: Annotated[str, typer.Option(help="What to train on; see 'symloss datasets'.")] = "digits",
    model: Annotated[str, typer.Option(help="The network; see 'symloss models'.")] = "mlp",
    budget: Annotated[int, typer.Option(parser=whole_number, metavar="N", help="How many candidates to train.")] = 1280,
    seed: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="The run's seed: same seed, same result.")
    ] = 0,
    steps: Annotated[
        int | None,
        typer.Option(
            parser=whole_number, metavar="N", help="Training steps at full budget; the task's own by default."
        ),
    ] = None,
    label_noise: Annotated[
        float, typer.Option(help="The probability in [0, 1) that a training label is replaced by another class.")
    ] = 0.0,
    baselines: Annotated[
        str, typer.Option(help="Known losses to compare with, such as 'ce,mae,focal(gamma=1)'; ce must be first.")
    ] = "ce,ngl,focal",
    seeds: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="Fresh seeds of the final comparison.")
    ] = 20,
    run_dir: Annotated[Path | None, typer.Option(help="Where to keep the run; by default below runs/.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with a run that was stopped.")] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write the result there; - for standard output.")
    ] = None,
) -> None:
    """Search a grammar for loss functions, and compare the best with known ones."""
    check_writable(json_file)
    started = time.monotonic()
    if resume is None and grammar is None:
        raise SymlossError("name a grammar, such as: symloss evolve default; or go on with a run: --resume RUN")
    if resume is not None:
        _check_resumed(context)

    console = console_for(json_file)
    with console.status("starting (importing torch)"):
        run = (
            _open(resume)
            if resume is not None
            else _create(str(grammar), dataset, model, budget, seed, steps, label_noise, baselines, seeds, run_dir)
        )
    from symloss.report import stopped_summary

    try:
        result = run.result()
        if result is None:
            result = _search(run, console, started)
        _show(result, console)
        write_json(json_file, result)
    except KeyboardInterrupt as stop:
        front = stop.front if isinstance(stop, _Stopped) else []
        for part in stopped_summary(front, str(run.path)):
            console.print(part, soft_wrap=True)
        raise
    finally:
        run.close()


def _check_resumed(context: typer.Context) -> None:
    """Refuse options beside --resume: a run's settings decide its result, so they are the run's own.

    Raises:
        SymlossError: one was given.
    """
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in ("resume", "json_file") and source is not None and source.name == "COMMANDLINE":
            option = "the grammar" if name == "grammar" else f"--{name.replace('_', '-')}"
            raise SymlossError(f"--resume takes every setting from the run; leave {option} out, or start a new run")


class _Stopped(KeyboardInterrupt):
    """Ctrl-C in the middle of a search, with the front that it had reached."""

    def __init__(self, front: list[Candidate]) -> None:
        super().__init__()
        self.front = front


def _open(path: Path) -> Run:
    from symloss.store import Run

    return Run.open(path)


def _create(
    grammar: str,
    dataset: str,
    model: str,
    budget: int,
    seed: int,
    steps: int | None,
    label_noise: float,
    baselines: str,
    seeds: int,
    run_dir: Path | None,
) -> Run:
    from symloss.codegen.gradients import scale_of
    from symloss.grammar import load_grammar
    from symloss.losses import find, split_names, title
    from symloss.search import SearchConfig
    from symloss.store import Run, default_run_dir
    from symloss.tasks import DATASETS

    loaded = load_grammar(grammar)
    task = task_config(dataset, model, steps, label_noise)
    known = {title(loss): loss for loss in map(find, split_names(baselines))}
    config = SearchConfig(seed=seed, budget=budget, baselines=tuple(known), audit_seeds=seeds)
    for loss in known.values():
        scale_of(loss, DATASETS[task.dataset].classes)  # refuses a loss that cannot be compared
    return Run.create(run_dir or default_run_dir(loaded.name, dataset), loaded, task, config)


def _search(run: Run, console: Console, started: float) -> dict[str, Any]:
    from symloss.report import LiveView
    from symloss.search import SCREENS, Search, audit
    from symloss.tasks import load_task

    task = load_task(run.task)
    with LiveView(console) as view:
        search = Search(run.grammar, task, run.search, run.database, view)
        try:
            found = search.run()
            progress = search.progress
            progress.phase = "comparison"
            before = progress.work_done

            def tick(done: int, total: int) -> None:
                progress.work_done = before + done * run.task.steps
                view(progress)

            view(progress)
            compared = audit(found.hall_of_fame, task, run.search, tick)
        except KeyboardInterrupt:
            front = search.front()
            raise _Stopped(front) from None
    rows = []
    for discovery, row in zip(compared.discoveries, compared.rows, strict=True):
        candidate = discovery.candidate
        rows.append(
            {"rank": discovery.rank}
            | row.to_json()
            | {
                "search_validation": discovery.search_validation,
                "candidate": {
                    "id": candidate.id,
                    "expression": candidate.expression,
                    "generation": candidate.generation,
                    "origin": candidate.origin,
                    "parents": list(candidate.parents),
                },
            }
        )
    result = {
        "run": str(run.path),
        "config": run.config(),
        "counts": {
            "drawn": found.drawn,
            "duplicates": found.rejected["duplicate"],
            "rejected": {name: found.rejected[name] for name in SCREENS},
            "trained": len(found.candidates),
        },
        "seconds": round(time.monotonic() - started, 1),
        "hall_of_fame": rows,
        "baselines": [row.to_json() for row in compared.baselines],
    }
    run.finish(result)
    return result


def _show(result: dict[str, Any], console: Console) -> None:
    from symloss.report import evolve_summary

    for part in evolve_summary(result):
        console.print(part, soft_wrap=False)
