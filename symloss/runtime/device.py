"""The choice of a torch device by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from symloss.errors import SymlossError, unknown

if TYPE_CHECKING:
    import torch

_NAMES = ("auto", "cpu", "cuda", "cuda:1", "mps")


def choose_device(name: str = "auto") -> torch.device:
    """Return the device to train on.

    Args:
        name: "auto" for the first that this machine has of cuda, mps and cpu; "cpu"; "cuda" or "cuda:N" for an NVIDIA
            GPU (or an AMD one, with torch's ROCm build); "mps" for Apple's.

    Raises:
        SymlossError: the name is unknown, or torch sees no such device here.
    """
    if not isinstance(name, str) or not re.fullmatch(r"auto|cpu|cuda(:[0-9]+)?|mps", name):
        raise SymlossError(unknown("device", str(name), _NAMES))
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if name.startswith("cuda"):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        _, _, index = name.partition(":")
        if int(index or 0) >= count:
            raise SymlossError(f"the device is {name!r}, but {_cuda_devices(count)}; use {_others(count)}")
    elif name == "mps" and not torch.backends.mps.is_available():
        raise SymlossError("the device is 'mps', but torch sees no Apple GPU here; use 'cpu' or 'auto'")
    return torch.device(name)


def _cuda_devices(count: int) -> str:
    """Say how many there are, and if there are none, why."""
    import torch

    if count:
        return f"torch sees {count} CUDA device{'s' if count > 1 else ''} here"
    if torch.version.cuda is None and torch.version.hip is None:
        return "this torch is built without CUDA"
    return "torch sees no CUDA device here (is there a GPU with a driver, and does CUDA_VISIBLE_DEVICES show it?)"


def _others(count: int) -> str:
    return " or ".join([f"'cuda:{index}'" for index in range(min(count, 4))] or ["'cpu'", "'auto'"])
