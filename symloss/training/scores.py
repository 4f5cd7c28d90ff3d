"""Metrics gathered batch by batch and over processes: what is kept does not grow with the number of samples."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics import Metric

_BINS = 15
_TOP = 5


class Scores(Metric):
    """The metrics of a classifier or a segmentation network.

    A sample (a pixel) with a logit that is not finite has no predicted class: where labels are counted it is wrong,
    for ``ece`` it is wrong and certain, and ``nll`` is infinite.

    Args:
        names: names in :data:`~symloss.training.SCORES`.
        classes: C.
        ignore_index: labels of samples that count nowhere.
        exact: whether sums are float64, which not every device has.

    ``compute()`` returns the values by name, over all processes.
    """

    full_state_update = False
    confusion: Tensor
    top: Tensor
    nll: Tensor
    bins: Tensor

    def __init__(self, names: Sequence[str], classes: int, ignore_index: int, exact: bool = True) -> None:
        super().__init__()
        self.names, self.classes, self.ignore_index = tuple(names), classes, ignore_index
        self._kind = torch.float64 if exact else torch.float32
        # The last column counts samples without a predicted class.
        self.add_state("confusion", torch.zeros(classes, classes + 1, dtype=torch.int64), "sum")
        self.add_state("top", torch.zeros((), dtype=torch.int64), "sum")
        self.add_state("nll", torch.zeros((), dtype=self._kind), "sum")
        self.add_state("bins", torch.zeros(2, _BINS, dtype=self._kind), "sum")

    def update(self, logits: Tensor, target: Tensor) -> None:
        """Add a batch: logits ``[B, C]`` or ``[B, C, H, W]`` and labels ``[B]`` or ``[B, H, W]``."""
        logits, classes = logits.detach(), self.classes
        finite = logits.isfinite().all(1)
        predicted = logits.argmax(1).masked_fill(~finite, classes)
        valid = target != self.ignore_index
        labels = target[valid]
        pairs = labels * (classes + 1) + predicted[valid]
        self.confusion += torch.bincount(pairs, minlength=classes * (classes + 1)).view(classes, classes + 1)
        if {"top-5", "nll", "ece"}.isdisjoint(self.names):
            return
        # Images with many pixels one at a time: their logits as float64 are large.
        rows = len(logits) if logits.dim() == 2 else 1
        for some in torch.arange(len(logits)).split(rows):
            piece = slice(int(some[0]), int(some[-1]) + 1)
            self._add_rows(logits[piece], target[piece], predicted[piece], finite[piece])

    def _add_rows(self, logits: Tensor, target: Tensor, predicted: Tensor, finite: Tensor) -> None:
        valid, classes = target != self.ignore_index, self.classes
        labels, predicted, finite = target[valid], predicted[valid], finite[valid]
        rows = logits.movedim(1, -1)[valid].to(self._kind)
        if "top-5" in self.names:
            own = rows.gather(1, labels[:, None])
            before = torch.arange(classes, device=rows.device) < labels[:, None]
            rank = ((rows > own) | ((rows == own) & before)).sum(1)
            self.top += ((rank < _TOP) & finite).sum()
        if "nll" in self.names:
            self.nll += F.cross_entropy(rows, labels, reduction="sum").nan_to_num(nan=math.inf, posinf=math.inf)
        if "ece" in self.names:
            confidence = rows.softmax(1).amax(1).masked_fill(~finite, 1.0)
            edges = torch.linspace(0, 1, _BINS + 1, dtype=self._kind, device=rows.device)
            place = (torch.bucketize(confidence, edges, right=True) - 1).clamp(max=_BINS - 1)
            right = (predicted == labels).to(self._kind)
            self.bins += torch.stack([torch.zeros_like(edges[1:]).index_add_(0, place, x) for x in (confidence, right)])

    def compute(self) -> dict[str, float]:
        """Return the metrics; of no samples each is nan."""
        return {name: self._value(name) for name in self.names}

    def _value(self, name: str) -> float:
        counts = self.confusion.cpu().double()
        total = counts.sum()
        if total == 0:
            return math.nan
        right, true, found = counts.diagonal(), counts.sum(1), counts.sum(0)[:-1]
        present, met = true > 0, true + found > 0
        match name:
            case "top-5":
                value = self.top.item() / total
            case "nll":
                value = self.nll.item() / total
            case "ece":
                confidence, correct = self.bins.cpu().double()
                value = (confidence - correct).abs().sum() / total
            case "balanced-accuracy":
                value = (right[present] / true[present]).mean()
            case "macro-f1":
                value = (2 * right[met] / (true + found)[met]).mean()
            case "miou":
                value = (right[met] / (true + found - right)[met]).mean()
            case _:
                value = right.sum() / total
        return float(value)
