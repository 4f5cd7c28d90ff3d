"""What a benchmark found: a table for each task, the cells that they are made of, and the summary over tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symloss.benchmark.cells import Cell, Outcome
from symloss.benchmark.config import BenchmarkConfig
from symloss.benchmark.ranks import Ranking, ranking
from symloss.benchmark.scoring import direction
from symloss.benchmark.statistics import summary
from symloss.benchmark.table import TaskResult
from symloss.benchmark.trainers import NO_FRACTION


@dataclass(frozen=True)
class CellRecord:
    """A cell and what it gave, for tidy tables.

    Attributes:
        cell: what was trained.
        outcome: what it gave.
        stage: ``"sweep"`` or ``"final"``.
    """

    cell: Cell
    outcome: Outcome
    stage: str


@dataclass(frozen=True)
class BenchmarkResult:
    """A finished benchmark.

    Attributes:
        config: what was asked for.
        tasks: a table for each task.
        records: every cell that the tables are made of, those of sweeps included.
        run_dir: where the cells are.
        reused: how many of the cells were there before.
        damaged: lines on cell files that could not be used.
        seconds: of this call.
        environment: versions and hardware of this call.
    """

    config: BenchmarkConfig
    tasks: tuple[TaskResult, ...]
    records: tuple[CellRecord, ...]
    run_dir: Path
    reused: int
    damaged: tuple[str, ...]
    seconds: float
    environment: Mapping[str, Any]

    @property
    def ranking(self) -> Ranking:
        """How the losses rank over the tasks, by their mean test scores."""
        table = [[direction(task.metric) * row.test.mean for row in task.rows] for task in self.tasks]
        return ranking(table)

    def to_json(self) -> dict[str, Any]:
        """Return ``{config, results: [ROW], summary, published, cells, environment}``; see DESIGN for ROW."""
        return {
            "config": self.config.to_json(),
            "results": [row for task in self.tasks for row in task.to_json()],
            "summary": self._summary(),
            "published": self.config.published.source if self.config.published else None,
            "cells": {
                "directory": str(self.run_dir),
                "total": len({record.cell.name for record in self.records}),
                "reused": self.reused,
                "damaged": list(self.damaged),
                "seconds": round(sum(record.outcome.seconds for record in self.records), 1),
                "devices": sorted({record.outcome.device for record in self.records}),
            },
            "seconds": round(self.seconds, 1),
            "environment": dict(self.environment),
        }

    def _summary(self) -> dict[str, Any] | None:
        """Return what holds over tasks; None where there is only one.

        Differences are counted so that more is better. They and the band are left out unless all tasks have one
        metric, a fraction of 1: a mean of others has no unit.
        """
        if len(self.tasks) < 2:
            return None
        names = self.config.names
        metrics = {task.metric for task in self.tasks}
        metric = metrics.pop() if len(metrics) == 1 and not metrics & NO_FRACTION else None
        rows = []
        for number, name in enumerate(names):
            mine = [(task, task.rows[number]) for task in self.tasks]
            is_baseline = name == self.config.baseline
            signs = [task.sign(row) for task, row in mine]
            rows.append(
                {
                    "loss": name,
                    "difference": None
                    if is_baseline or metric is None
                    else summary([task.gain(row) for task, row in mine]).to_json(),
                    "band": None
                    if is_baseline or metric is None
                    else {sign: signs.count(sign) for sign in ("+", "=", "-")},
                    "significant": None
                    if is_baseline
                    else {
                        "better": sum(task.differs(row) > 0 for task, row in mine),
                        "worse": sum(task.differs(row) < 0 for task, row in mine),
                    },
                    "mean_rank": self.ranking.mean_ranks[number],
                }
            )
        return {"losses": rows, "metric": metric} | {
            key: value for key, value in self.ranking.to_json(names).items() if key != "mean_ranks"
        }
