"""The final comparison: what a search found against the baselines, with seeds and test data it never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symloss.benchmark.compare import Contender, Row, catalogue_contenders, compare
from symloss.fitness import Evaluator
from symloss.search.candidate import Candidate
from symloss.search.config import SearchConfig
from symloss.symbolic import displayed_form
from symloss.tasks import Task, TaskConfig


@dataclass(frozen=True)
class Discovery:
    """A loss that a search found, in the form that was compared.

    Attributes:
        rank: from 1, by the search's validation score; the test set has no say in it.
        candidate: the search's record.
        contender: its displayed form, which is what the comparison trains.
        search_validation: mean validation score on the search's last rung, the first task's first metric.
    """

    rank: int
    candidate: Candidate
    contender: Contender
    search_validation: float


@dataclass(frozen=True)
class TaskRows:
    """What the final comparison found on one task.

    Attributes:
        task: its settings.
        rows: the results of the losses found, in their order.
        controls: those of the control's losses.
        baselines: the baselines' results.
    """

    task: TaskConfig
    rows: list[Row]
    controls: list[Row]
    baselines: list[Row]


@dataclass(frozen=True)
class Audit:
    """The final comparison.

    Attributes:
        discoveries: the losses found, best validation score first.
        controls: what the equal-budget control found, if there was one: its best.
        tasks: the results on each task.
    """

    discoveries: list[Discovery]
    controls: list[Discovery]
    tasks: list[TaskRows]

    @property
    def rows(self) -> list[Row]:
        """The results of the losses found on the first task."""
        return self.tasks[0].rows

    @property
    def baselines(self) -> list[Row]:
        """The baselines' results on the first task."""
        return self.tasks[0].baselines


def discoveries(hall_of_fame: Sequence[Candidate], number: int, prefix: str = "#") -> list[Discovery]:
    """Return the first losses of a hall of fame, in their simplest form."""
    return [
        Discovery(
            rank,
            candidate,
            Contender(f"{prefix}{rank}", displayed_form(candidate.derivation.formula)),
            candidate.score,
        )
        for rank, candidate in enumerate(hall_of_fame[:number], 1)
    ]


def audit(
    hall_of_fame: Sequence[Candidate],
    tasks: Task | Sequence[Task],
    config: SearchConfig,
    progress: Callable[[int, int], None] | None = None,
    *,
    control: Sequence[Candidate] = (),
    evaluator: Evaluator | None = None,
) -> Audit:
    """Train the best losses found and the baselines with fresh seeds, and read each test set once.

    Args:
        hall_of_fame: what the search found, best first.
        tasks: of the search.
        config: its settings.
        progress: called with networks x steps, done and in all, over all tasks.
        control: the hall of fame of an equal-budget control; its best is compared too.
        evaluator: where training runs.
    """
    tasks = [tasks] if isinstance(tasks, Task) else list(tasks)
    found = discoveries(hall_of_fame, config.discovered)
    controls = discoveries(control, 1, f"{config.control} #")
    baselines = catalogue_contenders(config.baselines)
    contenders = [discovery.contender for discovery in (*found, *controls)] + baselines
    works = [len(contenders) * config.audit_seeds * task.config.steps for task in tasks]
    compared = []
    for number, task in enumerate(tasks):

        def tick(done: int, _: int, before: int = sum(works[:number])) -> None:
            if progress:
                progress(before + done, sum(works))

        rows = compare(
            contenders, task, config.audit_seeds, baseline=config.baselines[0], progress=tick, evaluator=evaluator
        )
        end = len(found) + len(controls)
        compared.append(TaskRows(task.config, rows[: len(found)], rows[len(found) : end], rows[end:]))
    return Audit(found, controls, compared)
