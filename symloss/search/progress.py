"""What a search says of itself while it runs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Progress:
    """The state of a search, updated in place; an observer reads it whenever it is called.

    Attributes:
        phase: what is being done: ``"screening"``, ``"training"``, ``"final rung"`` or ``"comparison"``.
        generation, generations: the generation in hand, from 0, and how many there will be.
        drawn: candidates drawn so far.
        rejected: how many each screen rejected.
        trained: candidates trained so far, at least on the first rung.
        budget: how many will be trained.
        rung: the rung in hand, from 0.
        best: the best validation accuracy on the longest rung reached so far.
        best_formula: its formula's text.
        baseline: cross-entropy's validation accuracy on the same rung and seeds.
        work_done, work_total: networks x steps trained and to be trained in all.
        work_replayed: the part of ``work_done`` that an earlier process had trained.
        started: when this process began, on ``time.monotonic``'s clock.
    """

    phase: str = "screening"
    generation: int = 0
    generations: int = 0
    drawn: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    trained: int = 0
    budget: int = 0
    rung: int = 0
    best: float | None = None
    best_formula: str = ""
    baseline: float | None = None
    work_done: float = 0.0
    work_replayed: float = 0.0
    work_total: float = 1.0
    started: float = field(default_factory=time.monotonic)

    @property
    def duplicates(self) -> int:
        """How many drawn candidates were the same loss as a known one."""
        return self.rejected["duplicate"]

    @property
    def seconds(self) -> float:
        """Seconds since this process began."""
        return time.monotonic() - self.started

    @property
    def seconds_left(self) -> float | None:
        """The time left if the rest of the work goes as fast as the work so far; None while there is none."""
        trained = self.work_done - self.work_replayed
        if trained <= 0:
            return None
        return self.seconds * max(self.work_total - self.work_done, 0.0) / trained


Observer = Callable[[Progress], None]
