"""What a network's logits are worth: metrics of many networks at once, each a fraction of 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # torch and torchmetrics take seconds to import, and configurations need the names alone
    from torch import Tensor

_BINS = 15


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: its key in :data:`METRICS`.
        description: one line for listings.
        higher_is_better: whether selection looks for high values.
        worst: the worst value that it can have.
        compute: from logits ``[K, N, C]`` and labels ``[N]`` to values ``[K]`` float64.
    """

    name: str
    description: str
    higher_is_better: bool
    worst: float
    compute: Callable[[Tensor, Tensor], np.ndarray]

    def __call__(self, logits: Tensor, labels: Tensor) -> np.ndarray:
        """Return the metric ``[K]`` float64 of K networks.

        Where labels are counted, a sample with a logit that is not finite has no predicted class: it is wrong. Where
        probabilities are compared, a network with such a logit gets the worst value, as does one whose value is nan.

        Args:
            logits: ``[K, N, C]``, floating point, on any device.
            labels: the N clean labels in ``0..C-1``, on the same device.
        """
        found = self.compute(logits.detach(), labels)
        return np.where(np.isnan(found), self.worst, found)


def _accuracy(logits: Tensor, labels: Tensor) -> np.ndarray:
    """A sample is right if its label is the first of the largest logits.

    Comparing with the maximum is 3 to 10 times as fast as argmax. It errs only where two logits tie or one is not
    finite, so networks with such samples are done again the plain way.
    """
    top = logits.amax(-1)
    own = logits.gather(-1, labels.expand(len(logits), -1)[..., None])[..., 0]
    correct = (own == top).count_nonzero(1)
    largest = (logits == top[..., None]).count_nonzero((1, 2))
    suspect = (largest != labels.numel()) | ~logits.sum((1, 2)).isfinite()
    if suspect.any():
        correct[suspect] = (_predicted(logits[suspect]) == labels).count_nonzero(1)
    return correct.cpu().numpy() / labels.numel()


def _predicted(logits: Tensor) -> Tensor:
    """Return the classes ``[K, N]``: the first of the largest logits, or C where a logit is not finite."""
    return logits.argmax(-1).masked_fill(~logits.isfinite().all(-1), logits.shape[-1])


def _counts(logits: Tensor, labels: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each class's true positives, false positives and false negatives ``[K, C]``."""
    from torchmetrics.functional.classification import multiclass_stat_scores

    found = multiclass_stat_scores(
        _predicted(logits),
        labels.expand(len(logits), -1),
        num_classes=logits.shape[-1] + 1,  # the last one is "no class"
        average="none",
        multidim_average="samplewise",
        validate_args=False,
    )
    true, false, _, missed, _ = found[:, :-1].double().cpu().numpy().transpose(2, 0, 1)
    return true, false, missed


def _balanced_accuracy(logits: Tensor, labels: Tensor) -> np.ndarray:
    true, _, missed = _counts(logits, labels)
    present = true[0] + missed[0] > 0
    return (true[:, present] / (true + missed)[:, present]).mean(1)


def _macro_f1(logits: Tensor, labels: Tensor) -> np.ndarray:
    true, false, missed = _counts(logits, labels)
    total = 2 * true + false + missed
    return (2 * true / np.maximum(total, 1)).sum(1) / (total > 0).sum(1)


def _probabilistic(logits: Tensor, worst: float, compute: Callable[[Tensor], float]) -> np.ndarray:
    """Return ``compute(p [N, C])`` of each network, in float64 and on the CPU, as not every device has float64."""
    finite = logits.isfinite().flatten(1).all(1).cpu()
    values = np.full(len(logits), worst)
    for k, probabilities in enumerate(logits.cpu()):
        if finite[k]:
            values[k] = compute(probabilities.double().softmax(-1))
    return values


def _auroc(logits: Tensor, labels: Tensor) -> np.ndarray:
    from torchmetrics.functional.classification import binary_auroc

    labels = labels.cpu()
    # One class at a time: torchmetrics' own macro average counts classes without samples.
    classes = [(c, labels == c) for c in labels.unique().tolist()]
    classes = [(c, target) for c, target in classes if not target.all()]

    def area(p: Tensor) -> float:
        areas = [float(binary_auroc(p[:, c], target.long(), validate_args=False)) for c, target in classes]
        return float(np.mean(areas)) if areas else 0.0

    return _probabilistic(logits, 0.0, area)


def _ece(logits: Tensor, labels: Tensor) -> np.ndarray:
    from torchmetrics.functional.classification import multiclass_calibration_error

    labels = labels.cpu()

    def error(p: Tensor) -> float:
        # Torchmetrics puts a confidence that is 1 in float32 into a bin of its own.
        below_one = p.clamp(max=1 - 2.0**-24)
        return float(
            multiclass_calibration_error(below_one, labels, p.shape[-1], _BINS, norm="l1", validate_args=False)
        )

    return _probabilistic(logits, 1.0, error)


#: Every metric by name.
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "the share of samples whose largest logit is the label's", True, 0.0, _accuracy),
        Metric(
            "balanced-accuracy",
            "the mean of the classes' recalls, over the classes that have samples",
            True,
            0.0,
            _balanced_accuracy,
        ),
        Metric(
            "macro-f1",
            "the mean of the classes' F1 scores, over those with samples or predictions",
            True,
            0.0,
            _macro_f1,
        ),
        Metric(
            "auroc",
            "the area under the ROC curve of each class against the rest, by softmax probability, mean over classes",
            True,
            0.0,
            _auroc,
        ),
        Metric(
            "ece",
            f"the expected calibration error of the largest probability in {_BINS} equal bins (Guo et al. 2017)",
            False,
            1.0,
            _ece,
        ),
    )
}
