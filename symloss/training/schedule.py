"""The step size over a training."""

from __future__ import annotations

import math
from collections.abc import Sequence

from symloss.tasks.optimisers import rate_factor
from symloss.training.recipe import Recipe

_POWER = 0.9


def rate(recipe: Recipe, step: int, total: int, drops: int = 0) -> float:
    """Return the step size of a training step.

    Args:
        recipe: the settings.
        step: from 0.
        total: the number of steps of the whole training, above ``step``.
        drops: how often the schedule ``"plateau"`` has lowered it; see :func:`plateaus`.
    """
    if recipe.schedule in ("constant", "cosine"):
        return recipe.lr * rate_factor(recipe, step, total)
    warm = recipe.warmup * total
    if step + 1 < warm:
        return recipe.lr * (step + 1) / warm
    if recipe.schedule == "poly":
        return recipe.lr * (1 - max(0.0, (step - warm) / (total - warm))) ** _POWER
    if recipe.schedule == "step":
        return recipe.lr * recipe.factor ** sum(step >= milestone * total for milestone in recipe.milestones)
    return max(recipe.floor, recipe.lr * recipe.factor**drops)


def plateaus(values: Sequence[float], patience: int, higher_is_better: bool) -> int:
    """Return how often the epochs so far ended a plateau: the last best value more than ``patience`` epochs ago.

    The wait begins anew after each, as in ``torch.optim.lr_scheduler.ReduceLROnPlateau`` with threshold 0.

    Args:
        values: the metric after each epoch; nan is never an improvement.
        patience: epochs without an improvement that are waited for.
        higher_is_better: what an improvement is.
    """
    drops, waited, best = 0, 0, -math.inf
    for value in values:
        gain = value if higher_is_better else -value
        if gain > best:  # never of nan
            best, waited = gain, 0
        else:
            waited += 1
        if waited > patience:
            drops, waited = drops + 1, 0
    return drops
