"""The library's front door: a whole search in one call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symloss.codegen.gradients import scale_of
from symloss.errors import SymlossError
from symloss.events import Event, JsonLog, Listener, all_of, logged, marked, to_stderr
from symloss.fitness import Choice, Evaluator, choose, engine_fields
from symloss.fitness.modules import draws_numbers
from symloss.grammar import Grammar, load_grammar
from symloss.losses import find, title
from symloss.outcome import ending_of, result_of
from symloss.runtime import Stopping, choose_device, make_executor
from symloss.search import (
    Audit,
    Candidate,
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
    """Ctrl-C, or whatever else asked a search to stop, in the middle of it. What was trained is saved.

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
    listener: Listener = to_stderr,
    stopping: Stopping | None = None,
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
        listener: told each :mod:`event <symloss.events>` that the run's ``log.jsonl`` has; by default prints warnings.
        stopping: asks the search to stop; then it finishes the losses in training first. Without one Ctrl-C
            interrupts at once, which loses those, and nothing that was finished.
        **settings: fields of :class:`~symloss.search.SearchConfig`, such as ``budget``, ``seed``, ``strategy``.

    Raises:
        SymlossError: bad settings, missing data, or a directory that cannot be used or that another process works on.
        Stopped: Ctrl-C, or ``stopping``; the run can be resumed, with the result that it would have had.
    """
    # Workers first: if they cannot start, no run directory is left behind.
    with make_executor(workers, ray) if executor is None else nullcontext(executor) as where:
        run = create(grammar, tasks, run_dir=run_dir, device=device, listener=listener, **settings)
        with _closed_on_failure(run):
            return finish(run, executor=where, observer=observer, listener=listener, stopping=stopping)


def resume(
    path: str | Path,
    *,
    workers: int | None = None,
    ray: str | None = None,
    executor: Executor | None = None,
    observer: Observer | None = None,
    listener: Listener = to_stderr,
    stopping: Stopping | None = None,
) -> Run:
    """Go on with a run that was stopped, and return it finished; see :func:`evolve` for the arguments."""
    run = Run.open(Path(path))
    with _closed_on_failure(run):
        return finish(
            run, workers=workers, ray=ray, executor=executor, observer=observer, listener=listener, stopping=stopping
        )


@contextmanager
def _closed_on_failure(run: Run) -> Iterator[None]:
    """Give up a run's files and its lock where the caller gets no run to close, and would go on with it."""
    try:
        yield
    except BaseException:
        run.close()
        raise


def create(
    grammar: Grammar | str | Path,
    tasks: TaskConfig | Sequence[TaskConfig] | None = None,
    *,
    run_dir: str | Path | None = None,
    device: str = "auto",
    listener: Listener = to_stderr,
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
    choices = [_engine(task, place) for task in chosen]
    ready = [
        replace(task, engine=choice.engine) if choice else task for task, choice in zip(chosen, choices, strict=True)
    ]
    for task in ready:
        if task.model != "mlp":
            draws_numbers(load_task(task))  # refuses a network that fails on the task's samples
        for name in config.baselines:
            scale_of(find(name), load_task(task).classes)  # refuses a loss that cannot be compared
    # A search that could not start should leave no directory behind.
    Search(loaded, list(map(load_task, ready)), config, MemoryJournal(), lambda _: None)
    folder = Path(run_dir) if run_dir is not None else default_run_dir(loaded.name, _short(ready[0].dataset))
    try:
        run = Run.create(folder, loaded, ready, config, place)
    except SymlossError:
        if run_dir is None:
            with suppress(OSError):
                folder.rmdir()  # made for this run, and only if it is empty
        raise
    log = JsonLog(run.log_path, listener)
    for task, choice in zip(ready, choices, strict=True):
        all_of(log, listener)(Event("engine", engine_fields(task, choice)))
    log.close()
    return run


def finish(
    run: Run,
    *,
    workers: int | None = None,
    ray: str | None = None,
    executor: Executor | None = None,
    observer: Observer | None = None,
    listener: Listener = to_stderr,
    stopping: Stopping | None = None,
) -> Run:
    """Do what is left of a run's search and comparison; see :func:`evolve` for the arguments."""
    if run.result() is not None:
        return run
    watch: Observer = observer or (lambda _: None)
    asked = stopping or Stopping()
    tasks = [load_task(task) for task in run.tasks]
    with ExitStack() as stack:
        stack.enter_context(run.working())
        if run.result() is not None:  # written by a process that worked on it until now
            return run
        where = stack.enter_context(make_executor(workers, ray)) if executor is None else executor
        on = {"device": run.device, "executor": type(where).__name__, "workers": where.workers}
        tell = stack.enter_context(logged(run.log_path, listener, asked, kind="evolve", **on))
        evaluator = Evaluator(where, run.device, asked)
        search = Search(run.grammar, tasks, run.search, run.database, watch, evaluator, tell)
        try:
            found = search.run()
            wanted = run.search.control != "none" and found.candidates
            rival = _control(run, tasks, evaluator, watch, search, tell) if wanted else None
            # Test scores are not kept before all are there.
            with asked.nothing_to_keep():
                compared = _compare(run, tasks, evaluator, watch, search, found, rival, tell)
        except KeyboardInterrupt:
            run.database.save_seconds(search.progress.seconds)
            raise Stopped(search.front()) from None
        run.database.save_seconds(search.progress.seconds)
        result = result_of(run, found, rival, compared, search.progress.seconds)
        run.finish(result)
        tell(Event("finished", ending_of(result)))
    return run


def _control(run: Run, tasks: list[Task], evaluator: Evaluator, watch: Observer, main: Search, tell: Listener) -> Found:
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
    tell(Event("control", {"state": "started", "candidates": trained}))
    theirs = marked(tell, search="control")
    found = Search(run.grammar, tasks, config, run.control_database, observe, evaluator, theirs).run()
    tell(Event("control", {"state": "finished", "candidates": len(found.candidates)}))
    return found


def _compare(
    run: Run,
    tasks: list[Task],
    evaluator: Evaluator,
    watch: Observer,
    search: Search,
    found: Found,
    rival: Found | None,
    tell: Listener,
) -> Audit:
    progress = search.progress
    progress.phase = "comparison"
    before, planned = progress.work_done, search.plan.comparison

    def tick(done: int, total: int) -> None:
        progress.work_done = before + planned * done / total
        watch(progress)

    watch(progress)
    control = rival.hall_of_fame if rival else ()
    number = min(len(found.hall_of_fame), run.search.discovered) + min(len(control), 1) + len(run.search.baselines)
    what, started = {"losses": number, "seeds": run.search.audit_seeds}, progress.seconds
    tell(Event("audit", {"state": "started", **what}))
    compared = audit(found.hall_of_fame, tasks, run.search, tick, control=control, evaluator=evaluator)
    tell(Event("audit", {"state": "finished", **what, "seconds": round(progress.seconds - started, 3)}))
    return compared


def _engine(task: TaskConfig, device: str) -> Choice | None:
    """Return the engine that is faster here, for all workers and resumed runs to use; None if it is given."""
    if task.engine != "auto" or task.model == "mlp":
        return None
    return choose(load_task(task), device, _MEMBERS)


def _short(dataset: str) -> str:
    return Path(dataset.rsplit(":", 1)[-1]).name or "data"
