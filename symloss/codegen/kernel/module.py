"""A class-wise loss as an ``nn.Module``, called like ``torch.nn.CrossEntropyLoss``."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from symloss.codegen.kernel.autograd_path import loss_by_autograd
from symloss.codegen.kernel.fused import FusedLoss, Scale, evaluate
from symloss.codegen.kernel.inputs import (
    CLASS_REDUCTIONS,
    OUTPUTS,
    REDUCTIONS,
    check_classes,
    check_indices,
    check_numbers,
    check_option,
    check_probabilities,
    check_range,
    check_tensors,
    check_weight,
    check_weight_fits,
    readable,
    transformed,
)
from symloss.codegen.kernel.job import Job
from symloss.codegen.kernel.probabilities import Curves


class ClassWiseLoss(nn.Module):
    """The loss of a sample is the sum (or mean) over classes of w_c * L(p_c, y_c); see :class:`symloss.Loss`."""

    def __init__(
        self,
        curves: Curves,
        *,
        output: str,
        class_reduction: str,
        weight: Tensor | None,
        ignore_index: int,
        reduction: str,
        label_smoothing: float,
    ) -> None:
        super().__init__()
        check_option("output", output, OUTPUTS)
        check_option("class_reduction", class_reduction, CLASS_REDUCTIONS)
        check_option("reduction", reduction, REDUCTIONS)
        check_numbers(ignore_index, label_smoothing)
        check_weight(weight)
        self._curves = curves
        self.output = output
        self.class_reduction = class_reduction
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.label_smoothing = float(label_smoothing)
        self.register_buffer("weight", weight)
        self.weight: Tensor | None

    def extra_repr(self) -> str:
        """Return the options for ``repr``, those at their defaults left out but for two."""
        text = f"class_reduction={self.class_reduction!r}, reduction={self.reduction!r}"
        if self.output != "softmax":
            text = f"output={self.output!r}, {text}"
        if self.weight is not None:
            text += f", weight=[{len(self.weight)}]"
        if self.ignore_index != -100:
            text += f", ignore_index={self.ignore_index}"
        return text + (f", label_smoothing={self.label_smoothing}" if self.label_smoothing else "")

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss.

        Raises:
            SymlossError: a shape or type that does not fit, or a label outside its range (looked at on the CPU alone:
                elsewhere it would stall the device, which reports a bad index itself).
        """
        check_tensors(logits, target)
        if self.output == "sigmoid" and target.dim() == logits.dim():
            return self._elementwise(logits, target)
        check_classes(logits)
        dim = 0 if logits.dim() == 1 else 1
        classes = logits.shape[dim]
        check_weight_fits(self.weight, classes)
        if target.is_floating_point():
            check_probabilities(logits, target)
        else:
            check_indices(logits, target, dim)
        shape = logits.shape[:dim] + logits.shape[dim + 1 :]
        if logits.dim() == 1:
            logits, target = logits.unsqueeze(0), target.unsqueeze(0)
        elif logits.dim() > 3:
            logits, target = logits.flatten(2), target.flatten(2 if target.is_floating_point() else 1)
        if target.is_floating_point():
            return self._probabilities(logits, target).reshape(() if self.reduction != "none" else shape)
        return self._indices(logits, target.long()).reshape(() if self.reduction != "none" else shape)

    def _indices(self, logits: Tensor, target: Tensor) -> Tensor:
        classes = logits.shape[1]
        target, valid = self._kept(target, classes - 1, "class index")
        labels = None
        if self.label_smoothing:
            low = self.label_smoothing / (2 if self.output == "sigmoid" else classes)
            labels = (low, 1 - self.label_smoothing + low)
        scale: Scale = 1.0
        if self.reduction == "mean":
            if self.weight is not None:
                counted = self.weight.to(_precision(logits))[target]
                total: Scale = (counted if valid is None else counted.masked_fill(~valid, 0.0)).sum()
            else:
                total = target.numel() if valid is None else valid.sum()
            scale = _inverse(total, logits)
        return self._run(logits, target.unsqueeze(1), valid, scale, hard=True, labels=labels)

    def _probabilities(self, logits: Tensor, target: Tensor) -> Tensor:
        if readable(target):
            check_range(target.detach(), 1, "class probability")
        scale = 1.0 if self.reduction != "mean" else _inverse(target.numel() // target.shape[1], logits)
        target = target.to(_precision(logits))
        if self.label_smoothing:
            even = 1 / (2 if self.output == "sigmoid" else target.shape[1])
            target = target * (1 - self.label_smoothing) + self.label_smoothing * even
        return self._run(logits, target, None, scale, hard=False)

    def _elementwise(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss of each element of a sigmoid output on its own."""
        check_probabilities(logits, target)
        check_weight_fits(self.weight, logits.shape[1] if logits.dim() > 1 else None)
        valid = None
        if target.is_floating_point():
            if readable(target):
                check_range(target.detach(), 1, "label")
        elif target.dtype != torch.bool:
            target, valid = self._kept(target.long(), 1, "label")
        total: Scale = target.numel() if valid is None else valid.sum()
        scale = _inverse(total, logits) if self.reduction == "mean" else 1.0
        target = target.to(_precision(logits))
        if self.label_smoothing:
            target = target * (1 - self.label_smoothing) + self.label_smoothing / 2
        return self._run(logits, target, valid, scale, hard=False, elementwise=True)

    def _kept(self, target: Tensor, high: int, what: str) -> tuple[Tensor, Tensor | None]:
        """Return the labels with ignored ones replaced by 0, and which are not ignored, None if that is all."""
        if readable(target):
            least, most = torch.aminmax(target)
            if least.item() >= 0 and most.item() <= high and not 0 <= self.ignore_index <= high:
                return target, None
            check_range(target, high, what, self.ignore_index)
        valid = target != self.ignore_index
        return target.masked_fill(~valid, 0), valid

    def _run(
        self,
        logits: Tensor,
        target: Tensor,
        valid: Tensor | None,
        scale: Scale,
        *,
        hard: bool,
        labels: tuple[float, float] | None = None,
        elementwise: bool = False,
    ) -> Tensor:
        weight = self.weight
        job = Job(
            self._curves,
            self.output == "sigmoid",
            hard,
            labels,
            weight is not None,
            elementwise,
            self.reduction != "none",
        )
        precision = _precision(logits)
        if weight is not None:
            weight = weight.to(precision).reshape(1, -1, *[1] * (logits.dim() - 2))
        if self.class_reduction == "mean" and not elementwise:
            scale = scale / logits.shape[1]
        if transformed() or torch.autograd.forward_ad._current_level >= 0 or (not hard and target.requires_grad):
            return self._plain(job, logits.to(precision), target, weight, valid, scale)
        if torch.is_grad_enabled() and logits.requires_grad:
            loss: Tensor = FusedLoss.apply(job, logits, target, weight, valid, scale)
            return loss
        return evaluate(job, logits, target, weight, valid, scale, gradient=False)[0]

    @staticmethod
    def _plain(
        job: Job, logits: Tensor, target: Tensor, weight: Tensor | None, valid: Tensor | None, scale: Scale
    ) -> Tensor:
        loss = loss_by_autograd(job, logits, target, weight)
        if valid is not None:
            loss = loss.masked_fill(~valid, 0.0)
        return (loss.sum() if job.reduce else loss) * scale


def _precision(logits: Tensor) -> torch.dtype:
    """Return the type that is computed in."""
    return torch.float32 if logits.dtype.itemsize < 4 else logits.dtype


def _inverse(total: Scale, logits: Tensor) -> Scale:
    """Return 1 / total; of nothing the mean is nan, as torch has it."""
    if isinstance(total, Tensor):
        return 1 / total.to(_precision(logits))
    return 1 / total if total else math.nan
