"""How a batch is cut into passes, over the processes and over the passes of each."""

from __future__ import annotations

import copy
from collections.abc import Iterable

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from symloss.errors import SymlossError
from symloss.training.recipe import Recipe


def owned(batches: Iterable[np.ndarray], accumulate: int, processes: int, rank: int) -> list[np.ndarray]:
    """Return one process's pieces of some batches, ``accumulate`` of each in order; of a small batch some are empty."""
    found = []
    for batch in batches:
        cut = np.array_split(batch, processes * accumulate)
        found += [cut[place * processes + rank] for place in range(accumulate)]
    return found


def least_batch(recipe: Recipe, network: nn.Module, shape: tuple[int, int, int], images: int, processes: int) -> int:
    """Return how many images a last batch must have: two in each pass where BatchNorm has no statistics of one, else 1.

    Args:
        recipe: the settings.
        network: on its device.
        shape: of an image, ``(C, H, W)``.
        images: of the training part.
        processes: how many train together.

    Raises:
        SymlossError: even whole batches have too few.
    """
    least = 2 * processes * recipe.accumulate
    whole, rest = min(images, recipe.batch), images % recipe.batch
    if min(whole, rest or whole) >= least or not _needs_two(network, shape):
        return 1
    if whole < least:
        raise SymlossError(
            f"a batch of {whole} images in {recipe.accumulate} passes of {processes} processes has passes of fewer "
            f"than 2 images, of which BatchNorm in the model {recipe.model!r} has no statistics; lower accumulate or "
            f"take batches of at least {least} images"
        )
    return least


def _needs_two(network: nn.Module, shape: tuple[int, int, int]) -> bool:
    """Return whether a BatchNorm refuses a single image: one that sees a single pixel of it."""
    kinds = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if all(isinstance(module, nn.SyncBatchNorm) for module in kinds):  # these see the other processes' images too
        return False
    device = next(network.parameters()).device
    try:
        with torch.no_grad():
            copy.deepcopy(network).train()(torch.zeros(1, *shape, device=device))
    except ValueError as error:
        return "more than 1 value per channel" in str(error)
    return False
