"""`symloss benchmark`: compare losses on datasets."""

from __future__ import annotations

from typing import Annotated

import typer

from symloss.cli.output import check_writable, console_for, resolve_loss, task_config, whole_number, write_json


def command(
    losses: Annotated[
        list[str] | None,
        typer.Argument(help="Known losses such as 'focal(gamma=1)', RUN:RANK or formulas; ce is always compared."),
    ] = None,
    datasets: Annotated[str, typer.Option(help="Datasets, separated by commas; see 'symloss datasets'.")] = "digits",
    models: Annotated[str, typer.Option(help="Networks, separated by commas; see 'symloss models'.")] = "mlp",
    seeds: Annotated[int, typer.Option(parser=whole_number, metavar="N", help="How many seeds.")] = 10,
    steps: Annotated[
        int | None, typer.Option(parser=whole_number, metavar="N", help="Training steps; the task's own by default.")
    ] = None,
    label_noise: Annotated[
        float, typer.Option(help="The probability in [0, 1) that a training label is replaced by another class.")
    ] = 0.0,
    json_file: Annotated[
        str | None, typer.Option("--json", help="Write the result there; - for standard output.")
    ] = None,
) -> None:
    """Train losses with the same seeds, splits and budget, and say which differences are larger than noise."""
    check_writable(json_file)
    console = console_for(json_file)
    with console.status("starting (importing torch)"):
        from symloss.benchmark import Contender, compare
        from symloss.report import NetworkBar, benchmark_tables
        from symloss.tasks import load_task

        wanted = [resolve_loss(text)[:2] for text in losses or ["ce", "ngl", "focal"]]
        if "ce" not in (name for name, _ in wanted):
            wanted.insert(0, resolve_loss("ce")[:2])
        contenders = [Contender(name, loss) for name, loss in dict(wanted).items()]
        configs = [
            task_config(dataset, model, steps, label_noise) for dataset in _names(datasets) for model in _names(models)
        ]
    results = []
    for config in configs:
        with NetworkBar(console, f"{config.dataset}, {config.model}") as bar:
            rows = compare(contenders, load_task(config), seeds, progress=bar)
        results += [
            row.to_json() | {"dataset": config.dataset, "model": config.model, "metric": "accuracy"} for row in rows
        ]
    result = {"config": {"seeds": seeds, "tasks": [vars(config) for config in configs]}, "results": results}
    for part in benchmark_tables(result):
        console.print(part)
    write_json(json_file, result)


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in text.split(",")))
