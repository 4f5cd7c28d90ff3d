"""The small networks that take the samples of any dataset here and are as wide as a task's ``hidden`` says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from symloss.errors import SymlossError
from symloss.models.model import Model, Request
from symloss.models.weights import initial_weights

if TYPE_CHECKING:
    from torch import nn


def _mlp(request: Request) -> nn.Module:
    from torch import nn

    features, hidden = math.prod(request.shape), request.hidden
    return nn.Sequential(nn.Flatten(), nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, request.classes))


def _mlp_weights(network: nn.Module, seed: int) -> None:
    import torch

    parameters = list(network.parameters())
    (hidden, features), classes = parameters[0].shape, len(parameters[3])
    with torch.no_grad():
        values = initial_weights(features, hidden, classes, seed).values()
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(torch.from_numpy(value))


def _cnn(request: Request) -> nn.Module:
    """Return three blocks of convolution (3x3, stride 2), BatchNorm and ReLU with a quarter, a half and all of
    ``hidden`` as channels, the mean over what makes at most 4x4 places, and a linear layer."""
    from torch import nn

    shape, hidden = request.shape, request.hidden
    if len(shape) != 3 or min(shape[1:]) < 8:
        raise SymlossError(
            f"the model 'cnn' needs images of (channels, height, width) with at least 8x8 pixels; the samples have the "
            f"shape {shape}: choose 'mlp', or bring channels first where they are last"
        )
    layers: list[nn.Module] = []
    channels, sides = shape[0], tuple(shape[1:])
    for width in (max(1, hidden // 4), max(1, hidden // 2), hidden):
        layers += [nn.Conv2d(channels, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        channels, sides = width, tuple(-(-side // 2) for side in sides)
    ends = tuple(min(side, 4) for side in sides)
    if ends != sides:
        layers.append(nn.AdaptiveAvgPool2d(ends))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * ends[0] * ends[1], request.classes))


SMALL = (
    Model(
        name="mlp",
        task="classification",
        description="one hidden layer with ReLU, --hidden units wide",
        build=_mlp,
        initialise=_mlp_weights,
    ),
    Model(
        name="cnn",
        task="classification",
        description="three convolutions with BatchNorm for images from 8x8 on, the last --hidden channels wide",
        build=_cnn,
        defaults={"steps": 400, "batch": 64, "lr": 5e-3, "schedule": "cosine"},
    ),
)
