"""What a loss accepts: shapes, types and ranges of logits and targets, with errors that say the fix."""

from __future__ import annotations

import torch
from torch import Tensor

from symloss.errors import SymlossError


def check_logits(logits: Tensor) -> None:
    """Raise SymlossError unless logits are floating point, [C] or [N, C, ...], with at least two classes."""
    if not isinstance(logits, Tensor):
        raise SymlossError(f"logits must be a torch tensor, got {type(logits).__name__}")
    if not logits.is_floating_point():
        raise SymlossError(f"logits must be floating point, got {logits.dtype}; pass raw network outputs")
    if logits.dim() == 0:
        raise SymlossError("logits have no dimension; expected [C], [N, C] or [N, C, d1, ...]")
    classes = logits.shape[0 if logits.dim() == 1 else 1]
    if classes < 2:
        raise SymlossError(
            f"logits {list(logits.shape)} have {classes} class; a softmax needs at least 2 "
            "(dimension 1 holds the classes)"
        )


def check_indices(logits: Tensor, target: Tensor, dim: int) -> None:
    """Raise SymlossError unless target holds class indices for these logits."""
    if target.dtype == torch.bool or target.is_complex():
        raise SymlossError(
            f"target has type {target.dtype}; use integers for class indices or floats for class probabilities"
        )
    expected = [size for place, size in enumerate(logits.shape) if place != dim]
    if list(target.shape) != expected:
        raise SymlossError(
            f"target {list(target.shape)} does not fit logits {list(logits.shape)}: "
            f"class indices must be {expected}; class probabilities must be floats shaped like logits"
        )
    _check_range(target, 0, logits.shape[dim] - 1, "class index")


def check_probabilities(logits: Tensor, target: Tensor) -> None:
    """Raise SymlossError unless target holds class probabilities for these logits."""
    if target.shape != logits.shape:
        raise SymlossError(
            f"target {list(target.shape)} of {target.dtype} must be shaped like logits {list(logits.shape)} "
            "to be class probabilities; class indices must be integers (target.long())"
        )
    _check_range(target, 0, 1, "class probability")


def _check_range(target: Tensor, low: int, high: int, what: str) -> None:
    # Reading a value back would stall an accelerator and break a compiled graph.
    if target.device.type != "cpu" or target.numel() == 0 or torch.compiler.is_compiling():
        return
    least, largest = target.detach().aminmax()
    try:
        bad = least.item() if not least >= low else largest.item() if largest > high else None
    except RuntimeError:  # under torch.func.vmap no value can be read
        return
    if bad is not None:
        raise SymlossError(f"target holds the {what} {bad}; it must be from {low} to {high}")
