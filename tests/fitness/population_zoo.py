"""Networks that the tests name as ``population_zoo:factory``."""

from __future__ import annotations

import torch
from torch import nn


def _convolutions(shape, classes, activation, norm, end=()):
    return nn.Sequential(
        nn.Conv2d(shape[0], 8, 3, padding=1, bias=False),
        norm(8),
        activation(),
        nn.AvgPool2d(2),
        nn.Conv2d(8, 12, 3, padding=1, bias=False),
        norm(12),
        activation(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        *end,
        nn.Linear(12 * (shape[1] // 4) * (shape[2] // 4), classes),
    )


def smooth(shape, classes):
    return _convolutions(shape, classes, nn.SiLU, nn.BatchNorm2d)


def odd(shape, classes):
    """Sizes that fill no vector register."""
    side = shape[1] - 2
    return nn.Sequential(
        nn.Conv2d(shape[0], 3, 3, bias=False),
        nn.BatchNorm2d(3),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(3 * side * side, 7),
        nn.Tanh(),
        nn.Linear(7, classes),
    )


def dropping(shape, classes):
    return _convolutions(shape, classes, nn.SiLU, nn.BatchNorm2d, [nn.Dropout(0.3)])


def layers(shape, classes):
    features = shape[0] * shape[1] * shape[2]
    return nn.Sequential(nn.Flatten(), nn.Linear(features, 33), nn.SiLU(), nn.Linear(33, classes))


class Residual(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.stem = nn.Conv2d(shape[0], 8, 3, padding=1)
        self.norm = nn.GroupNorm(2, 8)
        self.branch = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.SiLU())
        self.head = nn.Linear(8, classes)
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        x = nn.functional.silu(self.norm(self.stem(x)))
        return self.scale * self.head((x + self.branch(x)).mean((2, 3)))


residual = Residual


class Viewing(nn.Module):
    """Takes it for granted that images lie in memory row by row."""

    def __init__(self, shape, classes):
        super().__init__()
        self.conv = nn.Conv2d(shape[0], 4, 3, padding=1)
        self.head = nn.Linear(4 * shape[1] * shape[2], classes)

    def forward(self, x):
        return self.head(self.conv(x).tanh().view(len(x), -1))


viewing = Viewing


class Partial(nn.Module):
    """Has a layer that is frozen, drawn anew for each seed, one that nothing uses, and one that is used twice."""

    def __init__(self, shape, classes):
        super().__init__()
        features = shape[0] * shape[1] * shape[2]
        self.frozen = nn.Linear(features, 16).requires_grad_(False)
        self.unused = nn.Linear(3, 3)
        self.first = nn.Linear(16, 16)
        self.second = nn.Linear(16, 16)
        self.second.weight = self.first.weight
        self.head = nn.Linear(16, classes)

    def forward(self, x):
        x = self.frozen(x.flatten(1)).tanh()
        return self.head(self.second(self.first(x).tanh()).tanh())


partial = Partial


class Branching(nn.Module):
    """Decides by its activations."""

    def __init__(self, shape, classes):
        super().__init__()
        self.head = nn.Linear(shape[0] * shape[1] * shape[2], classes)

    def forward(self, x):
        logits = self.head(x.flatten(1))
        return logits if logits.mean() > 1000 else 2 * logits


branching = Branching


class Replacing(nn.Module):
    """Replaces its buffer instead of writing into it."""

    def __init__(self, shape, classes):
        super().__init__()
        self.head = nn.Linear(shape[0] * shape[1] * shape[2], classes)
        self.register_buffer("mean", torch.zeros(classes))

    def forward(self, x):
        logits = self.head(x.flatten(1))
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * logits.detach().mean(0)
        return logits - self.mean


replacing = Replacing


class Failing(nn.Module):
    """Evaluates and does not train."""

    def __init__(self, shape, classes):
        super().__init__()
        self.head = nn.Linear(shape[0] * shape[1] * shape[2], classes)

    def forward(self, x):
        if self.training:
            raise RuntimeError("no training today")
        return self.head(x.flatten(1))


failing = Failing
