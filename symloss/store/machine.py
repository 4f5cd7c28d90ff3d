"""What a run keeps of the machine and the versions that it was started with."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any


def hardware_of(device: str) -> dict[str, Any]:
    """Return what the machine that starts a run says of itself; workers may be others."""
    import torch

    from symloss.training.machine import hardware

    found: dict[str, Any] = {"processor": hardware(torch.device("cpu")), "cores": os.cpu_count()}
    if device.startswith("cuda") and torch.cuda.is_available():
        found["gpu"] = hardware(torch.device(device))
    return found


def versions() -> dict[str, str]:
    """Return the versions of Python and of what decides results."""
    names = ("symloss", "torch", "sympy", "numpy", "scikit-learn", "scipy", "python-flint", "cmaes", "torchmetrics")
    return {"python": platform.python_version(), "machine": platform.machine()} | {n: version(n) for n in names}
