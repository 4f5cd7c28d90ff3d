"""The cheapest question about a loss: can gradient descent on it sort logits that nothing else constrains?

No network and no images: the logits of a small labelled batch are the parameters. A loss that fails here leaves
a network at chance, and this costs a hundredth of finding that out by training.

Plain descent misjudges a loss whose response is a hundred times larger elsewhere than at uniform p: it overshoots,
while Adam trains the network well. So each step is as long as Adam would make it: the largest gradient entry of
a loss moves its logit by a given amount, which falls linearly to zero. Measured on 512 formulas drawn from the
default grammar against 400 Adam steps on the digits: of 241 that reached 90 % accuracy 7 were rejected, of 212
that stayed below 30 % 4 passed. Plain descent rejects 65 of the 241.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from symloss.codegen.tables import TableGradients
from symloss.runtime import keyed_numpy

#: The accuracy that a loss must reach.
PASS = 0.9
_STEPS = 30


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch to one thread: the tensors are small, and on a busy machine threads that wait for each other stall."""
    setting = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(setting)


@_one_thread()
@torch.no_grad()
def free_logits_accuracy(
    tables: Tensor, classes: int, *, samples: int = 60, steps: int | None = None, rate: float = 2.5
) -> np.ndarray:
    """Return the accuracy ``[K]`` float64 that each loss reaches on free logits; :data:`PASS` is asked for.

    The logits start as draws of N(0, 1), the same for every loss. A loss's scale does not matter.

    Args:
        tables: ``[K, 2, G]``, response tables.
        classes: C, at least 2.
        samples: the number of samples B, spread evenly over the classes. Each has logits of its own, so with many
            classes some may have no sample.
        steps: the number of descent steps; by default 30, or C if that is more: where a softmax starts at 1/C, losses
            bounded in p have a gradient of that order and need as many steps.
        rate: how far the first step moves the logit with the largest gradient.
    """
    gradients = TableGradients(tables)
    if steps is None:
        steps = max(_STEPS, classes)
    target = torch.arange(samples, device=tables.device)[None] % classes
    start = keyed_numpy("free logits", classes, samples).standard_normal((classes, samples))
    logits = torch.tensor(start, dtype=torch.float32, device=tables.device)
    # Classes before samples in memory, as the lookup likes it.
    logits = logits.expand(1, len(tables), classes, samples).clone().transpose(2, 3)
    for step in range(steps):
        gradient = gradients(logits, target)
        largest = gradient.abs().amax((2, 3), keepdim=True)
        length = rate * (1 - step / steps)
        logits.sub_(gradient.mul_(length / largest.clamp_min_(1e-30)))  # no gradient at all: no step
    correct = (logits.argmax(-1) == target[:, None]) & logits.isfinite().all(-1)
    return correct.double().mean(-1)[0].cpu().numpy()
