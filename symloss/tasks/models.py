"""The networks a task can name. A new one is a function that builds it and an entry of :data:`MODELS`.

Example:
    >>> network = build_network(TaskConfig(model="cnn"), shape=(1, 28, 28), classes=10, seed=0)
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from symloss.errors import SymlossError, unknown
from symloss.runtime import keyed_seed
from symloss.tasks.factory import call_factory, is_factory
from symloss.tasks.weights import initial_weights

if TYPE_CHECKING:  # torch takes seconds to import, and listings need none of it
    from torch import nn

    from symloss.tasks.config import TaskConfig

# Layers draw their weights from torch's one generator, and threads build networks side by side.
_GENERATOR = threading.Lock()

#: How a network of one's own is named, with one line for listings.
OWN_MODELS: dict[str, str] = {
    "package.module:factory": "what a function of your own returns, called as factory(shape=(C, H, W), classes=K)"
}


@dataclass(frozen=True)
class Model:
    """A network that tasks can name.

    Attributes:
        name: its key in :data:`MODELS`.
        description: one line for listings.
        build: from the shape of a sample, the number of classes and the settings to a network, whose layers draw
            their weights from torch's generator.
        defaults: the settings that suit it, where they differ from those of :class:`~symloss.tasks.TaskConfig`.
        initialise: replaces the drawn weights by those of a seed, where the network has its own.
    """

    name: str
    description: str
    build: Callable[[tuple[int, ...], int, TaskConfig], nn.Module]
    defaults: dict[str, object] = field(default_factory=dict)
    initialise: Callable[[nn.Module, int], None] | None = None


def _mlp(shape: tuple[int, ...], classes: int, config: TaskConfig) -> nn.Module:
    from torch import nn

    features = int(np.prod(shape))
    return nn.Sequential(nn.Flatten(), nn.Linear(features, config.hidden), nn.ReLU(), nn.Linear(config.hidden, classes))


def _mlp_weights(network: nn.Module, seed: int) -> None:
    import torch

    parameters = list(network.parameters())
    (hidden, features), classes = parameters[0].shape, len(parameters[3])
    with torch.no_grad():
        values = initial_weights(features, hidden, classes, seed).values()
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(torch.from_numpy(value))


def _cnn(shape: tuple[int, ...], classes: int, config: TaskConfig) -> nn.Module:
    """Return three blocks of convolution (3x3, stride 2), BatchNorm and ReLU with a quarter, a half and all of
    ``hidden`` as channels, the mean over what makes at most 4x4 places, and a linear layer."""
    from torch import nn

    if len(shape) != 3 or min(shape[1:]) < 8:
        raise SymlossError(
            f"the model 'cnn' needs images of (channels, height, width) with at least 8x8 pixels; the samples have the "
            f"shape {shape}: choose 'mlp', or bring channels first where they are last"
        )
    layers: list[nn.Module] = []
    channels, sides = shape[0], tuple(shape[1:])
    for width in (max(1, config.hidden // 4), max(1, config.hidden // 2), config.hidden):
        layers += [nn.Conv2d(channels, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        channels, sides = width, tuple(-(-side // 2) for side in sides)
    ends = tuple(min(side, 4) for side in sides)
    if ends != sides:
        layers.append(nn.AdaptiveAvgPool2d(ends))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * ends[0] * ends[1], classes))


#: Every network by name.
MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            name="mlp",
            description="one hidden layer with ReLU, --hidden units wide",
            build=_mlp,
            initialise=_mlp_weights,
        ),
        Model(
            name="cnn",
            description="three convolutions with BatchNorm for images from 8x8 on, the last --hidden channels wide",
            build=_cnn,
            defaults={"steps": 400, "batch": 64, "lr": 5e-3, "schedule": "cosine"},
        ),
    )
}


def check_model(name: object) -> None:
    """Raise SymlossError unless the name has a form that :func:`build_network` knows. Nothing is imported."""
    if not isinstance(name, str):
        raise SymlossError(f"model is {name!r}; it must be a name, such as 'mlp'")
    if name not in MODELS and not is_factory(name):
        raise SymlossError(f"{unknown('model', name, MODELS)}. One of your own is {' or '.join(OWN_MODELS)}")


def defaults_of(model: str) -> dict[str, object]:
    """Return the settings that suit a model where they differ from the defaults of TaskConfig; none for a user's own.

    Raises:
        SymlossError: the name is unknown.
    """
    check_model(model)
    return dict(MODELS[model].defaults) if model in MODELS else {}


def build_network(config: TaskConfig, shape: tuple[int, ...], classes: int, seed: int) -> nn.Module:
    """Return a fresh network on the CPU, in training mode, whose weights depend on the seed alone.

    Torch's generator is as it was afterwards. Threads wait for each other here.

    Raises:
        SymlossError: the model does not suit the shape, or the user's factory fails or returns no network.
    """
    import torch
    from torch import nn

    model = MODELS.get(config.model)
    with _GENERATOR, torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which would seed the accelerators' generators as well.
        torch.default_generator.manual_seed(keyed_seed("initial weights", seed))
        if model is not None:
            network = model.build(shape, classes, config)
        else:
            network = call_factory("model", config.model, shape=shape, classes=classes)
    if not isinstance(network, nn.Module):
        raise SymlossError(
            f"model factory {config.model!r} returned a {type(network).__name__}; it must return a torch.nn.Module"
        )
    if model is not None and model.initialise is not None:
        model.initialise(network, seed)
    return network.train()


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
        text = " ".join(str(error).split())
        raise SymlossError(f"{who} fails on inputs of shape {[2, *shape]}: {type(error).__name__}: {text}") from error
    if not isinstance(logits, Tensor) or logits.shape != (2, classes):
        found = f"shape {list(logits.shape)}" if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
        raise SymlossError(f"{who} returns {found} for 2 samples; it must return logits of shape [2, {classes}]")
