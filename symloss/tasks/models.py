"""The networks that a task can train: those of :mod:`symloss.models` that return one tensor of logits ``[B, C]``.

Example:
    >>> network = build_network(TaskConfig(model="cnn"), shape=(1, 28, 28), classes=10, seed=0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from symloss import models
from symloss.errors import SymlossError
from symloss.factory import described
from symloss.models import OWN_MODELS, Model

if TYPE_CHECKING:  # torch takes seconds to import, and listings need none of it
    from torch import nn

    from symloss.tasks.config import TaskConfig

__all__ = ["MODELS", "OWN_MODELS", "Model", "build_network", "check_model", "check_network", "defaults_of"]

#: The networks that take the samples of every dataset; ``symloss.models.MODELS`` has all.
MODELS: dict[str, Model] = {model.name: model for model in models.SMALL}


def check_model(name: object) -> str:
    """Return the canonical spelling of a network that a task can train. Nothing is imported.

    Raises:
        SymlossError: an unknown name or parameter, or a network that returns more than logits ``[B, C]``.
    """
    chosen = models.parse(name)
    if chosen.task == "segmentation":
        known = ", ".join(model.name for model in models.MODELS.values() if model.task == "classification")
        raise SymlossError(
            f"the model {chosen.name!r} gives every pixel a class, and the samples of a task have one label each; use "
            f"one of {known}"
        )
    if chosen.aux and chosen.model:
        without = chosen.model.spelled({**chosen.values, "aux": False})
        raise SymlossError(
            f"the model {chosen.name!r} trains with an auxiliary head, and a population of networks trains by one "
            f"tensor of logits; use {without!r}"
        )
    return chosen.name


def defaults_of(model: str) -> dict[str, object]:
    """Return the settings that suit a model where they differ from the defaults of TaskConfig; none for a user's own.

    Raises:
        SymlossError: the name is unknown.
    """
    entry = models.parse(model).model
    return dict(entry.defaults) if entry else {}


def build_network(config: TaskConfig, shape: tuple[int, ...], classes: int, seed: int) -> nn.Module:
    """Return a fresh network on the CPU, in training mode, whose weights depend on the seed alone.

    Torch's generator is as it was afterwards. Threads wait for each other here.

    Raises:
        SymlossError: the model does not suit the shape, or the user's factory fails or returns no network.
    """
    return models.build(config.model, shape, classes, seed, hidden=config.hidden)


def check_network(config: TaskConfig, shape: tuple[int, ...], classes: int) -> None:
    """Build a network and raise SymlossError unless it can be trained here.

    It must have float32 parameters on the CPU, at least one of which is trained, return logits ``[B, classes]``, and
    have the same weights when it is built again with the same seed.
    """
    import torch
    from torch import Tensor

    who, network = f"the model {config.model!r}", build_network(config, shape, classes, 0)
    parameters = dict(network.named_parameters())
    if not any(parameter.requires_grad for parameter in parameters.values()):
        raise SymlossError(f"{who} has no parameter that is trained; at least one must have requires_grad")
    for name, parameter in parameters.items():
        if isinstance(parameter, torch.nn.parameter.UninitializedParameter):
            raise SymlossError(f"{who}: the size of {name} is not known yet; give lazy layers their sizes from shape=")
        if parameter.dtype != torch.float32 or parameter.device.type != "cpu":
            raise SymlossError(
                f"{who}: {name} is {parameter.dtype} on {parameter.device}; build it in torch.float32 on the CPU, "
                "it is moved later"
            )
    again = build_network(config, shape, classes, 0).state_dict()
    for name, value in network.state_dict().items():
        if isinstance(value, Tensor) and not torch.equal(value, again[name]):
            raise SymlossError(
                f"{who}: {name} differs when the network is built again; draw weights from torch's generator alone, "
                "so that every loss starts from the same"
            )
    try:
        with torch.no_grad():
            logits = network.eval()(torch.zeros(2, *shape))
    except Exception as error:
        raise SymlossError(f"{who} fails on inputs of shape {[2, *shape]}: {described(error)}") from error
    if not isinstance(logits, Tensor) or logits.shape != (2, classes):
        found = f"shape {list(logits.shape)}" if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
        raise SymlossError(f"{who} returns {found} for 2 samples; it must return logits of shape [2, {classes}]")
