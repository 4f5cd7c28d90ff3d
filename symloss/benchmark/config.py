"""What a benchmark compares, on what, and how; read from YAML or put together in Python."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from symloss.benchmark.compare import MAX_SEEDS, Contender
from symloss.benchmark.published import Published
from symloss.benchmark.trainers import Experiment, build_settings, default_settings
from symloss.errors import SymlossError
from symloss.formula import Formula, parse_formula
from symloss.losses import CatalogueLoss, find, is_name, title
from symloss.symbolic import to_sympy
from symloss.tasks import TaskConfig

#: From the text of a loss to its name and the loss.
Resolve = Callable[[str], tuple[str, Formula | CatalogueLoss]]
#: Which epoch of a full-size run counts.
SELECTIONS = ("best", "last")


@dataclass(frozen=True)
class Sweep:
    """Learning rates that every loss tries; each takes the one with the best mean validation score of its own.

    Attributes:
        lr: the rates, the same for all losses.
        seeds: how many seeds a rate is tried with, which no table has.
    """

    lr: tuple[float, ...]
    seeds: int = 2


@dataclass(frozen=True)
class BenchmarkConfig:
    """A benchmark, resolved and checked.

    Attributes:
        name: names the run directory.
        contenders: the losses, with names that differ.
        experiments: what they are trained on, each with a title of its own.
        seeds: the seeds 0 .. seeds-1 are trained, at least 2.
        baseline: the name of the contender that gains are measured against.
        sweep: the learning rates to try; None to use each experiment's own for every loss.
        select: whether a full-size run is judged by its ``"best"`` epoch by validation, or its ``"last"``.
        band: two scores are called the same within so many points.
        published: a published table to print beside ours.
        description: a note for people.
        cost: another, on what it takes.
        smoke: whether this is the small version.
    """

    name: str
    contenders: tuple[Contender, ...]
    experiments: tuple[Experiment, ...]
    seeds: int = 10
    baseline: str = "ce"
    sweep: Sweep | None = None
    select: str = "best"
    band: float = 0.5
    published: Published | None = None
    description: str = ""
    cost: str = ""
    smoke: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.seeds <= MAX_SEEDS:
            raise SymlossError(f"the number of seeds is {self.seeds}; it must be from 2 to {MAX_SEEDS}")
        if not self.experiments:
            raise SymlossError("there is nothing to train on; give at least one dataset and one model")
        for what, names in (
            ("losses", [contender.name for contender in self.contenders]),
            ("tasks", [experiment.title for experiment in self.experiments]),
        ):
            twice = [name for place, name in enumerate(names) if name in names[:place]]
            if twice:
                raise SymlossError(f"two {what} are called {twice[0]!r}; give each a name of its own")
        if self.baseline not in self.names:
            raise SymlossError(
                f"the baseline {self.baseline!r} is not among the losses {', '.join(self.names)}; add it"
            )
        if self.select not in SELECTIONS:
            raise SymlossError(f"select is {self.select!r}; it must be {' or '.join(SELECTIONS)}")

    @property
    def names(self) -> list[str]:
        """The losses' names."""
        return [contender.name for contender in self.contenders]

    def to_json(self) -> dict[str, Any]:
        """Return what decides the result, as plain data."""
        return {
            "name": self.name,
            "description": self.description,
            "losses": {contender.name: contender.id for contender in self.contenders},
            "baseline": self.baseline,
            "seeds": self.seeds,
            # One flat mapping a task, as tables and older programs read it.
            "tasks": [
                experiment.values
                | {"task": experiment.title, "trainer": experiment.trainer, "condition": experiment.condition}
                for experiment in self.experiments
            ],
            "sweep": None if self.sweep is None else {"lr": list(self.sweep.lr), "seeds": self.sweep.seeds},
            "select": self.select,
            "band": self.band,
            "published": self.published.source if self.published else None,
            "cost": self.cost,
            "smoke": self.smoke,
        }

    def digest(self) -> str:
        """Return 16 hexadecimal digits that name this configuration."""
        text = json.dumps(self.to_json(), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def resolve(text: str) -> tuple[str, Formula | CatalogueLoss]:
    """Return name and loss of a known loss's name or of a formula, whose name is its text.

    Raises:
        SymlossError: it is neither.
    """
    text = text.strip()
    if is_name(text):
        known = find(text)
        return title(known), known
    formula = parse_formula(text)
    to_sympy(formula)  # refuses constants without a finite value, such as log(0)
    return text, formula


def contenders_of(texts: Sequence[str], baseline: str = "ce", resolver: Resolve = resolve) -> tuple[Contender, ...]:
    """Return the losses, each once, with the baseline before all others where it is not among them.

    Raises:
        SymlossError: a text that is no loss.
    """
    wanted = [resolver(text) for text in texts]
    return with_baseline([Contender(name, loss) for name, loss in dict(wanted).items()], baseline, resolver)


def with_baseline(contenders: Sequence[Contender], baseline: str, resolver: Resolve = resolve) -> tuple[Contender, ...]:
    """Return the contenders with the baseline first, unless one has that name."""
    if baseline in [contender.name for contender in contenders]:
        return tuple(contenders)
    name, loss = resolver(baseline)
    if name in [contender.name for contender in contenders]:
        return tuple(contenders)
    return (Contender(name, loss), *contenders)


def experiments_of(tasks: Sequence[TaskConfig]) -> tuple[Experiment, ...]:
    """Return experiments that train populations on tasks."""
    return tuple(Experiment("population", task.dataset, task.model, "", task.metrics, task) for task in tasks)


def combine(
    datasets: Sequence[str],
    models: Sequence[str],
    conditions: Sequence[Mapping[str, Any]] = ({},),
    *,
    trainer: str = "population",
    metrics: Sequence[str] = ("accuracy",),
    settings: Mapping[str, Any] | None = None,
    smoke: Mapping[str, Any] | None = None,
) -> list[Experiment]:
    """Return every dataset with every model under every condition.

    Args:
        datasets, models: names.
        conditions: settings of each, perhaps with a ``name``, which is made of the settings otherwise.
        trainer: ``"population"`` or ``"full"``.
        metrics: the first one decides.
        settings: of the trainer; where they are silent a model's own hold.
        smoke: settings that replace all others.

    Raises:
        SymlossError: an unknown name or setting, or a value out of range.
    """
    return [
        experiment_of(
            trainer,
            dataset,
            model,
            metrics,
            dict(settings or {})
            | {key: value for key, value in condition.items() if key != "name"}
            | dict(smoke or {}),
            condition_name(condition),
        )
        for dataset, model, condition in product(datasets, models, conditions)
    ]


def condition_name(condition: Mapping[str, Any]) -> str:
    """Return a condition's name, or one made of its settings."""
    made = ", ".join(f"{key} {value}" for key, value in condition.items())
    return str(condition.get("name", made))


def experiment_of(
    trainer: str, dataset: str, model: str, metrics: Sequence[str], values: Mapping[str, Any], condition: str = ""
) -> Experiment:
    """Return one experiment; where ``values`` are silent a model's own settings hold.

    Raises:
        SymlossError: an unknown name or setting, or a value out of range.
    """
    given = {"dataset": dataset, "model": model, "metrics": list(metrics)}
    for key in given:
        if key in values:
            raise SymlossError(f"{key} is no setting here; tasks name datasets and models; metrics stand beside them")
    built = build_settings(trainer, given | default_settings(trainer, model) | dict(values))
    spelled = json.loads(built.to_json())  # names have one spelling there
    return Experiment(trainer, str(spelled["dataset"]), str(spelled["model"]), condition, tuple(metrics), built)
