"""What a loss accepts: options, and shapes, types and ranges of logits and targets, with errors that say the fix."""

from __future__ import annotations

import torch
from torch import Tensor

from symloss.errors import SymlossError

REDUCTIONS = ("mean", "sum", "none")
CLASS_REDUCTIONS = ("sum", "mean")
OUTPUTS = ("softmax", "sigmoid")


def check_option(name: str, value: object, known: tuple[str, ...]) -> None:
    """Raise SymlossError unless the value is one of those known."""
    if value not in known:
        raise SymlossError(f"unknown {name} {str(value)!r}; known: {', '.join(known)}")


def check_numbers(ignore_index: object, label_smoothing: object) -> None:
    """Raise SymlossError unless they are a whole number, and a number from 0 to 1."""
    if isinstance(ignore_index, bool) or not isinstance(ignore_index, int):
        raise SymlossError(f"ignore_index is {ignore_index!r}; it must be a whole number, such as 255")
    smooth = isinstance(label_smoothing, int | float) and not isinstance(label_smoothing, bool)
    if not smooth or not 0 <= label_smoothing <= 1:  # type: ignore[operator]
        raise SymlossError(f"label_smoothing is {label_smoothing!r}; it must be from 0 to 1")


def check_weight(weight: object) -> None:
    """Raise SymlossError unless it is None or holds one number for each class."""
    if weight is None:
        return
    if not isinstance(weight, Tensor) or weight.dim() != 1 or not weight.is_floating_point():
        shown = list(weight.shape) if isinstance(weight, Tensor) else type(weight).__name__
        raise SymlossError(f"weight is {shown}; it must be a floating-point tensor [C], one number for each class")
    if weight.requires_grad:
        raise SymlossError("weight requires a gradient, but none flows to it; give weight.detach()")


def check_weight_fits(weight: Tensor | None, classes: int | None) -> None:
    """Raise SymlossError unless there is one weight for each class; ``classes`` is None where there is none."""
    if weight is None:
        return
    if classes is None:
        raise SymlossError("weight needs a dimension of classes, but logits [N] have none; make them [N, 1] or drop it")
    if len(weight) != classes:
        raise SymlossError(f"weight has {len(weight)} numbers for logits of {classes} classes; give one for each class")


def check_tensors(logits: object, target: object) -> None:
    """Raise SymlossError unless logits are floating point and target is a tensor beside them."""
    for name, value in (("logits", logits), ("target", target)):
        if not isinstance(value, Tensor):
            raise SymlossError(f"{name} must be a torch tensor, got {type(value).__name__}")
    assert isinstance(logits, Tensor)
    assert isinstance(target, Tensor)
    if not logits.is_floating_point():
        raise SymlossError(f"logits must be floating point, got {logits.dtype}; pass raw network outputs")
    if target.is_complex():
        raise SymlossError(f"target has type {target.dtype}; use integers for indices or floats for probabilities")
    if logits.device != target.device:
        raise SymlossError(f"logits are on {logits.device} and target on {target.device}; move one to the other")


def check_classes(logits: Tensor) -> None:
    """Raise SymlossError unless logits are [C] or [N, C, ...] with at least two classes."""
    if logits.dim() == 0:
        raise SymlossError("logits have no dimension; expected [C], [N, C] or [N, C, d1, ...]")
    classes = logits.shape[0 if logits.dim() == 1 else 1]
    if classes < 2:
        raise SymlossError(
            f"logits {list(logits.shape)} have {classes} class; a softmax needs at least 2 (dimension 1 holds the "
            'classes). For one logit a sample use output="sigmoid"'
        )


def check_indices(logits: Tensor, target: Tensor, dim: int) -> None:
    """Raise SymlossError unless target has the shape and type of class indices for these logits."""
    if target.dtype == torch.bool:
        raise SymlossError("target has type torch.bool; use integers for class indices (target.long())")
    expected = [size for place, size in enumerate(logits.shape) if place != dim]
    if list(target.shape) != expected:
        raise SymlossError(
            f"target {list(target.shape)} does not fit logits {list(logits.shape)}: class indices must be {expected}; "
            "class probabilities must be floats shaped like logits"
        )


def check_probabilities(logits: Tensor, target: Tensor) -> None:
    """Raise SymlossError unless target is shaped like class probabilities for these logits."""
    if target.shape != logits.shape:
        raise SymlossError(
            f"target {list(target.shape)} of {target.dtype} must be shaped like logits {list(logits.shape)} to be "
            "class probabilities; class indices must be integers (target.long())"
        )


def readable(target: Tensor) -> bool:
    """Say whether values can be looked at: elsewhere it would stall an accelerator or break a compiled graph."""
    if torch.compiler.is_compiling() or target.device.type != "cpu" or target.numel() == 0:
        return False
    return not transformed()


def transformed() -> bool:
    """Say whether a transform of ``torch.func`` is at work, under which tensors have no values to look at."""
    return bool(torch._C._are_functorch_transforms_active())


def check_range(target: Tensor, high: int, what: str, ignore_index: int | None = None) -> None:
    """Raise SymlossError if a label is outside 0 to ``high`` and not the ignored one."""
    kept = target if ignore_index is None else target[target != ignore_index]
    if kept.numel() == 0:
        return
    least, most = (value.item() for value in kept.aminmax())
    if not least >= 0 or not most <= high:
        bad = most if least >= 0 else least
        ignored = "" if ignore_index is None else f", or ignore_index = {ignore_index}"
        raise SymlossError(f"target holds the {what} {bad}; it must be from 0 to {high}{ignored}")
