"""`symloss evolve`: search a grammar for losses."""

from __future__ import annotations

import shlex
import signal
import sys
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symloss.cli import completion, known
from symloss.cli import task_options as options
from symloss.cli.options_file import ConfigOption, SmokeOption
from symloss.cli.output import (
    QuietOption,
    VerboseOption,
    check_verbosity,
    check_writable,
    console_for,
    stopping_line,
    waiting,
    warnings_hidden,
    whole_number,
    write_json,
)
from symloss.errors import SymlossError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from symloss.search import Progress

#: What a search trains when neither --budget nor --time is given.
_BUDGET = 1280


def command(
    context: typer.Context,
    grammar: Annotated[
        str | None,
        typer.Argument(
            help="A grammar's YAML file, or the name of a shipped one such as 'default'.",
            autocompletion=completion.grammar,
        ),
    ] = None,
    config: ConfigOption = None,
    smoke: SmokeOption = False,
    dataset: options.DatasetOption = "digits",
    model: options.ModelOption = "mlp",
    budget: Annotated[
        int | None,
        typer.Option(
            parser=whole_number, metavar="N", help=f"How many candidates to train; {_BUDGET} without a --time."
        ),
    ] = None,
    time: Annotated[
        float | None,
        typer.Option(
            parser=options.seconds,
            metavar="10m",
            help="End after about so long: 90s, 10m, 2h.",
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(parser=whole_number, metavar="N", help="Stop after so many generations without a better loss."),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            help="gp, regularized-evolution, random or cmaes.", autocompletion=completion.one_of(known.STRATEGIES)
        ),
    ] = "gp",
    control: Annotated[
        str,
        typer.Option(
            help="'random' runs an equal-budget random search too, and compares its best.",
            autocompletion=completion.one_of(known.CONTROLS),
        ),
    ] = "none",
    seed: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="The run's seed: same seed, same result.")
    ] = 0,
    steps: options.StepsOption = None,
    batch: options.BatchOption = None,
    hidden: options.HiddenOption = None,
    optimizer: options.OptimizerOption = None,
    lr: options.LrOption = None,
    weight_decay: options.WeightDecayOption = 0.0,
    schedule: options.ScheduleOption = None,
    warmup: options.WarmupOption = 0.0,
    label_noise: options.LabelNoiseOption = 0.0,
    noise: options.NoiseOption = "symmetric",
    imbalance: options.ImbalanceOption = 1.0,
    train_size: options.TrainSizeOption = None,
    metric: options.MetricOption = "accuracy",
    engine: options.EngineOption = "auto",
    precision: options.PrecisionOption = "float32",
    data_dir: options.DataDirOption = None,
    baselines: Annotated[
        str,
        typer.Option(
            help="Known losses to compare with, such as 'ce,mae,focal(gamma=1)'; ce must be first.",
            autocompletion=completion.several_of(known.LOSSES),
        ),
    ] = "ce,ngl,focal",
    seeds: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="Fresh seeds of the final comparison.")
    ] = 20,
    device: options.DeviceOption = "auto",
    workers: options.WorkersOption = None,
    ray: options.RayOption = None,
    run_dir: Annotated[Path | None, typer.Option(help="Where to keep the run; by default below runs/.")] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with a run that was stopped.", autocompletion=completion.any_run)
    ] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write the result there; - for standard output.")
    ] = None,
    log: Annotated[
        str | None, typer.Option(metavar="tensorboard", help="Write the search's course for TensorBoard too.")
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Search a grammar for loss functions, and compare the best with known ones."""
    check_writable(json_file)
    check_verbosity(quiet, verbose)
    if log not in (None, "tensorboard"):
        raise SymlossError(unknown("log", str(log), ["tensorboard"]))
    if resume is None and grammar is None:
        raise SymlossError("name a grammar, such as: symloss evolve default; or go on with a run: --resume RUN")
    if resume is not None:
        _check_resumed(context)
    sys.path.insert(0, "")  # package.module:factory may lie beside where the command is called
    console = console_for(json_file)
    with nullcontext() if quiet else waiting(console, "starting (importing torch)"):
        from symloss import api
        from symloss.events import all_of
        from symloss.losses import split_names
        from symloss.report import LiveView, Verbosity, stopped_summary
        from symloss.runtime import STOP_SIGNALS, Stopping, make_executor
        from symloss.store import Run

        view = LiveView(console, Verbosity.QUIET if quiet else Verbosity.VERBOSE if verbose else Verbosity.NORMAL)
        observers: list[Callable[[Progress], None]] = [view]
        listeners = [view.listen]
        if log is not None:
            from symloss.events.tensorboard import TensorBoard, check_tensorboard

            check_tensorboard()
        # Workers first: if they cannot start, no run directory is left behind.
        executor = make_executor(workers, ray)
        if resume is not None:
            if data_dir is not None:
                options.use_data_dir(data_dir)
            run = Run.open(resume)
        else:
            tasks = options.task_configs(
                dataset,
                model,
                metric,
                data_dir,
                steps=steps,
                batch=batch,
                hidden=hidden,
                optimizer=optimizer,
                lr=lr,
                weight_decay=weight_decay,
                schedule=schedule,
                warmup=warmup,
                label_noise=label_noise,
                noise=noise,
                imbalance=imbalance,
                train_size=train_size,
                engine=engine,
                precision=precision,
            )
            run = api.create(
                str(grammar),
                tasks,
                run_dir=run_dir,
                device=device,
                seed=seed,
                strategy=strategy,
                budget=_BUDGET if budget is None and time is None else budget,
                seconds=time,
                patience=patience,
                control=control,
                baselines=split_names(baselines),
                audit_seeds=seeds,
                listener=view.listen,
            )
    stopping = Stopping()
    try:
        if run.result() is None:
            with ExitStack() as stack:
                stack.enter_context(view)
                stack.enter_context(warnings_hidden())
                if log is not None:
                    board = stack.enter_context(TensorBoard(run.path / "tensorboard", view.listen))
                    observers.append(board.observe)
                    listeners.append(board)
                say = partial(view.say, stopping_line("the losses"))
                stack.enter_context(stopping.listening(say, STOP_SIGNALS))
                api.finish(
                    run,
                    executor=executor,
                    observer=all_of(*observers),
                    listener=all_of(*listeners),
                    stopping=stopping,
                )
        result = run.result()
        assert result is not None
        _show(result, console)
        write_json(json_file, result)
        _write_page(run.path, console)
    except KeyboardInterrupt as stop:
        front = stop.front if isinstance(stop, api.Stopped) else []
        for part in stopped_summary(front, str(run.path)):
            console.print(part, soft_wrap=True)
        raise typer.Exit(128 + (stopping.number or signal.SIGINT)) from None
    finally:
        executor.close()
        run.close()


def _check_resumed(context: typer.Context) -> None:
    """Refuse options beside --resume: a run's settings decide its result, so they are the run's own.

    Raises:
        SymlossError: one was given.
    """
    for name in context.params:
        source = context.get_parameter_source(name)
        # Where it runs does not decide what it finds.
        free = ("resume", "json_file", "workers", "ray", "data_dir", "log", "quiet", "verbose")
        if name not in free and source is not None and source.name == "COMMANDLINE":
            option = "the grammar" if name == "grammar" else f"--{name.replace('_', '-')}"
            raise SymlossError(f"--resume takes every setting from the run; leave {option} out, or start a new run")


def _show(result: dict[str, Any], console: Console) -> None:
    from symloss.report import evolve_summary

    for part in evolve_summary(result):
        console.print(part, soft_wrap=False)


def _write_page(path: Path, console: Console) -> None:
    """Write the run's page, and say so if that fails: the run is finished and saved, whatever becomes of its page."""
    from symloss.report import save_page

    try:
        target = save_page(path)
    except Exception as error:
        console.print(
            f"The page was not written: {error}; try again with: symloss report {shlex.quote(str(path))}",
            style="yellow",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return
    console.print(f"  page    {target}", markup=False, highlight=False, soft_wrap=True)
