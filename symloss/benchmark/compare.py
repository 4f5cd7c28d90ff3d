"""Trains losses with the same seeds, splits, budget and gradient scale, and says how they differ."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from symloss.benchmark.statistics import Paired, Summary, holm, paired_difference, summary
from symloss.codegen.gradients import scale_of
from symloss.errors import SymlossError
from symloss.fitness import Evaluator
from symloss.formula import Formula, to_text
from symloss.losses import CatalogueLoss, find, formula_alone, title
from symloss.symbolic import certify, loss_id, to_latex
from symloss.tasks import Task

#: A comparison has the seeds 0, 1, 2, ... below this; searches draw theirs far above.
MAX_SEEDS = 1000


@dataclass(frozen=True)
class Contender:
    """A loss to compare.

    Attributes:
        name: what the table calls it.
        loss: the formula of one class on a softmax, or a known loss, which may be more than that.
    """

    name: str
    loss: Formula | CatalogueLoss

    @cached_property
    def id(self) -> str:
        """Equal for equivalent formulas; see :attr:`CatalogueLoss.id` for losses that are more than a formula."""
        return loss_id(self.loss) if isinstance(self.loss, Formula) else self.loss.id

    @cached_property
    def written_id(self) -> str:
        """The id with a hash of how the loss is written: equivalent losses share an id whatever their factor is."""
        loss = self.loss
        written = to_text(loss) if isinstance(loss, Formula) else f"{loss.class_reduction} {loss.text}"
        return f"{self.id}-{hashlib.blake2b(written.encode(), digest_size=8).hexdigest()}"

    def to_json(self) -> dict[str, Any]:
        """Return ``{loss, id, expression, latex, size, note, certificate}``.

        The note says why the formula alone is not the loss; it is None where it is, and else the certificate is.
        """
        loss, formula, certificate = self.loss, formula_alone(self.loss), None
        if formula is not None:
            curves = zip(("r0", "r1"), certify(formula), strict=True)
            certificate = {curve: found.to_dict() for curve, found in curves}
        if isinstance(loss, Formula):
            written = {"expression": to_text(loss), "latex": to_latex(loss), "size": loss.size, "note": None}
        else:
            written = {"expression": loss.text, "latex": loss.latex, "size": loss.size, "note": loss.beyond or None}
        return {"loss": self.name, "id": self.id} | written | {"certificate": certificate}


@dataclass(frozen=True)
class Row:
    """One loss's result.

    Attributes:
        contender: the loss.
        scale: the factor that gave it cross-entropy's gradient norm at uniform p.
        validation: the task's first metric over the seeds, on each seed's validation part.
        test: the same on the test set.
        gain: the paired difference in the test score to the baseline; None for the baseline itself.
        p_adjusted: the gain's p-value, Holm-corrected over all rows with a gain; None if the gain has none.
        others: validation and test of the task's further metrics, by name.
    """

    contender: Contender
    scale: float
    validation: Summary
    test: Summary
    gain: Paired | None
    p_adjusted: float | None
    others: dict[str, tuple[Summary, Summary]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return :meth:`Contender.to_json` with ``{scale, validation, test, gain, metrics}``."""
        gain = None
        if self.gain is not None:
            gain = self.gain.to_json() | {"ci95": self.gain.ci95, "p_holm": self.p_adjusted}
        return self.contender.to_json() | {
            "scale": self.scale,
            "validation": self.validation.to_json(),
            "test": self.test.to_json(),
            "gain": gain,
            "metrics": {
                name: {"validation": validation.to_json(), "test": test.to_json()}
                for name, (validation, test) in self.others.items()
            },
        }


def catalogue_contenders(names: Sequence[str]) -> list[Contender]:
    """Return known losses by name, perhaps with parameters, each once.

    Raises:
        SymlossError: an unknown name or parameter.
    """
    known = {title(loss): loss for loss in map(find, names)}
    return [Contender(name, loss) for name, loss in known.items()]


def compare(
    contenders: Sequence[Contender],
    task: Task,
    seeds: int,
    *,
    baseline: str = "ce",
    progress: Callable[[int, int], None] | None = None,
    evaluator: Evaluator | None = None,
) -> list[Row]:
    """Train every loss at the task's full budget with seeds 0 .. seeds-1 and read the test set once.

    Args:
        contenders: the losses, one of them named ``baseline``.
        task: data, network and budget.
        seeds: how many seeds, from 2 to :data:`MAX_SEEDS`; a paired test needs two.
        baseline: the name of the loss that gains are measured against.
        progress: called with networks x steps, done and in all.
        evaluator: where training runs; by default in this process on the CPU.

    Raises:
        SymlossError: too few or too many seeds, the baseline is missing, or a loss without a gradient at uniform p.
    """
    if not 2 <= seeds <= MAX_SEEDS:
        raise SymlossError(f"the number of seeds is {seeds}; it must be from 2 to {MAX_SEEDS}")
    names = [contender.name for contender in contenders]
    if baseline not in names:
        raise SymlossError(f"the baseline {baseline!r} is not among the losses {', '.join(names)}; add it")
    losses = [contender.loss for contender in contenders]
    scores = (evaluator or Evaluator()).train(
        task, losses, range(seeds), task.config.steps, test=True, progress=progress
    )
    assert scores.test is not None
    scales = [scale_of(loss, task.classes) for loss in losses]
    return rows_of(contenders, task.config.metrics, scores.validation, scores.test, scales, baseline)


def rows_of(
    contenders: Sequence[Contender],
    metrics: Sequence[str],
    validation: np.ndarray,
    test: np.ndarray,
    scales: Sequence[float],
    baseline: str,
) -> list[Row]:
    """Return the rows of one comparison from its scores.

    Args:
        contenders: the K losses, one of them named ``baseline``.
        metrics: the M metrics; gains are of the first.
        validation, test: ``[M, K, S]``, by metric, loss and seed.
        scales: the factor of each loss.
        baseline: the name of the loss that gains are measured against.
    """
    names = [contender.name for contender in contenders]
    reference = test[0][names.index(baseline)]
    gains = [None if name == baseline else paired_difference(test[0][k], reference) for k, name in enumerate(names)]
    # A gain without a p-value is a comparison all the same: leaving it out would ease the correction of the others.
    tested = {k: 1.0 if gain.p is None else gain.p for k, gain in enumerate(gains) if gain is not None}
    adjusted = {
        k: p
        for k, p in zip(tested, holm(list(tested.values())), strict=True)
        if (gain := gains[k]) is not None and gain.p is not None
    }
    return [
        Row(
            contender,
            scales[k],
            summary(validation[0][k]),
            summary(test[0][k]),
            gains[k],
            adjusted.get(k),
            {metric: (summary(validation[m][k]), summary(test[m][k])) for m, metric in enumerate(metrics) if m},
        )
        for k, contender in enumerate(contenders)
    ]
