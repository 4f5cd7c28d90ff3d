"""`symloss benchmark`: compare losses on datasets."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from symloss.cli import task_options as options
from symloss.cli.output import check_writable, console_for, resolve_loss, whole_number, write_json


def command(
    losses: Annotated[
        list[str] | None,
        typer.Argument(help="Known losses such as 'focal(gamma=1)', RUN:RANK or formulas; ce is always compared."),
    ] = None,
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
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write the result there; - for standard output.")
    ] = None,
) -> None:
    """Train losses with the same seeds, splits and budget, and say which differences are larger than noise."""
    check_writable(json_file)
    sys.path.insert(0, "")  # package.module:factory may lie beside where the command is called
    console = console_for(json_file)
    with console.status("starting (importing torch)"):
        from symloss.api import with_engine
        from symloss.benchmark import Contender, compare
        from symloss.fitness import Evaluator
        from symloss.report import WorkBar, benchmark_tables
        from symloss.runtime import choose_device, make_executor
        from symloss.tasks import load_task

        wanted = [resolve_loss(text)[:2] for text in losses or ["ce", "ngl", "focal"]]
        if "ce" not in (name for name, _ in wanted):
            wanted.insert(0, resolve_loss("ce")[:2])
        contenders = [Contender(name, loss) for name, loss in dict(wanted).items()]
        configs = options.task_configs(
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
    results = []
    with make_executor(workers, ray) as executor:
        place = str(choose_device(device))
        evaluator = Evaluator(executor, place)
        configs = [with_engine(config, place) for config in configs]
        for config in configs:
            with WorkBar(console, f"{config.dataset}, {config.model}") as bar:
                rows = compare(contenders, load_task(config), seeds, progress=bar, evaluator=evaluator)
            where = {"dataset": config.dataset, "model": config.model, "metric": config.metrics[0]}
            results += [row.to_json() | where for row in rows]
    result = {"config": {"seeds": seeds, "tasks": [vars(config) for config in configs]}, "results": results}
    for part in benchmark_tables(result):
        console.print(part)
    write_json(json_file, result)
