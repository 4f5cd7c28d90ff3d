"""Loss and gradient in one pass, from the formula and its response; of it only dL/dz waits for the backward pass.

With class indices no one-hot target is made: the curve of other classes is computed everywhere, and that of the true
class once a sample. On a CPU the samples pass in blocks that fit its cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from symloss.codegen.kernel.autograd_path import differentiable_gradient
from symloss.codegen.kernel.job import Job, filled
from symloss.codegen.kernel.probabilities import Sigmoid
from symloss.codegen.kernel.softmax import FarSoftmax, FusibleFarSoftmax, FusibleSoftmax, Softmax, TargetSoftmax

#: Elements of a block for each thread of a CPU: few enough for its cache, enough to make starting cheap.
BLOCK = 1 << 17

Scale = Tensor | float


class FusedLoss(torch.autograd.Function):
    """``(job, logits, target, weight, valid, scale) -> loss``; the arguments are those of :func:`evaluate`."""

    @staticmethod
    def forward(ctx: Any, job: Job, logits: Tensor, target: Tensor, *rest: Any) -> Tensor:
        loss, slope = evaluate(job, logits, target, *rest, gradient=True)
        ctx.job, ctx.dtype = job, logits.dtype
        # Asked once: a backward pass may be compiled though the forward pass was not.
        ctx.compiled = torch.compiler.is_compiling()
        if ctx.compiled:
            ctx.save_for_backward(slope)
        else:
            ctx.slope, ctx.rest = slope, rest
            ctx.save_for_backward(logits, target)
        return loss

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Any, ...]:
        job = ctx.job
        outer = outer if job.reduce or job.elementwise else outer.unsqueeze(1)
        if ctx.compiled:
            slope = ctx.saved_tensors[0] * outer
        elif torch.is_grad_enabled():  # somebody differentiates the gradient
            slope = _differentiable(job, *ctx.saved_tensors, *ctx.rest) * outer
        else:
            slope, ctx.slope = ctx.slope, None  # given away once; a second backward computes it again
            if slope is None:
                slope = evaluate(job, *ctx.saved_tensors, *ctx.rest, gradient=True)[1]
            slope = slope if _is_one(outer) else slope * outer
        return None, slope.to(ctx.dtype), None, None, None, None


def _is_one(outer: Tensor) -> bool:
    """Say whether a factor is the number 1, where that is known without waiting for a device."""
    if outer.dim() or outer.device.type != "cpu" or torch.compiler.is_compiling():
        return False
    try:
        return outer.item() == 1
    except RuntimeError:  # several backward passes as one: the factor is many
        return False


def evaluate(
    job: Job,
    logits: Tensor,
    target: Tensor,
    weight: Tensor | None,
    valid: Tensor | None,
    scale: Scale,
    *,
    gradient: bool,
) -> tuple[Tensor, Tensor | None]:
    """Return the loss and, if asked for, its gradient in the logits.

    Args:
        job: what to compute.
        logits: ``[N, C]`` or ``[N, C, S]``; any shape if elementwise.
        target: class indices with size 1 in dimension 1, or labels shaped like logits.
        weight: of each class, broadcastable to the logits.
        valid: the losses that count, shaped like them; all if None.
        scale: the factor of all losses.
        gradient: whether the gradient is wanted.
    """
    blocks = list(_blocks(logits, job.elementwise))
    if len(blocks) == 1:
        loss, slope = _block(job, logits, target, weight, valid, gradient)
        slope = None if slope is None else _counted(job, (slope * scale).to(_stored(logits)), valid)
        return (loss.sum() if job.reduce else loss) * scale, slope
    slope = torch.empty_like(logits, dtype=_stored(logits)) if gradient else None
    kind = torch.float32 if logits.dtype.itemsize < 4 else logits.dtype
    shape = (len(blocks),) if job.reduce else logits.shape if job.elementwise else logits.shape[:1] + logits.shape[2:]
    losses = logits.new_empty(shape, dtype=kind)
    for number, part in enumerate(blocks):
        place = part if job.elementwise else part[::2]
        inside = None if valid is None else valid[place]
        loss, piece = _block(job, logits[part], target[part], weight, inside, gradient)
        if job.reduce:
            losses[number] = loss.sum()
        else:
            losses[place] = loss
        if slope is not None:
            assert piece is not None
            torch.mul(piece, scale, out=slope[part])
            if inside is not None:
                slope[part] = _counted(job, slope[part], inside)
    return (losses.sum() if job.reduce else losses) * scale, slope


def _blocks(logits: Tensor, elementwise: bool) -> Iterator[tuple[slice, ...]]:
    """Yield the places of blocks of samples; one of everything where blocks bring nothing."""
    one = torch.compiler.is_compiling() or logits.device.type != "cpu"
    size = 0 if one else BLOCK * torch.get_num_threads()
    if one or logits.numel() <= size:
        yield (slice(None),) * min(logits.dim(), 3)
        return
    sample = logits[0].numel()
    rows = max(1, size // sample)
    flat = elementwise or logits.dim() == 2
    columns = sample if flat or sample <= size else max(64, size // logits.shape[1])
    for row in range(0, len(logits), rows):
        for column in range(0, 1 if flat else logits.shape[2], columns):
            yield (slice(row, row + rows), slice(None), slice(column, column + columns))[: logits.dim()]


def _block(
    job: Job, logits: Tensor, target: Tensor, weight: Tensor | None, valid: Tensor | None, gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """Return the losses of those samples that count, and the gradient of all, both without the scale."""
    half = logits.dtype in (torch.float16, torch.bfloat16)
    loss, slope = _each(job, logits.float() if half else logits, target, weight, gradient)
    return loss if valid is None else loss.masked_fill(~valid, 0.0), slope


def _counted(job: Job, slope: Tensor, valid: Tensor | None) -> Tensor:
    """Return the gradient with 0 for samples that do not count."""
    if valid is None:
        return slope
    return slope.masked_fill(~(valid if job.elementwise else valid.unsqueeze(1)), 0.0)


def _stored(logits: Tensor) -> torch.dtype:
    """Return the type that the gradient waits in: in float16 it would underflow before a scaled loss lifts it."""
    return torch.float32 if logits.dtype == torch.float16 else logits.dtype


def _each(
    job: Job, logits: Tensor, target: Tensor, weight: Tensor | None, gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """Return the loss of each sample or element, and its gradient."""
    if job.sigmoid:
        return _sigmoid(job, logits, target, weight, gradient)
    if not job.hard:
        classes = _softmax(logits, job)
        value, response = job.curves.any(classes, target, gradient)
        value = filled(value, logits)
    else:
        true, other = job.pair()
        if isinstance(other, float):
            return _true_class_alone(job, logits, target, weight, gradient)
        classes = _softmax(logits, job)
        own = classes.of(target)
        own_value, own_response = true(own, job.label(True, logits), gradient)
        value, response = other(classes, job.label(False, logits), gradient)
        value = _with_own(filled(value, logits), target, own_value)
        if gradient:
            response = _with_own(filled(response, logits), target, own_response)
    if weight is not None:
        value = value * weight
    loss = value.sum(1)
    if not gradient:
        return loss, None
    response = filled(response, logits)
    response = response if weight is None else response * weight
    if torch.compiler.is_compiling():
        # Where the gradient is nan the loss is: so it shows, and so a compiler computes both in one pass and does not
        # put the gradient off to the backward pass, where it would compute everything again.
        probe = response.sum(1)
        loss = torch.where(probe.isnan(), probe, loss)
    return loss, classes.gradient(response)


def _true_class_alone(
    job: Job, logits: Tensor, target: Tensor, weight: Tensor | None, gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """The same where L(p, 0) is one number: only the true class's probability matters."""
    true, other = job.pair()
    assert isinstance(other, float)
    classes = TargetSoftmax(logits, target, 1, job.curves.positive)
    value, response = true(classes, job.label(True, logits), gradient)
    rest: Tensor | float = other * (logits.shape[1] - 1)
    if weight is not None:
        own = weight.flatten()[target]
        value, rest = value * own, other * (weight.sum() - own)
        response = None if response is None else response * own
    loss = filled(value if isinstance(rest, float) and rest == 0 else value + rest, classes.p).squeeze(1)
    return loss, None if response is None else classes.gradient(response)


def _sigmoid(
    job: Job, logits: Tensor, target: Tensor, weight: Tensor | None, gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """The same where each class stands alone: its curve has the slope in its logit."""
    classes = Sigmoid(logits, job.curves.positive)
    if job.hard:
        true, other = job.pair()
        value, response = (
            _number(other) if isinstance(other, float) else other(classes, job.label(False, logits), gradient)
        )
        own = Sigmoid(logits.gather(1, target), job.curves.positive)
        own_value, own_response = true(own, job.label(True, logits), gradient)
        value = _with_own(filled(value, logits), target, own_value)
        if gradient:
            response = _with_own(filled(response, logits), target, own_response)
    else:
        value, response = job.curves.any(classes, target, gradient)
        value = filled(value, logits)
    if weight is not None:
        value = value * weight
    loss = value if job.elementwise else value.sum(1)
    if not gradient:
        return loss, None
    response = filled(response, logits)
    return loss, response if weight is None else response * weight


def _number(value: float) -> tuple[float, float]:
    return value, 0.0


def _softmax(logits: Tensor, job: Job) -> Softmax:
    curves = job.curves
    kinds = (FusibleSoftmax, FusibleFarSoftmax) if torch.compiler.is_compiling() else (Softmax, FarSoftmax)
    return kinds[curves.log_q](logits, 1, curves.positive)


def _with_own(values: Tensor, target: Tensor, own: Tensor | float | None) -> Tensor:
    """Return the values with those of the true class replaced."""
    if isinstance(own, Tensor):
        own = own.expand(target.shape)  # it may depend on the label alone
    if torch.compiler.is_compiling():
        return values.scatter(1, target, own)  # type: ignore[arg-type]
    return values.scatter_(1, target, own)  # type: ignore[arg-type]


def _differentiable(
    job: Job, logits: Tensor, target: Tensor, weight: Tensor | None, valid: Tensor | None, scale: Scale
) -> Tensor:
    """Return the gradient as a differentiable function of the logits."""
    half = logits.dtype in (torch.float16, torch.bfloat16)
    slope = differentiable_gradient(job, logits.float() if half else logits, target, weight) * scale
    return _counted(job, slope, valid).to(logits.dtype)
