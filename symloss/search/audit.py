"""The final comparison: what a search found against the baselines, with seeds and test data it never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from symloss.benchmark.compare import Contender, Row, catalogue_contenders, compare
from symloss.search.candidate import Candidate
from symloss.search.config import SearchConfig
from symloss.symbolic import displayed_form
from symloss.tasks import Task


@dataclass(frozen=True)
class Discovery:
    """A loss that a search found, in the form that was compared.

    Attributes:
        rank: from 1, by the search's validation score; the test set has no say in it.
        candidate: the search's record.
        contender: its displayed form, which is what the comparison trains.
        search_validation: mean validation accuracy on the search's last rung.
    """

    rank: int
    candidate: Candidate
    contender: Contender
    search_validation: float


@dataclass(frozen=True)
class Audit:
    """The final comparison.

    Attributes:
        discoveries: the losses found, best validation score first.
        rows: their results, in the same order.
        baselines: the baselines' results.
    """

    discoveries: list[Discovery]
    rows: list[Row]
    baselines: list[Row]


def discoveries(hall_of_fame: Sequence[Candidate], config: SearchConfig) -> list[Discovery]:
    """Return the losses to compare, in their simplest form."""
    chosen = hall_of_fame[: config.discovered]
    return [
        Discovery(
            rank,
            candidate,
            Contender(f"#{rank}", displayed_form(candidate.derivation.formula)),
            float(np.mean(candidate.scores[candidate.rung])),
        )
        for rank, candidate in enumerate(chosen, 1)
    ]


def audit(
    hall_of_fame: Sequence[Candidate],
    task: Task,
    config: SearchConfig,
    progress: Callable[[int, int], None] | None = None,
) -> Audit:
    """Train the best losses found and the baselines with fresh seeds, and read the test set once."""
    found = discoveries(hall_of_fame, config)
    baselines = catalogue_contenders(config.baselines)
    rows = compare(
        [discovery.contender for discovery in found] + baselines,
        task,
        config.audit_seeds,
        baseline=config.baselines[0],
        progress=progress,
    )
    return Audit(found, rows[: len(found)], rows[len(found) :])
