"""The plain way: one network, autograd and torch's own optimiser. The yardstick for results and for speed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from symloss.fitness.draws import batch_order
from symloss.fitness.modules import build_networks, draws_numbers
from symloss.fitness.noise import network_noise
from symloss.fitness.precision import Precision
from symloss.tasks import Task
from symloss.tasks.optimisers import rate_factor, torch_optimiser


def train_reference(
    task: Task,
    criterion: Callable[[Tensor, Tensor], Tensor],
    seed: int,
    steps: int,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> nn.Module:
    """Train one network with one criterion and return it, in evaluation mode.

    It starts from the same weights, sees the same batches and labels and drops the same units as the populations of
    this seed.

    Args:
        task: data and settings; ``config.steps`` and ``config.engine`` are not read.
        criterion: ``(logits [B, C], target [B]) -> scalar``.
        seed: picks fold, initial weights and batches.
        steps: the number of training steps, which the schedule is relative to.
        device: where to train.
        dtype: of parameters and inputs; ``config.precision`` counts with float32 alone.
    """
    config, split = task.config, task.split(seed)
    draws = draws_numbers(task)
    (network,) = build_networks(task, [seed])
    network.to(device, dtype)
    optimiser = torch_optimiser(config, network.parameters())
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: rate_factor(config, min(step, steps - 1), steps)
    )
    constant = config.schedule == "constant" and config.warmup == 0
    inputs = torch.tensor(task.inputs[split.train], device=device, dtype=dtype)
    labels = torch.tensor(split.train_labels, device=device)
    precision = Precision.of(config, device)
    order = torch.tensor(batch_order(len(labels), config.batch, 0, steps, seed), device=device)
    with precision.products():
        for step, batch in enumerate(order):
            optimiser.zero_grad()
            noise = network_noise(seed, step, device) if draws else nullcontext()
            with noise, precision.context() if dtype == torch.float32 else nullcontext():
                logits = network(inputs[batch])
            criterion(logits.to(dtype), labels[batch]).backward()
            optimiser.step()
            if not constant:
                schedule.step()
    return network.eval()


@torch.no_grad()
def accuracy(network: nn.Module, inputs: Tensor, labels: Tensor) -> float:
    """Return the fraction of samples whose largest logit is the label's."""
    return (network(inputs).argmax(-1) == labels).double().mean().item()
