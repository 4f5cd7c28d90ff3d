"""torch's optimisers over one flat tensor of all networks, and the schedule of their step size.

An optimiser is elementwise, so all networks take their steps in one pass and none touches another.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from symloss.errors import SymlossError, unknown
from symloss.tasks import TaskConfig
from symloss.tasks.config import OPTIMIZERS


def rate_factor(config: TaskConfig, step: int, total: int) -> float:
    """Return the share of ``config.lr`` that a training step uses.

    Over the first ``config.warmup`` of the steps it rises linearly from 0, which it would have one step before the
    first. Then it stays at 1 or, with the cosine schedule, falls as ``(1 + cos(pi * t)) / 2`` (Loshchilov and Hutter,
    ICLR 2017), t being 0 at the warm-up's end and 1 one step after the last.

    Args:
        config: the settings.
        step: from 0.
        total: the number of steps of the whole training, above ``step``.
    """
    warm = config.warmup * total
    if step + 1 < warm:
        return (step + 1) / warm
    if config.schedule == "constant":
        return 1.0
    return (1 + math.cos(math.pi * max(0.0, (step - warm) / (total - warm)))) / 2


def torch_optimiser(config: TaskConfig, parameters: Iterable[Tensor], **options: object) -> torch.optim.Optimizer:
    """Return torch's optimiser that a configuration names; options beyond the configuration's are passed on.

    Raises:
        SymlossError: an unknown optimiser.
    """
    options = {"lr": config.lr, "weight_decay": config.weight_decay} | options
    match config.optimizer:
        case "adam":
            return torch.optim.Adam(parameters, **options)  # type: ignore[arg-type]
        case "adamw":
            return torch.optim.AdamW(parameters, **options)  # type: ignore[arg-type]
        case "sgd":
            options.pop("capturable", None)  # it has no state that would need it
            return torch.optim.SGD(parameters, momentum=config.momentum, **options)  # type: ignore[arg-type]
    raise SymlossError(unknown("optimiser", config.optimizer, OPTIMIZERS))


class FlatOptimiser:
    """A configuration's optimiser and schedule over a flat tensor.

    Args:
        config: the settings.
        parameters: ``[P]``, updated in place.
        gradients: ``[P]``, read at each step.
        total: the number of steps of the whole training, which the schedule is relative to.
    """

    def __init__(self, config: TaskConfig, parameters: Tensor, gradients: Tensor, total: int) -> None:
        self._config, self._total = config, total
        self._constant = config.schedule == "constant" and config.warmup == 0
        parameters.grad = gradients
        options: dict[str, object] = {}
        self._rate: Tensor | None = None
        if (
            parameters.device.type == "cuda"
        ):  # all that changes from step to step has a place in memory: a graph reads it
            self._rate = torch.tensor(config.lr, device=parameters.device)
            options = {"lr": self._rate, "capturable": True}
        if parameters.device.type in ("cpu", "cuda"):
            options["fused"] = True
        self._optimiser = torch_optimiser(config, [parameters], **options)

    def set_rate(self, step: int) -> None:
        """Set the step size of a training step, counted from 0."""
        if self._constant:
            return
        rate = self._config.lr * rate_factor(self._config, step, self._total)
        if self._rate is not None:
            self._rate.fill_(rate)
        else:
            self._optimiser.param_groups[0]["lr"] = rate

    def step(self) -> None:
        """Take one step."""
        self._optimiser.step()
