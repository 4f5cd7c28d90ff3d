"""Metrics of a population on one set of samples, with bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from symloss.fitness.network import Population
from symloss.tasks.metrics import METRICS

#: Bytes of logits that are kept at a time. Metrics such as AUROC need those of all samples.
_LOGITS = 256 << 20


@torch.no_grad()
def evaluate(
    network: Population,
    seed: int,
    members: int,
    batches: Callable[[], Iterator[Tensor]],
    labels: np.ndarray,
    classes: int,
    metrics: Sequence[str],
) -> np.ndarray:
    """Return the metrics ``[M, K]`` float64 of one seed's networks.

    Args:
        network: the networks.
        seed: the seed's place among theirs.
        members: K.
        batches: yields the inputs ``[B, *shape]`` of N samples; called once for each group of members.
        labels: ``[N]`` int64.
        classes: C.
        metrics: M names in :data:`~symloss.tasks.metrics.METRICS`.
    """
    found = np.empty((len(metrics), members))
    target: Tensor | None = None
    for group in groups(members, network.least, _LOGITS // (4 * classes * len(labels))):
        logits = torch.cat([network.evaluate(seed, inputs, group) for inputs in batches()], 1)
        if logits.device.type == "mps":  # metrics may need float64
            logits = logits.cpu()
        if target is None:
            target = torch.tensor(labels, device=logits.device)
        width = len(logits)
        if width == 1:  # numpy adds up a lone row in another order than several
            logits = logits.expand(2, -1, -1)
        for row, name in enumerate(metrics):
            found[row, group] = METRICS[name](logits, target)[:width]
    return found


def groups(members: int, least: int, most: int) -> list[slice]:
    """Return slices of ``0..members-1``, of ``most`` each where ``least`` allows it; the last may be larger."""
    width = max(least, most, 1)
    starts = list(range(0, members, width))
    if len(starts) > 1 and members - starts[-1] < least:
        starts.pop()
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], members], strict=True)]
