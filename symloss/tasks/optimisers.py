"""torch's optimisers by name, and the schedule of their step size."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from symloss.errors import SymlossError, unknown
from symloss.tasks.config import OPTIMIZERS

if TYPE_CHECKING:  # torch takes seconds to import, and configurations need none of it
    import torch
    from torch import Tensor


class Optimised(Protocol):
    """The settings of an optimiser; see :class:`~symloss.tasks.TaskConfig` for what each is."""

    @property
    def optimizer(self) -> str: ...
    @property
    def lr(self) -> float: ...
    @property
    def momentum(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def schedule(self) -> str: ...
    @property
    def warmup(self) -> float: ...


def rate_factor(config: Optimised, step: int, total: int) -> float:
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


def torch_optimiser(config: Optimised, parameters: Iterable[Tensor], **options: object) -> torch.optim.Optimizer:
    """Return torch's optimiser that a configuration names; options beyond the configuration's are passed on.

    Raises:
        SymlossError: an unknown optimiser.
    """
    import torch

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
