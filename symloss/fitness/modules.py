"""A task's networks as modules, and what they do that decides how they may be trained."""

from __future__ import annotations

import copy
from functools import lru_cache

import torch
from torch import nn

from symloss.errors import SymlossError
from symloss.factory import described
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
        SymlossError: it fails on a batch of the task, or returns no finite logits.
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
                f"{described(error)}"
            ) from error
        if not isinstance(found, torch.Tensor):
            raise SymlossError(
                f"the model {task.config.model!r} returns a {type(found).__name__} in training mode; a population of "
                "networks trains by one tensor of logits, so leave auxiliary heads out"
            )
        if found.shape != (len(inputs), task.classes):
            raise SymlossError(
                f"the model {task.config.model!r} returns the shape {list(found.shape)} for {len(inputs)} samples in "
                f"training mode; it must return logits of shape {[len(inputs), task.classes]}"
            )
        if not found.isfinite().all():
            raise SymlossError(
                f"the model {task.config.model!r} returns {found[~found.isfinite()][0]} for samples of the dataset "
                f"{task.config.dataset!r} before any training; its logits must be finite"
            )
        return not torch.equal(before, torch.get_rng_state())
