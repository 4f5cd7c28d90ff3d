"""The library's front door: a whole search in one call."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symloss.benchmark import Row
from symloss.codegen.gradients import scale_of
from symloss.errors import SymlossError
from symloss.fitness import Evaluator, choose_engine
from symloss.fitness.modules import draws_numbers
from symloss.grammar import Grammar, load_grammar
from symloss.losses import find, title
from symloss.runtime import choose_device, make_executor
from symloss.search import (
    SCREENS,
    Audit,
    Candidate,
    Discovery,
    Found,
    MemoryJournal,
    Observer,
    Progress,
    Search,
    SearchConfig,
    audit,
)
from symloss.store import Run, default_run_dir
from symloss.tasks import Task, TaskConfig, load_task

if TYPE_CHECKING:
    from symloss.runtime import Executor


#: How many networks train side by side when engines are compared.
_MEMBERS = 64


class Stopped(KeyboardInterrupt):
    """Ctrl-C in the middle of a search.

    Attributes:
        front: the best so far of each size.
    """

    def __init__(self, front: list[Candidate]) -> None:
        super().__init__()
        self.front = front


def evolve(
    grammar: Grammar | str | Path,
    tasks: TaskConfig | Sequence[TaskConfig] | None = None,
    *,
    run_dir: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    ray: str | None = None,
    executor: Executor | None = None,
    observer: Observer | None = None,
    **settings: Any,
) -> Run:
    """Search a grammar for losses and compare the best with known ones; return the finished run.

    Example:
        >>> run = symloss.evolve("default", TaskConfig(label_noise=0.4), budget=256, seed=1)
        >>> run.result()["hall_of_fame"][0]["expression"]

    Args:
        grammar: a grammar, a YAML file, or the name of a shipped one.
        tasks: what losses are trained on; several make a multi-task search. The digits by default.
        run_dir: where to keep the run; by default a new directory below ``runs/``.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.
        workers: how many local processes train; one thread each on the CPU's cores. This process alone by default.
        ray: ``"local"`` or the address of a Ray cluster to train on instead.
        executor: where to train, instead of ``workers`` and ``ray``; it is not closed.
        observer: called with a :class:`~symloss.search.Progress` whenever it has changed.
        **settings: fields of :class:`~symloss.search.SearchConfig`, such as ``budget``, ``seed``, ``strategy``.

    Raises:
        SymlossError: bad settings, missing data, or a directory that cannot be used or that another process works on.
        Stopped: Ctrl-C; the run can be resumed.
    """
    # Workers first: if they cannot start, no run directory is left behind.
    with make_executor(workers, ray) if executor is None else nullcontext(executor) as where:
        run = create(grammar, tasks, run_dir=run_dir, device=device, **settings)
        return finish(run, executor=where, observer=observer)


def resume(
    path: str | Path,
    *,
    workers: int | None = None,
    ray: str | None = None,
    executor: Executor | None = None,
    observer: Observer | None = None,
) -> Run:
    """Go on with a run that was stopped, and return it finished; see :func:`evolve` for the arguments."""
    return finish(Run.open(Path(path)), workers=workers, ray=ray, executor=executor, observer=observer)


def create(
    grammar: Grammar | str | Path,
    tasks: TaskConfig | Sequence[TaskConfig] | None = None,
    *,
    run_dir: str | Path | None = None,
    device: str = "auto",
    **settings: Any,
) -> Run:
    """Check everything that a search needs and start its run directory, without searching; see :func:`evolve`."""
    loaded = grammar if isinstance(grammar, Grammar) else load_grammar(str(grammar))
    chosen = [TaskConfig()] if tasks is None else [tasks] if isinstance(tasks, TaskConfig) else list(tasks)
    for task in chosen:
        if not isinstance(task, TaskConfig):
            raise SymlossError(f"a task is {task!r}; give TaskConfig(dataset=...) or a list of them")
    if "baselines" in settings:
        SearchConfig.from_dict(settings)  # that it is a list of names
        settings["baselines"] = tuple({title(loss): loss for loss in map(find, settings["baselines"])})
    config = SearchConfig.from_dict(settings)
    place = str(choose_device(device))
    ready = [with_engine(task, place) for task in chosen]
    for task in ready:
        if task.model != "mlp":
            draws_numbers(load_task(task))  # refuses a network that fails on the task's samples
        for name in config.baselines:
            scale_of(find(name), load_task(task).classes)  # refuses a loss that cannot be compared
    # A search that could not start should leave no directory behind.
    Search(loaded, list(map(load_task, ready)), config, MemoryJournal(), lambda _: None)
    folder = Path(run_dir) if run_dir is not None else default_run_dir(loaded.name, _short(ready[0].dataset))
    try:
        return Run.create(folder, loaded, ready, config, place)
    except SymlossError:
        if run_dir is None:
            with suppress(OSError):
                folder.rmdir()  # made for this run, and only if it is empty
        raise


def finish(
    run: Run,
    *,
    workers: int | None = None,
    ray: str | None = None,
    executor: Executor | None = None,
    observer: Observer | None = None,
) -> Run:
    """Do what is left of a run's search and comparison; see :func:`evolve` for the arguments."""
    if run.result() is not None:
        return run
    watch: Observer = observer or (lambda _: None)
    tasks = [load_task(task) for task in run.tasks]
    with run.working(), make_executor(workers, ray) if executor is None else nullcontext(executor) as where:
        if run.result() is not None:  # written by a process that worked on it until now
            return run
        evaluator = Evaluator(where, run.device)
        search = Search(run.grammar, tasks, run.search, run.database, watch, evaluator)
        try:
            found = search.run()
            wanted = run.search.control != "none" and found.candidates
            rival = _control(run, tasks, evaluator, watch, search) if wanted else None
            compared = _compare(run, tasks, evaluator, watch, search, found, rival)
        except KeyboardInterrupt:
            run.database.save_seconds(search.progress.seconds)
            raise Stopped(search.front()) from None
        run.database.save_seconds(search.progress.seconds)
        run.finish(_result(run, found, rival, compared, search.progress.seconds))
    return run


def _control(run: Run, tasks: list[Task], evaluator: Evaluator, watch: Observer, main: Search) -> Found:
    """Run the equal-budget control beside the search: as many candidates, the same ladder, nothing learned."""
    trained = main.progress.trained
    config = replace(
        run.search, strategy=run.search.control, budget=trained, seconds=None, patience=None, generation_size=None
    )
    progress = main.progress
    progress.phase = "control"
    before = progress.work_done

    def observe(theirs: Progress) -> None:
        progress.control_trained = theirs.trained
        progress.work_done = before + theirs.work_done
        watch(progress)

    watch(progress)
    return Search(run.grammar, tasks, config, run.control_database, observe, evaluator).run()


def _compare(
    run: Run,
    tasks: list[Task],
    evaluator: Evaluator,
    watch: Observer,
    search: Search,
    found: Found,
    rival: Found | None,
) -> Audit:
    progress = search.progress
    progress.phase = "comparison"
    before, planned = progress.work_done, search.comparison_work()

    def tick(done: int, total: int) -> None:
        progress.work_done = before + planned * done / total
        watch(progress)

    watch(progress)
    control = rival.hall_of_fame if rival else ()
    return audit(found.hall_of_fame, tasks, run.search, tick, control=control, evaluator=evaluator)


def _result(run: Run, found: Found, rival: Found | None, compared: Audit, seconds: float) -> dict[str, Any]:
    def rows(discoveries: list[Discovery], place: str) -> list[dict[str, Any]]:
        by_task = [getattr(task, place) for task in compared.tasks]
        return [
            {"rank": discovery.rank} | _row(run, [group[k] for group in by_task]) | _origin(discovery)
            for k, discovery in enumerate(discoveries)
        ]

    baselines = zip(*(task.baselines for task in compared.tasks), strict=True)
    return {
        "run": str(run.path),
        "config": run.config(),
        "counts": _counts(found),
        "stopped": found.stopped,
        "noise": {"std": found.noise, "last_seeds": found.last_seeds},
        "seconds": round(seconds, 1),
        "hall_of_fame": rows(compared.discoveries, "rows"),
        "control": rows(compared.controls, "controls"),
        "control_counts": _counts(rival) if rival else None,
        "baselines": [_row(run, list(group)) for group in baselines],
    }


def _counts(found: Found) -> dict[str, Any]:
    return {
        "drawn": found.drawn,
        "duplicates": found.rejected["duplicate"],
        "rejected": {name: found.rejected[name] for name in SCREENS},
        "trained": len(found.candidates),
    }


def _row(run: Run, rows: Sequence[Row]) -> dict[str, Any]:
    """Return one loss's result: its first task's, and with several tasks each one's in ``tasks``."""
    written = [row.to_json() for row in rows]
    if len(rows) == 1:
        return written[0]
    parts = [
        {"dataset": task.dataset, "model": task.model}
        | {key: one[key] for key in ("scale", "validation", "test", "gain", "metrics")}
        for task, one in zip(run.tasks, written, strict=True)
    ]
    return written[0] | {"tasks": parts}


def _origin(discovery: Discovery) -> dict[str, Any]:
    candidate = discovery.candidate
    return {
        "search_validation": discovery.search_validation,
        "candidate": {
            "id": candidate.id,
            "expression": candidate.expression,
            "generation": candidate.generation,
            "origin": candidate.origin,
            "parents": list(candidate.parents),
        },
    }


def with_engine(task: TaskConfig, device: str) -> TaskConfig:
    """Return the task with the engine that is faster here, so that a resumed run and all workers use the same."""
    if task.engine != "auto" or task.model == "mlp":
        return task
    return replace(task, engine=choose_engine(load_task(task), device, _MEMBERS))


def _short(dataset: str) -> str:
    return Path(dataset.rsplit(":", 1)[-1]).name or "data"
