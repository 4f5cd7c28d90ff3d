"""`symloss benchmark`: compare losses on datasets."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symloss.cli import completion
from symloss.cli import task_options as options
from symloss.cli.output import (
    QuietOption,
    VerboseOption,
    check_verbosity,
    check_writable,
    console_for,
    resolve_loss,
    stopping_line,
    waiting,
    warnings_hidden,
    whole_number,
    write_json,
    write_text,
)
from symloss.errors import SymlossError

if TYPE_CHECKING:
    from rich.console import Console

    from symloss.benchmark import BenchmarkConfig
    from symloss.report import CellBar

#: What may stand beside --config: how and where it runs, and what is written.
_FREE = ("config", "smoke", "seeds", "data_dir", "device", "workers", "ray", "run_dir")
_OUTPUTS = ("json_file", "csv_file", "latex_file", "figures", "page", "quiet", "verbose")


def command(
    context: typer.Context,
    losses: Annotated[
        list[str] | None,
        typer.Argument(
            help="Known losses such as 'focal(gamma=1)', RUN:RANK or formulas; ce is always compared.",
            autocompletion=completion.loss,
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A YAML file that says all of it: losses, tasks, settings, sweep.")
    ] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Run the small version that the --config describes.")] = False,
    datasets: options.DatasetOption = "digits",
    models: options.ModelOption = "mlp",
    seeds: Annotated[int, typer.Option(parser=whole_number, metavar="N", help="How many seeds.")] = 10,
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
    device: options.DeviceOption = "auto",
    workers: options.WorkersOption = None,
    ray: options.RayOption = None,
    run_dir: Annotated[
        Path | None,
        typer.Option(help="Where finished cells are kept and found again; by default below runs/, by name."),
    ] = None,
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write the result there; - for standard output.")
    ] = None,
    csv_file: Annotated[
        str | None, typer.Option("--csv", help="Write one row per cell, epoch, part and metric there.")
    ] = None,
    latex_file: Annotated[str | None, typer.Option("--latex", help="Write LaTeX tables there.")] = None,
    page: Annotated[
        Path | None, typer.Option("--report", help="Write the result there as one HTML page that needs no network.")
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(help="Draw intervals and the critical-difference diagram into this directory.")
    ] = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Train losses with the same seeds, splits and budget, and say which differences are larger than noise."""
    targets = [json_file, csv_file, latex_file]
    for target in (*targets, None if page is None else str(page)):
        check_writable(target)
    if targets.count("-") > 1:
        raise SymlossError("two outputs cannot share standard output; write one of them to a file")
    _check_beside(context, config)
    check_verbosity(quiet, verbose)
    sys.path.insert(0, "")  # package.module:factory may lie beside where the command is called
    # Under torchrun all processes train together, and the first one speaks.
    first = os.environ.get("RANK", "0") == "0"
    console = console_for("-" if "-" in targets else None)
    console.quiet = not first
    with nullcontext() if quiet else waiting(console, "starting (importing torch)"):
        from symloss import benchmark
        from symloss.report import CellBar, Verbosity
        from symloss.runtime import STOP_SIGNALS, Stopping

        if figures is not None:
            from symloss.report import check_figures

            check_figures(figures)
        if data_dir is not None:
            options.use_data_dir(data_dir)
        if config is not None:
            chosen = _from_file(config, smoke, seeds if _given(context, "seeds") else None)
        else:
            tasks = options.task_configs(
                datasets,
                models,
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
            chosen = benchmark.BenchmarkConfig(
                "command-line",
                benchmark.contenders_of(losses or ["ce", "ngl", "focal"], resolver=_resolve),
                benchmark.experiments_of(tasks),
                seeds,
            )
    for note in () if quiet else filter(None, (chosen.description, chosen.cost)):
        console.print(note, style="dim", markup=False, highlight=False)
    folder = run_dir or benchmark.default_folder(chosen)
    bar = CellBar(console, Verbosity.QUIET if quiet else Verbosity.VERBOSE if verbose else Verbosity.NORMAL)
    stopping = Stopping()
    say = partial(bar.say, stopping_line("the cells"))
    try:
        with bar, warnings_hidden(), stopping.listening(say, STOP_SIGNALS):
            result = benchmark.run(
                chosen,
                run_dir=folder,
                device=device,
                workers=workers,
                ray=ray,
                progress=bar,
                listener=bar.listen,
                stopping=stopping,
            )
    except KeyboardInterrupt:
        _stopped(console, bar, folder)
        raise typer.Exit(128 + (stopping.number or signal.SIGINT)) from None
    if first:
        _show(result, console, json_file, csv_file, latex_file, page, figures)


def _show(
    result: Any,
    console: Console,
    json_file: str | None,
    csv_file: str | None,
    latex_file: str | None,
    page: Path | None,
    figures: Path | None,
) -> None:
    from rich.text import Text

    from symloss.report import (
        benchmark_csv,
        benchmark_latex,
        benchmark_tables,
        save_benchmark_figures,
        save_benchmark_page,
    )

    data = result.to_json()
    # Files first: a pipe that closes early takes nothing from them.
    write_json(json_file, data)
    write_text(csv_file, benchmark_csv(result) if csv_file else "")
    write_text(latex_file, benchmark_latex(data) if latex_file else "")
    drawn = save_benchmark_figures(data, figures) if figures is not None else []
    drawn += [] if page is None else [save_benchmark_page(data, page)]
    for part in benchmark_tables(data):
        console.print(part)
    for line in result.damaged:
        console.print(Text(line, style="yellow"), soft_wrap=True)
    cells = data["cells"]
    console.print(
        Text(f"{cells['total']:,} cells in {result.run_dir}, {result.reused:,} of them found finished."), soft_wrap=True
    )
    for path in drawn:
        console.print(Text(f"  {path}"), soft_wrap=True)


def _stopped(console: Console, bar: CellBar, folder: Path) -> None:
    from rich.text import Text

    progress = bar.progress
    done = f"{progress.done:,} of {progress.total:,} cells are finished and kept in {folder}. " if progress else ""
    console.print(Text(f"Stopped. {done}Go on with the same command."), soft_wrap=True)


def _resolve(text: str) -> Any:
    return resolve_loss(text)[:2]


def _from_file(path: Path, smoke: bool, seeds: int | None) -> BenchmarkConfig:
    from dataclasses import replace

    from symloss.benchmark import load_config

    config = load_config(path, smoke=smoke, resolver=_resolve)
    return config if seeds is None else replace(config, seeds=seeds)


def _given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _check_beside(context: typer.Context, config: Path | None) -> None:
    """Refuse options beside --config that the file is there to give, and --smoke without a file.

    Raises:
        SymlossError: one was given.
    """
    if config is None:
        if _given(context, "smoke"):
            raise SymlossError("--smoke runs the small version that a file describes; name it with --config FILE")
        return
    for name in context.params:
        if name not in (*_FREE, *_OUTPUTS) and _given(context, name):
            option = "the losses" if name == "losses" else f"--{name.replace('_', '-')}"
            raise SymlossError(
                f"--config takes every setting from the file; leave {option} out, and say it in {config}"
            )
