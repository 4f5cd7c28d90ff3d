"""Whether networks compute in float32 or, on an NVIDIA GPU, in bfloat16 where autocast allows it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from symloss.tasks import TaskConfig


@dataclass(frozen=True)
class Precision:
    """Attributes:
    bfloat16: parameters, logits and gradients stay float32; products and convolutions are computed in bfloat16.
    """

    bfloat16: bool = False

    @classmethod
    def of(cls, config: TaskConfig, device: str | torch.device) -> Precision:
        """Return a task's precision on a device: bfloat16 is for CUDA alone, elsewhere it would only cost."""
        return cls(config.precision == "bfloat16" and torch.device(device).type == "cuda")

    def context(self) -> AbstractContextManager[object]:
        """Return a context for a forward pass."""
        if not self.bfloat16:
            return nullcontext()
        # Without the cache of casts: it outlives an optimiser's step in a captured graph.
        return torch.autocast("cuda", dtype=torch.bfloat16, cache_enabled=False)
