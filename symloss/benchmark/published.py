"""Published tables that are printed beside ours; read from YAML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symloss.benchmark.schema import PublishedShape, read_shape
from symloss.benchmark.trainers import Experiment
from symloss.errors import SymlossError
from symloss.grammar.reader import Document, decode, read_bytes
from symloss.models import canonical

_NEEDS = "a published table is a mapping with source and tasks"


@dataclass(frozen=True)
class PublishedScore:
    """A published number.

    Attributes:
        mean: a fraction of 1.
        std: its standard deviation, if it was published.
    """

    mean: float
    std: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return ``{mean, std}``."""
        return {"mean": self.mean, "std": self.std}


@dataclass(frozen=True)
class Published:
    """A published table.

    Attributes:
        source: where it is from.
        scores: by (dataset, model, condition, metric) and loss; models have their canonical spelling.
    """

    source: str
    scores: dict[tuple[str, str, str, str], dict[str, PublishedScore]]

    def of_experiment(self, experiment: Experiment) -> dict[str, PublishedScore]:
        """Return the scores of an experiment's first metric by loss; empty where nothing was published."""
        return self.of(experiment.dataset, experiment.model, experiment.condition, experiment.metrics[0])

    def of(self, dataset: str, model: str, condition: str, metric: str) -> dict[str, PublishedScore]:
        """Return the scores of one task by loss; empty where nothing was published."""
        return self.scores.get((dataset, _spelled(model), condition, metric), {})


def load_published(path: Path) -> Published:
    """Read a published table.

    Raises:
        SymlossError: no readable file, or mistakes in it, each as a line ``FILE:LINE: ...``.
    """
    what = "published table"
    document = Document(decode(read_bytes(path, what), str(path), what, "source and tasks"), str(path), None)
    shape = read_shape(PublishedShape, document.data, document.problems, _NEEDS)
    unit = 1.0
    found: dict[tuple[str, str, str, str], dict[str, PublishedScore]] = {}
    for place, task in enumerate(shape.tasks if shape else ()):
        assert shape is not None
        unit = 100.0 if shape.unit == "percent" else 1.0
        key = (task.dataset, _spelled(task.model), task.condition, task.metric)
        if key in found:
            document.problems.add(("tasks", place), f"the task {', '.join(filter(None, key))} is given twice; keep one")
        found[key] = {}
        for loss, value in task.scores.items():
            numbers = value if isinstance(value, list) else [value]
            if not 1 <= len(numbers) <= 2:
                document.problems.add(
                    ("tasks", place, "scores", loss), f"{loss} must be a number, or a list of mean and deviation"
                )
                continue
            if numbers[1:] and numbers[1] < 0:
                document.problems.add(
                    ("tasks", place, "scores", loss), f"{loss} has the deviation {numbers[1]}; it must be at least 0"
                )
                continue
            found[key][loss] = PublishedScore(numbers[0] / unit, numbers[1] / unit if len(numbers) == 2 else None)
    document.problems.raise_any()
    assert shape is not None
    return Published(shape.source, found)


def _spelled(model: str) -> str:
    """Return a model's canonical spelling, or a name that we do not have as it is."""
    try:
        return canonical(model)
    except SymlossError:
        return model
