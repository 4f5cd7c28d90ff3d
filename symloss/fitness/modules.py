"""A task's networks as modules, and what they do that decides how they may be trained."""

from __future__ import annotations

import copy
from functools import lru_cache

import torch
from torch import nn

from symloss.errors import SymlossError
from symloss.fitness.noise import TURN, network_noise
from symloss.tasks import Task


def build_networks(task: Task, seeds: list[int]) -> list[nn.Module]:
    """Return one network for each seed, in training mode."""
    with TURN:  # its initial weights may be drawn from torch's generator
        return [task.network(seed).train() for seed in seeds]


@lru_cache(maxsize=16)
def draws_numbers(task: Task) -> bool:
    """Return whether a task's network draws random numbers in training, as dropout does: tried once a process.

    Raises:
        SymlossError: it fails on a batch of the task.
    """
    (network,) = build_networks(task, [0])
    inputs = torch.tensor(task.inputs[: task.config.batch])
    with network_noise(0, 0):
        before = torch.get_rng_state()
        try:
            with torch.no_grad():
                found = copy.deepcopy(network)(inputs)
        except Exception as error:  # whatever it is, it is the network's own
            raise SymlossError(
                f"the model {task.config.model!r} fails on a batch of {len(inputs)} in training mode: "
                f"{type(error).__name__}: {' '.join(str(error).split())}"
            ) from error
        if not isinstance(found, torch.Tensor):
            raise SymlossError(
                f"the model {task.config.model!r} returns a {type(found).__name__} in training mode; a population of "
                "networks trains by one tensor of logits, so leave auxiliary heads out"
            )
        return not torch.equal(before, torch.get_rng_state())
