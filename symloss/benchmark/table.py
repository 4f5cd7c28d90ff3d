"""One task's table: a row for each loss, and the learning rate that it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symloss.benchmark.cells import Outcome
from symloss.benchmark.compare import Row, rows_of
from symloss.benchmark.config import BenchmarkConfig
from symloss.benchmark.published import PublishedScore
from symloss.benchmark.scoring import direction, scores_of
from symloss.benchmark.statistics import Summary, comparable, summary
from symloss.benchmark.trainers import NO_FRACTION, Experiment

#: A corrected p-value below this is called a difference.
LEVEL = 0.05


@dataclass(frozen=True)
class Rate:
    """The learning rate that a loss took on a task.

    Attributes:
        lr: the rate.
        tried: each rate of the sweep with its validation scores; empty without a sweep.
    """

    lr: float
    tried: tuple[tuple[float, Summary], ...] = ()

    @property
    def edge(self) -> bool:
        """Whether it is the smallest or largest of the sweep, so that a better one may lie beyond."""
        rates = [lr for lr, _ in self.tried]
        return len(rates) > 1 and self.lr in (min(rates), max(rates))

    def to_json(self) -> dict[str, Any]:
        """Return ``{chosen, edge, tried: [{lr, validation: SCORE}]}``."""
        tried = [{"lr": lr, "validation": scores.to_json()} for lr, scores in self.tried]
        return {"chosen": self.lr, "edge": self.edge, "tried": tried}


@dataclass(frozen=True)
class Epochs:
    """A full-size run's scores of the first metric, at its best epoch by validation and at its last.

    Attributes:
        validation, test: over seeds, by ``"best"`` and ``"last"``.
    """

    validation: Mapping[str, Summary]
    test: Mapping[str, Summary]


@dataclass(frozen=True)
class TaskResult:
    """One table.

    Attributes:
        experiment: what the losses were trained on.
        rows: one per loss, in the configuration's order.
        rates: the learning rate of each.
        diverged: of how many seeds training diverged, for each.
        epochs: for each loss of a full-size experiment; empty for populations.
        published: published scores of the same task, by loss.
        band: in points, for :meth:`sign`.
    """

    experiment: Experiment
    rows: tuple[Row, ...]
    rates: tuple[Rate, ...]
    diverged: tuple[int, ...]
    epochs: tuple[Epochs, ...]
    published: Mapping[str, PublishedScore]
    band: float

    @property
    def metric(self) -> str:
        """The metric that decides."""
        return self.experiment.metrics[0]

    def gain(self, row: Row) -> float:
        """Return a row's gain, counted so that more is better; 0 for the baseline."""
        return 0.0 if row.gain is None else direction(self.metric) * row.gain.mean

    def sign(self, row: Row) -> str | None:
        """Return "=" if a row's mean is within the band of the baseline's, else "+" (better) or "-".

        None for the baseline itself, and for a metric of which points mean nothing.
        """
        if row.gain is None or self.metric in NO_FRACTION:
            return None
        points = 100 * self.gain(row)
        return "=" if abs(points) <= self.band * (1 + 1e-9) else "+" if points > 0 else "-"

    def differs(self, row: Row) -> int:
        """Return 1 for a row that is better than the baseline beyond noise, -1 for a worse one, else 0."""
        if row.p_adjusted is None or row.p_adjusted >= LEVEL:
            return 0
        return int(np.sign(self.gain(row)))

    def to_json(self) -> list[dict[str, Any]]:
        """Return a mapping for each row."""
        return [self._row(number, row) for number, row in enumerate(self.rows)]

    def _row(self, number: int, row: Row) -> dict[str, Any]:
        published = self.published.get(row.contender.name)
        epochs = None
        if self.epochs:
            found = self.epochs[number]
            epochs = {
                name: {"validation": found.validation[name].to_json(), "test": found.test[name].to_json()}
                for name in found.test
            }
        return row.to_json() | {
            "task": self.experiment.title,
            "dataset": self.experiment.dataset,
            "model": self.experiment.model,
            "condition": self.experiment.condition,
            "trainer": self.experiment.trainer,
            "metric": self.metric,
            "band": self.sign(row),
            "lr": self.rates[number].to_json(),
            "diverged": self.diverged[number],
            "epochs": epochs,
            "published": published.to_json() if published else None,
        }


def choose_rate(metric: str, tried: Sequence[tuple[float, Summary]], failed: Sequence[int]) -> Rate:
    """Return the best rate: with the fewest failed runs, then the best mean validation score; the first of equals.

    Args:
        metric: the one that decides.
        tried: each rate with its validation scores.
        failed: how many of its runs diverged or have a score that is not finite.
    """
    # A failed run may hold a harmless score, such as that of the epoch before it failed.
    best = max(
        range(len(tried)),
        key=lambda place: (-failed[place], direction(metric) * comparable(tried[place][1].mean)),
    )
    return Rate(tried[best][0], tuple(tried))


def task_result(
    config: BenchmarkConfig,
    experiment: Experiment,
    outcomes: Sequence[Sequence[Outcome]],
    rates: Sequence[Rate],
    scales: Sequence[float],
    classes: int,
) -> TaskResult:
    """Return one task's table.

    Args:
        config: the benchmark.
        experiment: the task.
        outcomes: ``[losses][seeds]``.
        rates: of each loss.
        scales: of each loss.
        classes: the number of classes C.
    """

    def table(epoch: str, part: str) -> np.ndarray:
        return np.array([scores_of(outcomes, epoch, part, metric, classes) for metric in experiment.metrics])

    validation, test = table(config.select, "validation"), table(config.select, "test")
    epochs: list[Epochs] = []
    if experiment.trainer != "population":
        parts = {part: {epoch: table(epoch, part)[0] for epoch in ("best", "last")} for part in ("validation", "test")}
        epochs = [
            Epochs(*({epoch: summary(found[k]) for epoch, found in parts[part].items()} for part in parts))
            for k in range(len(outcomes))
        ]
    published = config.published.of_experiment(experiment) if config.published else {}
    return TaskResult(
        experiment,
        tuple(rows_of(config.contenders, experiment.metrics, validation, test, scales, config.baseline)),
        tuple(rates),
        tuple(sum(one.diverged for one in mine) for mine in outcomes),
        tuple(epochs),
        published,
        config.band,
    )
