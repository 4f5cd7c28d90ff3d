"""torch's optimisers over one flat tensor of all networks.

An optimiser is elementwise, so all networks take their steps in one pass and none touches another.
"""

from __future__ import annotations

import torch
from torch import Tensor

from symloss.tasks import TaskConfig
from symloss.tasks.optimisers import rate_factor, torch_optimiser


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
