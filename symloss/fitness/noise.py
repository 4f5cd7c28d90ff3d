"""Random numbers that networks draw while they train, such as dropout's: keyed, and the same for all members.

Layers draw from torch's own generators, which all threads share. So whoever may draw from them takes turns.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import torch

from symloss.runtime import keyed_seed

#: Held while torch's generators are in use.
TURN = RLock()


@contextmanager
def network_noise(seed: int, step: int, device: str | torch.device = "cpu") -> Iterator[None]:
    """Let torch's generators draw what belongs to a network's seed and training step; afterwards they are as before."""
    device = torch.device(device)
    with TURN:
        cpu = torch.default_generator.get_state()
        own = _state(device)
        number = keyed_seed("network noise", seed, step)
        torch.default_generator.manual_seed(number)
        if device.type == "cuda":
            torch.cuda.manual_seed(number)
        elif device.type == "mps":
            torch.mps.manual_seed(number)
        try:
            yield
        finally:
            torch.default_generator.set_state(cpu)
            if own is not None:
                (torch.cuda.set_rng_state(own, device) if device.type == "cuda" else torch.mps.set_rng_state(own))


def _state(device: torch.device) -> torch.Tensor | None:
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.mps.get_rng_state() if device.type == "mps" else None
