"""How much faster is a population than training its members one at a time?

    python experiments/speed/population.py [--model mlp] [--dataset digits] [--members 1 8 64] [--steps 300]
        [--repeats 5] [--device cpu] [--precision float32] [--only times]

All train the same networks with the same weights and batches, at the settings that suit the model, and evaluate them
once. One at a time is the loop one writes in PyTorch: an nn.Module, the loss in torch functions, backward, the
optimiser of torch.optim. Its time is the smaller of torch with one thread and with all. Runs alternate and the median
is taken, because other programs on the machine slow both.

The weight difference is max |w - w_ref| / max |w_ref| of the worst tensor, batch normalisation's statistics included,
after all steps. Where a gradient happens to change sign, or a unit of ReLU to wake up, any two ways to round can end
visibly apart, with Adam above all, as its first steps have the same length however small a gradient is. So plain
training in float64 stands beside them: the population is as near to it as plain float32 training is.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symloss.codegen.tables import GRID_P, GRID_Q, TableGradients, build_table
from symloss.fitness.choice import choose
from symloss.fitness.population import train_population
from symloss.fitness.reference import train_reference
from symloss.fitness.training import Training
from symloss.formula import parse_formula
from symloss.symbolic.response import response_curves
from symloss.tasks import Task, TaskConfig, defaults_of, load_task

Criterion = Callable[[Tensor, Tensor], Tensor]


def ngl(logits: Tensor, target: Tensor) -> Tensor:
    p = logits.softmax(-1)
    y = F.one_hot(target, logits.shape[-1])
    return (torch.exp(2.4092 - p * (1 + y)) - torch.cos(torch.cos(torch.sin(p)))).sum(-1).mean()


def focal(logits: Tensor, target: Tensor) -> Tensor:
    log_p = logits.log_softmax(-1).gather(-1, target[:, None])
    return (-((1 - log_p.exp()) ** 2) * log_p).mean()


def brier(logits: Tensor, target: Tensor) -> Tensor:
    return ((logits.softmax(-1) - F.one_hot(target, logits.shape[-1])) ** 2).sum(-1).mean()


def exponential(logits: Tensor, target: Tensor) -> Tensor:
    p = logits.softmax(-1)
    return torch.exp(-p * (1 + F.one_hot(target, logits.shape[-1]))).sum(-1).mean()


def generalised(logits: Tensor, target: Tensor) -> Tensor:
    return (-(logits.softmax(-1).gather(-1, target[:, None]) ** 0.7) / 0.7).mean()


#: name -> (formula of one class, the loss as one writes it)
LOSSES: dict[str, tuple[str, Criterion]] = {
    "ce": ("-y_true*log(y_pred)", F.cross_entropy),
    "ngl": ("exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))", ngl),
    "focal": ("-y_true*square(1 - y_pred)*log(y_pred)", focal),
    "brier": ("square(y_pred - y_true)", brier),
    "exp": ("exp(-y_pred*(1 + y_true))", exponential),
    "gce": ("-y_true*exp(0.7*log(y_pred))/0.7", generalised),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="mlp", help="mlp, cnn, or package.module:factory")
    parser.add_argument("--dataset", default="digits", help="such as digits or fashion-mnist")
    parser.add_argument("--members", type=int, nargs="+", default=[1, 8, 64], help="networks in the population")
    parser.add_argument("--steps", type=int, default=300, help="training steps")
    parser.add_argument("--repeats", type=int, default=5, help="timed runs, of which the median is taken")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or mps")
    parser.add_argument("--precision", default="float32", help="of both: float32, tf32 or bfloat16")
    parser.add_argument("--engine", default="auto", help="auto, stacked or single; the mlp has one of its own")
    parser.add_argument("--only", choices=("times", "differences"), help="one of the two parts")
    options = parser.parse_args()
    common = {"dataset": options.dataset, "engine": options.engine, "precision": options.precision}
    task = load_task(TaskConfig.from_dict(defaults_of(options.model) | {"model": options.model} | common))
    threads = torch.get_num_threads()
    print(
        f"{_hardware(options.device)}; {os.cpu_count()} cores, {threads} torch threads; load {os.getloadavg()[0]:.1f}"
    )
    print(f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}, {options.precision}")
    config = task.config
    size = sum(parameter.numel() for parameter in task.network(0).parameters())
    print(
        f"{config.dataset}, {config.model} of {size} parameters, batch {config.batch}, {config.optimizer}, "
        f"{options.steps} steps and one evaluation"
    )
    choice = choose(task, options.device, max(options.members), threads)
    print(f"engine: {choice.engine} ({choice.reason})")
    task = load_task(replace(config, engine="auto" if choice.engine == "mlp" else choice.engine))
    mixes = {"ngl": ["ngl"], "mix of " + ", ".join(LOSSES): list(LOSSES)} if options.only != "differences" else {}
    for title, names in mixes.items():
        together, alone = time_all(task, names, options.members, options.steps, options.repeats, options.device)
        print(f"\n{title}")
        for count, seconds in alone.items():
            print(f"  one at a time, {count} thread{'s' if count > 1 else ' '} {1 / seconds:9.2f} candidates a second")
        for members, seconds in together.items():
            ratio = min(alone.values()) / seconds
            print(f"  {members:5d} members {1 / seconds:21.2f} candidates a second, {ratio:.1f} times as many")
    for model in dict.fromkeys([options.model, "mlp", "cnn"]) if options.only != "times" else ():
        settings = defaults_of(model) | {"model": model} | common
        for optimiser in ({}, {"optimizer": "sgd", "lr": 0.02}):
            task = load_task(TaskConfig.from_dict(settings | optimiser))
            print_differences(task, min(options.steps, 100), options.device)


def time_all(
    task: Task, names: list[str], sizes: list[int], steps: int, repeats: int, device: str
) -> tuple[dict[int, float], dict[int, float]]:
    """Return the median seconds per candidate: of populations by size, and of one at a time by torch's threads."""
    threads = torch.get_num_threads()
    gradients = {size: tables([names[k % len(names)] for k in range(size)]) for size in sizes}
    together: dict[int, list[float]] = {size: [] for size in sizes}
    alone: dict[int, list[float]] = {count: [] for count in sorted({1, threads})}
    train_population(task, gradients[sizes[0]], [0], 10, device=device)
    train_plainly(task, LOSSES[names[0]][1], 10, device)
    for _ in range(repeats):
        for size, times in together.items():
            run = _seconds(lambda size=size: train_population(task, gradients[size], [0], steps, device=device))
            times.append(run / size)
        for count, times in alone.items():
            torch.set_num_threads(count)
            total = sum(_seconds(lambda name=n: train_plainly(task, LOSSES[name][1], steps, device)) for n in names)
            times.append(total / len(names))
            torch.set_num_threads(threads)
    return _medians(together), _medians(alone)


@torch.no_grad()
def _score(task: Task, network: nn.Module, device: str) -> float:
    part = task.split(0).validation
    rows, labels = torch.tensor(task.inputs[part], device=device), torch.tensor(task.labels[part], device=device)
    hits = [(network(x).argmax(-1) == y).sum() for x, y in zip(rows.split(1024), labels.split(1024), strict=True)]
    return torch.stack(hits).sum().item() / len(labels)


def train_plainly(task: Task, criterion: Criterion, steps: int, device: str) -> float:
    """Train one network, and return its validation accuracy."""
    with torch.enable_grad():
        network = train_reference(task, criterion, 0, steps, device)
    return _score(task, network, device)


def print_differences(task: Task, steps: int, device: str) -> None:
    """Print each loss's distances: population to plain, population to plain float64, plain to plain float64."""
    engine = choose(task, device, len(LOSSES)).engine
    training = Training(task, tables(list(LOSSES)).to(device), [0], device, engine=engine, total=steps)
    training.advance(steps)
    print(f"\n{task.config.model} ({engine}), {task.config.optimizer}: weights after {steps} steps, seed 0")
    print(f"  {'loss':8s}  population from plain  population from float64  plain from float64")
    for k, (name, (_, criterion)) in enumerate(LOSSES.items()):
        found = training.network.weights(0, k) | training.network.buffers(0, k)
        plain = train_reference(task, criterion, 0, steps, device).state_dict()
        # Apple's GPUs have no float64.
        exact = train_reference(task, criterion, 0, steps, "cpu", torch.float64).state_dict()
        pairs = ((found, plain), (found, exact), (plain, exact))
        to_plain, to_exact, floor = (_distance(a, b) for a, b in pairs)
        print(f"  {name:8s} {to_plain:22.1e} {to_exact:24.1e} {floor:19.1e}")


def tables(names: list[str]) -> TableGradients:
    unique = list(dict.fromkeys(names))
    curves = (response_curves(parse_formula(LOSSES[name][0]), GRID_P, GRID_Q) for name in unique)
    built = torch.stack([build_table(*pair) for pair in curves])
    return TableGradients(built[[unique.index(name) for name in names]])


def _distance(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    if found.keys() != expected.keys():  # the MLP with gradients of its own has names of its own, in the same order
        found = dict(zip(expected, found.values(), strict=True))
    pairs = [(found[name].cpu().double(), value.cpu().double()) for name, value in expected.items()]
    return max(((a - b).abs().max() / b.abs().max().clamp(min=1e-12)).item() for a, b in pairs)


def _medians(times: dict[int, list[float]]) -> dict[int, float]:
    return {key: statistics.median(values) for key, values in times.items()}


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _hardware(device: str) -> str:
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
