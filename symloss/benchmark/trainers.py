"""The two ways to train: populations on tasks in memory, and full-size runs by a recipe."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from symloss.data import FOLDER_PREFIX, SOURCES, fingerprint, source_of
from symloss.errors import SymlossError
from symloss.runtime import Stopping
from symloss.tasks import DATASETS, TaskConfig, defaults_of, load_task

if TYPE_CHECKING:
    from symloss.fitness.jobs import Loss

#: The trainers, with one line each.
TRAINERS: dict[str, str] = {
    "population": "many networks side by side on a task in memory (symloss.tasks.TaskConfig)",
    "full": "one network at a time by a recipe (symloss.training.Recipe)",
}

#: Metrics of which less is better.
LESS_IS_BETTER = frozenset({"ece", "nll"})
#: Metrics that are no fraction of 1: they are shown as they are, and points mean nothing for them.
NO_FRACTION = frozenset({"nll"})


class Settings(Protocol):
    """Everything but the loss and the seed that decides a score: a TaskConfig or a Recipe."""

    def to_json(self) -> str: ...

    def digest(self) -> str: ...


class FitResult(Protocol):
    """What a full-size run gives."""

    def to_json(self) -> str | dict[str, Any]:
        """Return ``{best: {epoch, validation: {metric: value}, test: {metric: value}}, last: {the same}, seconds,
        diverged, ...}``, perhaps as text."""
        ...


#: ``fit(recipe, loss, seed, *, folder, device, progress, keep, stopping)``; progress is called with the epoch (from 1),
#: their number, the step, the steps of an epoch, and a text.
Fit = Callable[..., FitResult]


@dataclass(frozen=True)
class Experiment:
    """One table of a benchmark: a dataset, a network and conditions, on which every loss is trained.

    Attributes:
        trainer: a name of :data:`TRAINERS`.
        dataset, model: as the configuration names them.
        condition: the condition's name; empty for none.
        metrics: the first one decides.
        settings: what else decides a score.
    """

    trainer: str
    dataset: str
    model: str
    condition: str
    metrics: tuple[str, ...]
    settings: Settings

    @property
    def title(self) -> str:
        """Dataset, model and condition, for people."""
        return ", ".join(part for part in (self.dataset, self.model, self.condition) if part)

    @property
    def values(self) -> dict[str, Any]:
        """The settings as plain data."""
        found: dict[str, Any] = json.loads(self.settings.to_json())
        return found

    @property
    def raw(self) -> bool:
        """Whether losses are trained as they are written, and not at cross-entropy's gradient norm."""
        return bool(self.values.get("raw", False))

    @property
    def classes(self) -> int:
        """The number of classes C. Only a population's dataset of the user's own is loaded for it."""
        if self.dataset in SOURCES:
            return SOURCES[self.dataset].classes
        if self.dataset in DATASETS:
            return DATASETS[self.dataset].classes
        if isinstance(self.settings, TaskConfig):
            return load_task(self.settings).classes
        return source_of(self.dataset).classes

    def check_data(self) -> None:
        """Fail now rather than after hours if the dataset is not there.

        Raises:
            SymlossError: it is not.
        """
        if self.dataset in SOURCES:
            SOURCES[self.dataset].find()

    def data(self) -> str | None:
        """Return what tells the data that are there from others of that name; None for none, and for a factory's."""
        if self.dataset not in SOURCES and not self.dataset.startswith(FOLDER_PREFIX):
            return None
        try:
            return fingerprint(source_of(self.dataset))
        except SymlossError:  # a folder that only populations take
            return None

    def at(self, lr: float) -> Experiment:
        """Return the experiment with another learning rate."""
        return self.having({"lr": lr})

    def having(self, changes: Mapping[str, Any]) -> Experiment:
        """Return the experiment with other values of some settings."""
        return replace(self, settings=build_settings(self.trainer, self.values | dict(changes)))


def build_settings(trainer: str, values: Mapping[str, Any]) -> Settings:
    """Return a trainer's settings, checked.

    Raises:
        SymlossError: an unknown setting, a value out of range, or the trainer is not there.
    """
    if trainer == "population":
        return TaskConfig.from_dict(values)
    settings: Settings = _training().Recipe.from_dict(values)
    return settings


def default_settings(trainer: str, model: str) -> dict[str, Any]:
    """Return the settings that suit a model and are used unless others are given."""
    return defaults_of(model) if trainer == "population" else {}


def full_fit() -> Fit:
    """Return what trains by a recipe.

    Raises:
        SymlossError: it is not there.
    """
    fit: Fit = _training().fit
    return fit


def _training() -> Any:
    if find_spec("symloss.training") is None:
        raise SymlossError("the trainer 'full' needs the package symloss.training, which this installation lacks")
    return import_module("symloss.training")


def fit_cell(
    fit: Fit,
    experiment: Experiment,
    loss: Loss,
    seed: int,
    folder: Path,
    device: str,
    progress: Callable[..., None],
    stopping: Stopping | None,
) -> dict[str, Any]:
    """Train one full-size cell and return its result as plain data, checked to have every metric.

    Raises:
        SymlossError: the trainer refuses, or its result lacks a part.
    """
    # The weights of hundreds of cells would fill a disk; their results are what is kept.
    written = fit(
        experiment.settings,
        loss,
        seed,
        folder=folder,
        device=device,
        progress=progress,
        keep=False,
        stopping=stopping,
    ).to_json()
    result: dict[str, Any] = json.loads(written) if isinstance(written, str) else written
    for epoch in ("best", "last"):
        for part in ("validation", "test"):
            found = result.get(epoch, {}).get(part, {})
            for metric in experiment.metrics:
                if metric not in found:
                    raise SymlossError(
                        f"the trainer gave no {part} {metric} of the {epoch} epoch on {experiment.title}; it must give "
                        f"{', '.join(experiment.metrics)} of both epochs and parts"
                    )
    return result
