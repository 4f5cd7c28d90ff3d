"""The options that say what losses are trained on; `evolve` and `benchmark` share them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symloss.cli import known
from symloss.cli.completion import one_of, several_of
from symloss.cli.output import whole_number
from symloss.errors import SymlossError

if TYPE_CHECKING:
    from symloss.tasks import TaskConfig

DatasetOption = Annotated[
    str,
    typer.Option(
        help="What to train on: a name of 'symloss datasets', imagefolder:PATH, or package.module:factory; several "
        "separated by commas.",
        autocompletion=several_of(known.DATASETS),
    ),
]
ModelOption = Annotated[
    str,
    typer.Option(
        help="The network: a name of 'symloss models', perhaps with parameters as in 'resnet18(norm=group)', or "
        "package.module:factory; several by commas.",
        autocompletion=several_of(known.MODELS),
    ),
]
StepsOption = Annotated[
    int | None,
    typer.Option(parser=whole_number, metavar="N", help="Training steps at full budget; the model's own by default."),
]
BatchOption = Annotated[
    int | None, typer.Option(parser=whole_number, metavar="N", help="Samples in a step; the model's own by default.")
]
HiddenOption = Annotated[
    int | None, typer.Option(parser=whole_number, metavar="N", help="Width of the shipped networks; 64 by default.")
]
OptimizerOption = Annotated[
    str | None,
    typer.Option(help="adam, adamw or sgd; the model's own by default.", autocompletion=one_of(known.OPTIMIZERS)),
]
LrOption = Annotated[float | None, typer.Option(help="The learning rate; the model's own by default.")]
WeightDecayOption = Annotated[float, typer.Option(help="Weight decay, 0 or more.")]
ScheduleOption = Annotated[
    str | None,
    typer.Option(
        help="The learning rate over the steps: constant or cosine; the model's own by default.",
        autocompletion=one_of(known.SCHEDULES),
    ),
]
WarmupOption = Annotated[float, typer.Option(help="The share of the steps in which the learning rate rises from 0.")]
LabelNoiseOption = Annotated[
    float, typer.Option(help="The probability in [0, 1) that a training label is replaced by another class.")
]
NoiseOption = Annotated[
    str,
    typer.Option(
        help="Which class a wrong label has: symmetric (any other) or asymmetric (the next).",
        autocompletion=one_of(known.NOISES),
    ),
]
ImbalanceOption = Annotated[
    float, typer.Option(help="Training samples of the rarest class over the most frequent's, in (0, 1].")
]
TrainSizeOption = Annotated[
    int | None, typer.Option(parser=whole_number, metavar="N", help="Train on so many samples; on all by default.")
]
MetricOption = Annotated[
    str,
    typer.Option(
        help="accuracy, balanced-accuracy, macro-f1, auroc or ece; a search with several, separated by commas, "
        "looks for the front between them.",
        autocompletion=several_of(known.METRICS),
    ),
]
EngineOption = Annotated[
    str,
    typer.Option(
        help="How a population trains: auto (measured), stacked or single. The mlp has its own way.",
        autocompletion=one_of(known.ENGINES),
    ),
]
PrecisionOption = Annotated[
    str,
    typer.Option(help="float32 or, on an NVIDIA GPU, tf32 or bfloat16.", autocompletion=one_of(known.PRECISIONS)),
]
DataDirOption = Annotated[
    Path | None, typer.Option(help="Where datasets are; by default what SYMLOSS_DATA says, and the system's places.")
]
DeviceOption = Annotated[
    str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.", autocompletion=one_of(known.DEVICES))
]
WorkersOption = Annotated[
    int | None, typer.Option(parser=whole_number, metavar="N", help="Train in so many local processes.")
]
RayOption = Annotated[
    str | None, typer.Option(help="Train on Ray: 'local' or a cluster's address; needs the extra 'ray'.")
]


def names(text: str) -> list[str]:
    """Return the names of a list separated by commas, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",")))


def task_configs(dataset: str, model: str, metric: str, data_dir: Path | None, **given: Any) -> list[TaskConfig]:
    """Return the tasks that the options name: every dataset with every model.

    Settings that are None are the model's own.

    Raises:
        SymlossError: an unknown name or a value out of range.
    """
    from symloss.models import canonical
    from symloss.named import split_names
    from symloss.tasks import TaskConfig, defaults_of

    if data_dir is not None:
        use_data_dir(data_dir)
    settings = {name: value for name, value in given.items() if value is not None} | {"metrics": names(metric)}
    return [
        TaskConfig.from_dict({"dataset": one, "model": network} | defaults_of(network) | settings)
        for one in names(dataset)
        for network in dict.fromkeys(map(canonical, split_names(model)))
    ]


def use_data_dir(path: Path) -> None:
    """Look for datasets in a folder, here and in workers.

    Raises:
        SymlossError: it is none.
    """
    if not path.is_dir():
        raise SymlossError(f"--data-dir {path} is no directory; name the folder that holds the datasets")
    os.environ["SYMLOSS_DATA"] = str(path.resolve())


def seconds(text: str) -> float:
    """Read a time such as ``90``, ``90s``, ``10m``, ``1.5h`` as seconds.

    Raises:
        typer.BadParameter: it is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)\s*([smh]?)", str(text).strip())
    if not found:
        raise typer.BadParameter(f"{text!r} is no time; write 90s, 10m or 1.5h")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]
