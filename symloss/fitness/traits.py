"""What a task's network does that decides how it may be trained."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from symloss.errors import SymlossError
from symloss.fitness.data import rows, shaped
from symloss.fitness.noise import TURN, network_noise
from symloss.tasks import Task


@dataclass(frozen=True)
class Traits:
    """Attributes:
    draws: whether it draws random numbers in training, as dropout does.
    channels_last: whether its convolutions may read images channel by channel within each pixel, which a CPU does a
        third faster. Not where it draws (the layout would change what is drawn) or calls ``view``.
    """

    draws: bool
    channels_last: bool


def build_networks(task: Task, seeds: list[int]) -> list[nn.Module]:
    """Return one network for each seed, in training mode."""
    with TURN:  # its initial weights may be drawn from torch's generator
        return [task.network(seed).train() for seed in seeds]


@lru_cache(maxsize=16)
def traits(task: Task) -> Traits:
    """Try a task's network on one batch on the CPU, once a process.

    Raises:
        SymlossError: it fails.
    """
    (network,) = build_networks(task, [0])
    batch = task.inputs[: task.config.batch]
    with network_noise(0, 0):
        before = torch.get_rng_state()
        try:
            with torch.no_grad():
                copy.deepcopy(network)(shaped(rows(batch, "plain"), "plain", task.shape))
        except Exception as error:  # whatever it is, it is the network's own
            text = " ".join(str(error).split())
            raise SymlossError(
                f"the model {task.config.model!r} fails on a batch of {len(batch)} in training mode: "
                f"{type(error).__name__}: {text}"
            ) from error
        draws = not torch.equal(before, torch.get_rng_state())
    images = len(task.shape) == 3 and any(isinstance(module, nn.Conv2d) for module in network.modules())
    if draws or not images:
        return Traits(draws, False)
    return Traits(False, _runs(network, shaped(rows(batch, "channels_last"), "channels_last", task.shape)))


def _runs(network: nn.Module, inputs: Tensor) -> bool:
    try:
        copy.deepcopy(network)(inputs).sum().backward()
    except RuntimeError:  # view() of a tensor whose memory is in another order
        return False
    return True
