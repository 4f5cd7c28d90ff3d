"""The engines that train a population, and which of them a task's networks allow."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from symloss.errors import SymlossError, unknown
from symloss.fitness.mlp import PopulationMLP
from symloss.fitness.modules import build_networks, draws_numbers
from symloss.fitness.network import Population
from symloss.fitness.precision import Precision
from symloss.fitness.single import PopulationSingle
from symloss.fitness.stacked import WIDTH, PopulationStacked
from symloss.tasks import Task, initial_weights

#: Engine -> one line about it. ``"mlp"`` is for the model of that name alone and the only one for it.
ENGINES: dict[str, str] = {
    "mlp": "one hidden layer, forward and backward written out for all networks at once",
    "stacked": "any network that torch.func.vmap takes, all members in one call",
    "single": "any network, one after another",
}

#: Members trained side by side by one thread of a CPU: more of them leave the cache between forward and backward.
_SINGLE_WIDTH = 4


def build_population(
    task: Task, engine: str, seeds: Sequence[int], members: int, device: str | torch.device
) -> Population:
    """Return S x K fresh networks of a task.

    Args:
        task: names the network.
        engine: one of :data:`ENGINES`.
        seeds: S, of the initial weights.
        members: K, at most :func:`job_width`; at least 2 for the MLP.
        device: where to train.

    Raises:
        SymlossError: an unknown engine, or a network whose parameters are not float32.
    """
    if engine == "mlp":
        config = task.config
        weights = [initial_weights(task.features, config.hidden, task.classes, seed) for seed in seeds]
        return PopulationMLP(weights, members, device)
    if engine not in ENGINES:
        raise SymlossError(unknown("engine", engine, ENGINES))
    networks = build_networks(task, list(seeds))
    build = PopulationStacked if engine == "stacked" else PopulationSingle
    return build(networks, seeds, members, draws_numbers(task), Precision.of(task.config, device), device)


def job_width(engine: str, chunk: int, losses: int, workers: int, on_cpu: bool) -> int:
    """Return how many members one piece of work trains side by side, from 1 to ``chunk``.

    Args:
        engine: one of :data:`ENGINES`.
        chunk: the most members in training at a time, over all workers.
        losses: how many there are to train.
        workers: threads that share the work.
        on_cpu: whether they run on a CPU.
    """
    width = max(1, min(chunk // workers, -(-losses // workers)))
    if on_cpu:
        width = min(width, {"stacked": WIDTH, "single": _SINGLE_WIDTH}.get(engine, width))
    return width
