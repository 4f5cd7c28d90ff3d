"""The engines that train a population, and which of them a task's networks allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
#: Members of a stack on a GPU at most: an H100 trains 128 small CNNs side by side faster than 32, and than 512.
_STACKED_WIDTH = 128
#: Fewer MLPs than this are not worth a thread of their own: threads take turns in Python between any two operations,
#: and two of them with 16 networks each are half as fast as one with 32.
_WORTH_A_THREAD = 32


def build_population(
    task: Task, engine: str, seeds: Sequence[int], members: int, device: str | torch.device
) -> Population:
    """Return S x K fresh networks of a task.

    Args:
        task: names the network.
        engine: one of :data:`ENGINES`.
        seeds: S, of the initial weights.
        members: K, at most :data:`~symloss.fitness.stacked.WIDTH` if stacked on a CPU; at least 2 for the MLP.
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


@dataclass(frozen=True)
class Shares:
    """How training is divided into pieces of work.

    Attributes:
        members: losses in one piece.
        seeds: seeds in one piece.
        workers: threads that do pieces side by side.
    """

    members: int
    seeds: int
    workers: int


def shares(engine: str, chunk: int, losses: int, seeds: int, workers: int, on_cpu: bool) -> Shares:
    """Return how to divide the training of some losses with some seeds.

    Args:
        engine: one of :data:`ENGINES`.
        chunk: the most losses in training at a time, over all workers.
        losses: how many there are to train.
        seeds: with how many seeds each.
        workers: threads at hand, at least 1.
        on_cpu: whether they run on a CPU; a GPU is best filled with all seeds at once.
    """
    if not on_cpu:
        return Shares(min(chunk, losses, _STACKED_WIDTH if engine == "stacked" else losses), seeds, 1)
    if engine == "mlp":
        workers = max(1, min(workers, losses * seeds // _WORTH_A_THREAD))
    width = max(1, min(chunk // workers, -(-losses // -(-workers // seeds))))
    if engine != "mlp":
        return Shares(min(width, WIDTH if engine == "stacked" else _SINGLE_WIDTH), 1, workers)
    # Wide pieces have one seed, so that what they work on fits the cache; narrow ones share their overhead.
    return Shares(width, max(1, min(-(-seeds // workers), _WORTH_A_THREAD // width)), workers)
