"""The number format of training: float32, or on an NVIDIA GPU its faster kinds, where a task asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from symloss.tasks import TaskConfig


@dataclass(frozen=True)
class Precision:
    """What a device computes with. Elsewhere than on CUDA it is float32 throughout.

    Attributes:
        cuda: whether it is for an NVIDIA GPU.
        tf32: products and convolutions round their factors to 10 bits. torch does so in convolutions unless told not
            to, and then two ways to train one network part within a few steps.
        bfloat16: parameters, logits and gradients stay float32; products and convolutions are computed in bfloat16.
    """

    cuda: bool = False
    tf32: bool = False
    bfloat16: bool = False

    @classmethod
    def of(cls, config: TaskConfig, device: str | torch.device) -> Precision:
        """Return a task's precision on a device."""
        cuda = torch.device(device).type == "cuda"
        return cls(cuda, cuda and config.precision == "tf32", cuda and config.precision == "bfloat16")

    def context(self) -> AbstractContextManager[object]:
        """Return a context for a forward pass."""
        if not self.bfloat16:
            return nullcontext()
        # Without the cache of casts: it outlives an optimiser's step in a captured graph.
        return torch.autocast("cuda", dtype=torch.bfloat16, cache_enabled=False)

    @contextmanager
    def products(self) -> Iterator[None]:
        """Within this, forward and backward, products and convolutions round as they should."""
        if not self.cuda:
            yield
            return
        kinds: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
        before = [kind.allow_tf32 for kind in kinds]
        try:
            for kind in kinds:
                kind.allow_tf32 = self.tf32
            yield
        finally:
            for kind, allowed in zip(kinds, before, strict=True):
                kind.allow_tf32 = allowed
