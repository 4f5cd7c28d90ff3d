"""How much faster is a population than training its members one at a time?

    python experiments/speed/population.py [--members 64] [--steps 300] [--repeats 5]

Both train the same MLP (64-64-10, batch 128, Adam) on the digits with the same weights and batches. One at a time
is the loop one writes in PyTorch: nn.Sequential, the loss in torch functions, backward, torch.optim.Adam. Its time
is the smaller of torch with one thread and with all. Runs alternate and the median is taken, because other
programs on the machine slow both.

The weight difference is max |w - w_ref| / max |w_ref| of the worst parameter tensor, after all steps. Where a
gradient happens to change sign, any two ways to round can end visibly apart, so plain training in float64 stands
beside them: the population is as near to it as plain float32 training is.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from symloss.codegen.tables import GRID_P, GRID_Q, TableGradients, build_table
from symloss.fitness.draws import batch_order, initial_weights
from symloss.fitness.population import Training, train_population
from symloss.fitness.reference import train_reference
from symloss.formula import parse_formula
from symloss.symbolic.response import response_curves
from symloss.tasks import Task, TaskConfig, load_task

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
    parser.add_argument("--members", type=int, default=64, help="networks in the population")
    parser.add_argument("--steps", type=int, default=300, help="Adam steps")
    parser.add_argument("--repeats", type=int, default=5, help="timed runs, of which the median is taken")
    options = parser.parse_args()
    task = load_task(TaskConfig())
    threads = torch.get_num_threads()
    print(f"{_cpu()}; {os.cpu_count()} cores, {threads} torch threads; load {os.getloadavg()[0]:.1f}")
    print(f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}")
    print(f"MLP 64-64-10, batch 128, {options.steps} Adam steps, {options.members} members")
    for title, names in (("ngl", ["ngl"]), ("mix of " + ", ".join(LOSSES), list(LOSSES))):
        together, alone = time_both(task, names, options.members, options.steps, options.repeats, threads)
        print(f"\n{title}")
        print(f"  one at a time   {1e3 * alone:8.1f} ms a candidate")
        print(f"  population      {1e3 * together:8.1f} ms a candidate, {alone / together:.1f}x faster")
    print(f"\nlargest relative weight difference after {options.steps} steps, seed 0")
    print(f"  {'loss':8s}  population from plain  population from float64  plain from float64")
    for name, (plain, double, floor) in weight_differences(task, options.steps).items():
        print(f"  {name:8s} {plain:22.1e} {double:24.1e} {floor:19.1e}")


def time_both(
    task: Task, names: list[str], members: int, steps: int, repeats: int, threads: int
) -> tuple[float, float]:
    """Return the median seconds per candidate of the population and of one at a time."""
    gradients = tables([names[k % len(names)] for k in range(members)])
    together, alone = [], {count: [] for count in {1, threads}}
    train_population(task, gradients, [0], 10)
    train_reference(task, LOSSES[names[0]][1], 0, 10)
    for _ in range(repeats):
        together.append(_seconds(lambda: train_population(task, gradients, [0], steps)) / members)
        for count, times in alone.items():
            torch.set_num_threads(count)
            total = sum(_seconds(lambda name=name: train_reference(task, LOSSES[name][1], 0, steps)) for name in names)
            times.append(total / len(names))
            torch.set_num_threads(threads)
    return statistics.median(together), min(statistics.median(times) for times in alone.values())


def weight_differences(task: Task, steps: int) -> dict[str, tuple[float, float, float]]:
    """Return each loss's distances: population to plain, population to plain float64, plain to plain float64."""
    training = Training(task, tables(list(LOSSES)), [0], "cpu")
    training.advance(steps)
    found = {}
    for k, (name, (_, criterion)) in enumerate(LOSSES.items()):
        stacked = list(training.network.weights(0, k).values())
        plain = list(train_reference(task, criterion, 0, steps).parameters())
        double = list(train_in_float64(task, criterion, steps).parameters())
        found[name] = (_distance(stacked, plain), _distance(stacked, double), _distance(plain, double))
    return found


def train_in_float64(task: Task, criterion: Criterion, steps: int) -> nn.Sequential:
    """Train one network as ``train_reference`` does, in float64."""
    config, split = task.config, task.split(0)
    network = nn.Sequential(
        nn.Linear(task.features, config.hidden), nn.ReLU(), nn.Linear(config.hidden, task.classes)
    ).double()
    start = initial_weights(task.features, config.hidden, task.classes, 0)
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), start.values(), strict=True):
            parameter.copy_(torch.from_numpy(value))
    optimiser = torch.optim.Adam(network.parameters(), lr=config.lr)
    inputs, labels = torch.tensor(task.inputs[split.train]).double(), torch.tensor(split.train_labels)
    for batch in torch.tensor(batch_order(len(labels), config.batch, 0, steps, 0)):
        optimiser.zero_grad()
        criterion(network(inputs[batch]), labels[batch]).backward()
        optimiser.step()
    return network


def tables(names: list[str]) -> TableGradients:
    curves = (response_curves(parse_formula(LOSSES[name][0]), GRID_P, GRID_Q) for name in names)
    return TableGradients(torch.stack([build_table(*pair) for pair in curves]))


@torch.no_grad()
def _distance(found: list[Tensor], expected: list[Tensor]) -> float:
    pairs = zip(found, expected, strict=True)
    return max(((a - b).abs().max() / b.abs().max()).item() for a, b in pairs)


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
