"""Which engine trains a task's networks: asked for, or measured on the task at hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from symloss.codegen.tables import GRID_SIZE, TableGradients
from symloss.fitness.data import Resident
from symloss.fitness.engines import shares
from symloss.fitness.network import Population
from symloss.fitness.stacked import SAMPLES, WIDTH
from symloss.fitness.training import Training
from symloss.tasks import Task, TaskConfig

#: On a CPU full stacks must be so much faster: a search's last rungs leave them half empty, which costs it a third in
#: all, and noise in the measurement should not decide.
_CLEARLY = 1.5
#: Timed steps, how often they are timed, and the seconds after which that is enough.
_STEPS, _REPEATS, _ENOUGH = 4, 3, 5.0
#: Networks that train side by side on a GPU while engines are measured.
_MEMBERS = 32
#: Relative to the largest value, how near the engines' gradients and buffers must be, by precision.
_NEAR = {"float32": 1e-3, "tf32": 1e-2, "bfloat16": 1e-1}
#: Steps after which equal networks must still be equal.
_COMPARED_STEPS = 8


@dataclass(frozen=True)
class Choice:
    """An engine and why it was taken.

    Attributes:
        engine: one of :data:`~symloss.fitness.engines.ENGINES`.
        reason: for people.
        single, stacked: seconds of a training step of one network, as measured; None where nothing was.
    """

    engine: str
    reason: str
    single: float | None = None
    stacked: float | None = None

    @property
    def remedy(self) -> str:
        """What to do where one network does not fit into memory."""
        smaller = "use a smaller batch or network, or fewer threads"
        return f"{smaller}, or engine 'single'" if self.engine == "stacked" else smaller


_LOCK = threading.RLock()
_CHOSEN: dict[tuple[TaskConfig, str], Choice] = {}
_AWAKE: set[torch.device] = set()
_OBSTACLES: dict[tuple[TaskConfig, str], str | None] = {}


def choose_engine(task: Task, device: str | torch.device, members: int, threads: int | None = None) -> str:
    """Return the engine that trains a task's networks: ``"mlp"``, ``"stacked"`` or ``"single"``.

    It is the configuration's, unless that is ``"auto"``: then a few training steps of each are measured, once a
    process. ``"stacked"`` gives way to ``"single"`` for networks that cannot be stacked.

    Args:
        task: data, network and settings.
        device: where to train.
        members: the number of networks.
        threads: that will train on a CPU; torch's own setting by default.
    """
    return choose(task, device, members, threads).engine


def choose(task: Task, device: str | torch.device, members: int, threads: int | None = None) -> Choice:
    """Return :func:`choose_engine`'s choice with its reason and what was measured."""
    device, config = torch.device(device), task.config
    if device.type == "cuda":
        with _LOCK:
            _wake(device)
    if config.model == "mlp":
        return Choice("mlp", "the model has written-out gradients")
    if config.engine == "single":
        return Choice("single", "the configuration says so")
    key = (replace(config, engine="auto"), str(device))
    with _LOCK:
        if key not in _OBSTACLES:
            _OBSTACLES[key] = _obstacle(task, device)
        obstacle = _OBSTACLES[key]
        if obstacle is not None:
            return Choice("single", f"the network cannot be stacked: {obstacle}")
        if config.engine == "stacked":
            return Choice("stacked", "the configuration says so")
        if key not in _CHOSEN:
            workers = (threads or torch.get_num_threads()) if device.type == "cpu" else 1
            _CHOSEN[key] = _measured(task, device, members, workers)
        return _CHOSEN[key]


def engine_fields(task: TaskConfig, choice: Choice | None) -> dict[str, str]:
    """Return the fields of the event ``engine``.

    Args:
        task: its settings, with the engine that trains it.
        choice: what was measured, or None if the settings said it.
    """
    engine = "mlp" if task.model == "mlp" else task.engine
    given = "the model has written-out gradients" if task.model == "mlp" else "the configuration says so"
    return {
        "task": f"{task.dataset}, {task.model}",
        "engine": engine,
        "reason": choice.reason if choice else given,
    }


def _obstacle(task: Task, device: torch.device) -> str | None:
    """Return why a task's networks cannot be stacked, or None, by comparing one alone with a stack of them."""
    on_cpu = device.type == "cpu"
    if on_cpu and task.config.batch % SAMPLES:
        return f"on a CPU the batch must be a multiple of {SAMPLES}, for kernels to round alike all over a stack"
    alone = _training(task, device, "single", 1)
    alone.advance(1)
    width = WIDTH if on_cpu else 2
    with _one_thread(device):
        try:
            stacked = _training(task, device, "stacked", width)
            stacked.advance(1)
            difference = _difference(alone.network, stacked.network, width, _NEAR[task.config.precision])
            stacked.advance(_COMPARED_STEPS)
            stacked.validation()
        except Exception as error:  # whatever vmap does not support in somebody's network
            return f"{type(error).__name__}: {' '.join(str(error).split())}"
    if difference is None and on_cpu:
        first = stacked.network.weights(0, 0)
        for k in range(1, width):  # equal networks with equal losses
            if any(not torch.equal(value, first[name]) for name, value in stacked.network.weights(0, k).items()):
                return "its kernels round differently from place to place in a stack"
    return difference


def _difference(alone: Population, stacked: Population, width: int, near: float) -> str | None:
    """Return what differs after one step, or None."""
    # Gradients and not weights: where one is zero but for rounding, Adam makes a whole step of it.
    gradients = alone.gradients, stacked.gradients.view(width, -1)[0]
    if not _near(*gradients, near):
        return "its gradients are not what they are when it trains alone"
    buffers = stacked.buffers(0, 0)
    for name, expected in alone.buffers(0, 0).items():
        if not _near(expected, buffers[name], near):
            return f"its buffer {name!r} is not what it is when it trains alone"
    return None


def _near(expected: Tensor, found: Tensor, near: float) -> bool:
    expected, found = expected.float().cpu(), found.float().cpu()
    return bool((found - expected).abs().max() <= near * expected.abs().max()) if expected.numel() else True


def _measured(task: Task, device: torch.device, members: int, workers: int) -> Choice:
    """Return the faster engine, by a few steps of each with all threads that will train."""
    on_cpu = device.type == "cpu"
    widths = {e: shares(e, _MEMBERS, members, 1, workers, on_cpu).members for e in ("single", "stacked")}
    data = Resident(task, device, flat=False)
    best = dict.fromkeys(widths, float("inf"))
    started = time.perf_counter()
    for _ in range(_REPEATS):
        for engine, width in widths.items():
            trainings = [_training(task, device, engine, width, data) for _ in range(workers)]
            best[engine] = min(best[engine], _seconds(trainings, device) / (width * workers * _STEPS))
        if time.perf_counter() - started > _ENOUGH:
            break
    single, stacked = best["single"], best["stacked"]
    clearly = _CLEARLY if on_cpu else 1.0
    engine = "stacked" if stacked * clearly < single else "single"
    reason = f"measured: {1e3 * single:.3g} ms a step of one network with single, {1e3 * stacked:.3g} ms with stacked"
    return Choice(engine, reason, single, stacked)


def _seconds(trainings: list[Training], device: torch.device) -> float:
    """Return the time of some steps of several trainings, each on a thread of its own, after a first one."""

    def advance(training: Training) -> None:
        with _one_thread(device):
            training.advance(training.step + _STEPS)

    for training in trainings:
        with _one_thread(device):
            training.advance(1)
    _wait(device)
    start = time.perf_counter()
    with ThreadPoolExecutor(len(trainings)) as pool:
        list(pool.map(advance, trainings))
    _wait(device)
    return time.perf_counter() - start


def _training(task: Task, device: torch.device, engine: str, members: int, data: Resident | None = None) -> Training:
    """Return a training of some networks with cross-entropy, whose response curves are 0 and -1."""
    tables = torch.zeros(members, 2, GRID_SIZE)
    tables[:, 1] = -1
    gradients = TableGradients(tables).to(device)
    return Training(task, gradients, [0], device, engine=engine, total=1 + _STEPS + _COMPARED_STEPS, data=data)


def _wake(device: torch.device) -> None:
    """Let autograd's thread for a GPU find it: cuBLAS warns if it is the first to look there."""
    if device not in _AWAKE:
        with torch.enable_grad():
            torch.ones(1, device=device, requires_grad=True).mul(2).sum().backward()
        _AWAKE.add(device)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


@contextmanager
def _one_thread(device: torch.device) -> Iterator[None]:
    """On a CPU, let torch use one thread, as in training."""
    setting = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if device.type == "cpu":
            torch.set_num_threads(setting)
