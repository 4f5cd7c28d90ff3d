"""What does a discovered loss cost in a training step, beside its formula written in plain torch and cross-entropy?

    python experiments/speed/loss.py [--shapes 256x10,4096x1000,4x171x256x256] [--repeats 15] [--device cpu]

NGL, forward and backward, on logits of the given shapes with class indices. `plain` is the authors' formula as one
writes it in torch: softmax, one-hot, the mean over samples and classes. `torch.nn.functional.cross_entropy` is the
floor that people are used to. Each is timed as it is and through torch.compile, in turns, so that other programs on the
machine slow all of them; ratios are of medians, and the least time of the repeats stands beside them. The peak is what
the step allocates beyond the logits, the target and the gradient that it must leave behind: on a CPU the largest sum of
live allocations that torch's profiler reports, on CUDA the allocator's own. One-hot labels are timed too: the cost
should not depend on them.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from symloss import losses

Criterion = Callable[[Tensor, Tensor], Tensor]


def plain(logits: Tensor, target: Tensor) -> Tensor:
    """NGL as its authors define it, on class indices or labels."""
    p = logits.softmax(1)
    y = target if target.is_floating_point() else F.one_hot(target, logits.shape[1]).movedim(-1, 1).to(logits.dtype)
    return (torch.exp(2.4092 - p * (1 + y)) - torch.cos(torch.cos(torch.sin(p)))).mean()


def step(criterion: Criterion, logits: Tensor, target: Tensor) -> None:
    """Run forward and backward once."""
    logits.grad = None
    criterion(logits, target).backward()


def seconds(run: Callable[[], None], device: str) -> float:
    """Return the wall time of one run."""
    if device == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def peak(run: Callable[[], None], device: str) -> float:
    """Return the largest amount of memory in MiB that a run holds at a time."""
    run()
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most / 2**20


def measure(shape: tuple[int, ...], device: str, repeats: int, console: Console) -> None:
    """Print the table of one shape."""
    generator = torch.Generator().manual_seed(0)
    logits = (2 * torch.randn(*shape, generator=generator)).to(device).requires_grad_()
    target = torch.randint(shape[1], (shape[0], *shape[2:]), generator=generator).to(device)
    ngl = losses.get("ngl")
    one_hot = F.one_hot(target, shape[1]).movedim(-1, 1).to(logits.dtype)
    cases: dict[str, tuple[Criterion, Tensor]] = {
        "plain": (plain, target),
        "plain, torch.compile": (torch.compile(plain), target),
        "symloss": (ngl, target),
        "symloss, torch.compile": (torch.compile(ngl, fullgraph=True), target),
        "cross_entropy": (F.cross_entropy, target),
        "cross_entropy, torch.compile": (torch.compile(F.cross_entropy), target),
        "symloss, one-hot labels": (ngl, one_hot),
    }
    runs = {name: partial(step, criterion, logits, labels) for name, (criterion, labels) in cases.items()}
    gradients = {}
    for name, run in runs.items():
        run()
        run()
        assert logits.grad is not None
        gradients[name] = logits.grad.clone()
    times: dict[str, list[float]] = {name: [] for name in runs}
    inner = max(1, 200_000 // logits.numel())
    for _ in track(range(repeats), description=f"{list(shape)}", console=console, transient=True):
        for name, run in runs.items():

            def several(run: Callable[[], None] = run) -> None:
                for _ in range(inner):
                    run()

            times[name].append(seconds(several, device) / inner)
    memory = {name: peak(run, device) for name, run in runs.items()}
    gradient = logits.numel() * logits.element_size() / 2**20
    table = Table(title=f"NGL, forward + backward, logits {list(shape)}, float32", title_justify="left")
    for column in (
        "",
        "median ms",
        "least ms",
        "plain / this",
        "this / cross_entropy",
        "peak MiB",
        "peak / plain's",
        "gradient",
    ):
        table.add_column(column, justify="right" if column else "left")
    scale = float(gradients["plain"].abs().max())
    middle = {name: statistics.median(taken) for name, taken in times.items()}
    for name in runs:
        extra = max(memory[name] - gradient, 0.0)
        table.add_row(
            name,
            f"{1e3 * middle[name]:.3f}",
            f"{1e3 * min(times[name]):.3f}",
            f"{middle['plain'] / middle[name]:.2f}",
            f"{middle[name] / middle['cross_entropy']:.2f}",
            f"{extra:.1f}",
            f"{extra / max(memory['plain'] - gradient, 1e-9):.2f}",
            "" if "cross" in name else f"{float((gradients[name] - gradients['plain']).abs().max()) / scale:.0e}",
        )
    console.print(table)


def main() -> None:
    """Measure each shape."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", default="256x10,4096x1000,4x171x256x256")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    arguments = parser.parse_args()
    console = Console(width=130)
    machine = torch.cuda.get_device_name() if arguments.device == "cuda" else platform.machine()
    console.print(
        f"{machine}, {os.cpu_count()} CPUs, {torch.get_num_threads()} threads; "
        f"Python {platform.python_version()}, torch {version('torch')}"
    )
    for text in arguments.shapes.split(","):
        torch.compiler.reset()
        measure(tuple(map(int, text.split("x"))), arguments.device, arguments.repeats, console)


if __name__ == "__main__":
    main()
