"""The plain way: one network, autograd and torch's own Adam. The yardstick for results and for speed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from symloss.fitness.draws import batch_order, initial_weights
from symloss.tasks import Task


def train_reference(
    task: Task,
    criterion: Callable[[Tensor, Tensor], Tensor],
    seed: int,
    steps: int,
    device: str | torch.device = "cpu",
) -> nn.Sequential:
    """Train one network with one criterion and return it.

    It starts from the same weights and sees the same batches and labels as the populations of this seed.

    Args:
        task: data and settings; ``config.steps`` is not read.
        criterion: ``(logits [B, C], target [B]) -> scalar``.
        seed: picks fold, initial weights and batches.
        steps: the number of training steps.
        device: where to train.
    """
    config, split = task.config, task.split(seed)
    start = initial_weights(task.features, config.hidden, task.classes, seed)
    first, second = nn.Linear(task.features, config.hidden), nn.Linear(config.hidden, task.classes)
    network = nn.Sequential(first, nn.ReLU(), second).to(device)
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), start.values(), strict=True):
            parameter.copy_(torch.from_numpy(value))
    optimiser = torch.optim.Adam(network.parameters(), lr=config.lr)
    inputs = torch.tensor(task.inputs[split.train], device=device)
    labels = torch.tensor(split.train_labels, device=device)
    for batch in torch.tensor(batch_order(len(labels), config.batch, 0, steps, seed), device=device):
        optimiser.zero_grad()
        criterion(network(inputs[batch]), labels[batch]).backward()
        optimiser.step()
    return network


@torch.no_grad()
def accuracy(network: nn.Module, inputs: Tensor, labels: Tensor) -> float:
    """Return the fraction of samples whose largest logit is the label's."""
    return (network(inputs).argmax(-1) == labels).double().mean().item()
