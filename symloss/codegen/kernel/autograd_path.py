"""Loss and gradient from differentiable torch functions alone.

Used where the fused backward cannot be: under the transforms of ``torch.func``, in forward mode, and for gradients of
gradients. Slower, and as accurate.
"""

from __future__ import annotations

import torch
from torch import Tensor

from symloss.codegen.kernel.job import Job, filled
from symloss.codegen.kernel.probabilities import Odds
from symloss.codegen.stable import hide_target, log_odds


def loss_by_autograd(job: Job, logits: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
    """Return the loss of each sample, or of each element."""
    odds = logits if job.sigmoid else log_odds(logits, 1)
    values = each_class(job, odds, target, weight, gradient=False)
    return values if job.elementwise else values.sum(1)


def differentiable_gradient(job: Job, logits: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
    """Return the gradient of each sample's loss in its logits, itself differentiable."""
    odds = logits if job.sigmoid else log_odds(logits, 1)
    response = each_class(job, odds, target, weight, gradient=True)
    if job.sigmoid:
        return response
    p, q = Odds(odds).p, Odds(odds).q
    # The largest class apart, as in the fused way: its share of the sum would cancel.
    top = torch.zeros_like(odds, dtype=torch.bool).scatter(1, odds.argmax(1, keepdim=True), True)
    rest = response.masked_fill(top, 0.0).sum(1, keepdim=True)
    return torch.where(top, q * response - p * rest, response - p * response.sum(1, keepdim=True))


def each_class(job: Job, odds: Tensor, target: Tensor, weight: Tensor | None, *, gradient: bool) -> Tensor:
    """Return the value or the response of each class, differentiable in the log-odds."""
    if job.hard:
        true, other = job.pair()
        own = odds.gather(1, target)
        if isinstance(other, float):
            values = torch.zeros_like(odds) + (0.0 if gradient else other)
        else:
            hidden = hide_target(odds, target, 1)
            values = filled(other(Odds(hidden), job.label(False, odds), gradient)[gradient], odds)
        values = values.scatter(1, target, filled(true(Odds(own), job.label(True, odds), gradient)[gradient], own))
    else:
        values = filled(job.curves.any(Odds(odds), target, gradient)[gradient], odds)
    return values if weight is None else values * weight
