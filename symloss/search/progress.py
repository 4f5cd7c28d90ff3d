"""What a search says of itself while it runs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Leader:
    """One of the best losses so far.

    Attributes:
        score: its validation score.
        size: its node count.
        formula: its text.
    """

    score: float
    size: int
    formula: str


@dataclass
class Progress:
    """The state of a search, updated in place; an observer reads it whenever it is called.

    Attributes:
        phase: what is being done: ``"noise"``, ``"screening"``, ``"trial"``, ``"training"``, ``"final rung"``,
            ``"control"`` or ``"comparison"``.
        generation, generations: the generation in hand, from 0, and how many there will be; None if time decides.
        drawn: candidates drawn so far.
        rejected: how many each screen rejected.
        trained: candidates trained so far, at least on the first rung.
        trained_before: the part of them that an earlier process had trained.
        budget: how many will be trained; None if time decides.
        seconds_limit: how long the search may take; None without a limit.
        metric: what ``best`` and ``baseline`` are.
        rung: the rung in hand, from 0.
        best: the best validation score on the longest rung reached so far.
        best_formula: its formula's text.
        leaders: the best few losses on that rung, best first, the best included.
        best_rung: that rung.
        baseline: cross-entropy's validation score on the same rung, with the first generation's seeds.
        control_trained: candidates that the control has trained.
        work_done, work_total: networks x steps trained and to be trained in all.
        work_replayed: the part of ``work_done`` that an earlier process had trained.
        earlier_seconds: how long earlier processes worked on the search.
        started: when this process began, on ``time.monotonic``'s clock.
    """

    phase: str = "screening"
    generation: int = 0
    generations: int | None = 0
    drawn: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    trained: int = 0
    trained_before: int = 0
    budget: int | None = 0
    seconds_limit: float | None = None
    metric: str = "accuracy"
    rung: int = 0
    best: float | None = None
    best_formula: str = ""
    best_rung: int = -1
    leaders: list[Leader] = field(default_factory=list)
    baseline: float | None = None
    control_trained: int = 0
    work_done: float = 0.0
    work_replayed: float = 0.0
    work_total: float = 1.0
    earlier_seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def replay(self, work: float) -> None:
        """Count networks x steps that an earlier process had trained."""
        self.work_done += work
        self.work_replayed += work

    @property
    def duplicates(self) -> int:
        """How many drawn candidates were the same loss as a known one."""
        return self.rejected["duplicate"]

    @property
    def seconds(self) -> float:
        """Seconds that all processes worked on the search."""
        return self.earlier_seconds + self.own_seconds

    @property
    def own_seconds(self) -> float:
        """Seconds since this process began."""
        return time.monotonic() - self.started

    @property
    def pace(self) -> float | None:
        """Candidates a second that this process trains, all else included; None while there are none."""
        here = self.trained - self.trained_before
        return here / self.own_seconds if here > 0 and self.own_seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """The time left if the rest of the work goes as fast as the work so far; None while there is none."""
        trained = self.work_done - self.work_replayed
        if trained <= 0:
            return None
        if self.budget is None:
            return max((self.seconds_limit or 0.0) - self.seconds, 0.0)
        return self.own_seconds * max(self.work_total - self.work_done, 0.0) / trained


Observer = Callable[[Progress], None]
