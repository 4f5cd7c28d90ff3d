"""The machine that a training runs on: processes, device, precision, and what it says of itself."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

import torch

from symloss.errors import SymlossError
from symloss.runtime import choose_device

if TYPE_CHECKING:
    from lightning.fabric import Fabric

_PRECISIONS = {"float32": "32-true", "bfloat16": "bf16-mixed", "float16": "16-mixed"}


def start_fabric(device: str, precision: str) -> Fabric:
    """Return Lightning's Fabric on a device, or under ``torchrun`` on one device for each of its processes.

    Raises:
        SymlossError: Lightning is not installed, there is no such device, or it does not have the precision.
    """
    try:
        from lightning.fabric import Fabric
    except ImportError:
        raise SymlossError("training needs Lightning; install it with: pip install 'symloss[train]'") from None
    chosen = choose_device(device)
    if precision == "float16" and chosen.type == "cpu":
        raise SymlossError("the precision float16 needs a GPU; on a CPU use bfloat16 or float32")
    accelerator = "gpu" if chosen.type == "cuda" else chosen.type
    processes, nodes = 1, 1
    if torch.distributed.is_torchelastic_launched():
        processes = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // processes
        if chosen.type == "cuda" and processes > torch.cuda.device_count():
            raise SymlossError(
                f"torchrun started {processes} processes here, and torch sees {torch.cuda.device_count()} GPUs; start "
                "one for each, or use device 'cpu'"
            )
    several = processes * nodes > 1
    one = [chosen.index] if chosen.type == "cuda" and chosen.index is not None else 1
    fabric = Fabric(
        accelerator=accelerator,
        devices=processes if several else one,
        num_nodes=nodes,
        strategy="ddp" if several else "auto",
        precision=_PRECISIONS[precision],  # type: ignore[arg-type]
    )
    fabric.launch()
    return fabric


def hardware(device: torch.device) -> str:
    """Return the name of a GPU or of the processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def peak_memory(device: torch.device) -> int:
    """Return bytes: of a GPU what was allocated at most, else the largest that this process has been."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    names = ("symloss", "torch", "torchvision", "lightning", "torchmetrics", "numpy")
    return {"python": platform.python_version()} | {name: version(name) for name in names}


@contextmanager
def cudnn_tries() -> Iterator[None]:
    """Let cuDNN try its kernels out: batches have one size, so the fastest of the first steps serves all others."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before
