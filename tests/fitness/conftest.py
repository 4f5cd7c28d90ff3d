from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from symloss.codegen.tables import GRID_P, GRID_Q, build_table

sys.path.insert(0, str(Path(__file__).parent))  # for population_zoo, whose networks tasks import by name


def _ngl(p, _):
    def slope(y):
        inner = np.sin(p)
        return -(1 + y) * np.exp(2.4092 - p * (1 + y)) - np.sin(np.cos(inner)) * np.sin(inner) * np.cos(p)

    return p * slope(0), p * slope(1)


_CURVES = {
    "ce": lambda p, q: (0 * p, 0 * p - 1),
    "brier": lambda p, q: (2 * p * p, -2 * p * q),
    "mae": lambda p, q: (0 * p, -p),
    "focal": lambda p, q: (0 * p, 2 * p * q * np.log(p) - q * q),
    "gce": lambda p, q: (0 * p, -(p**0.7)),
    "ngl": _ngl,
    "exp": lambda p, q: (-p * np.exp(-p), -2 * p * np.exp(-2 * p)),
    "nothing": lambda p, q: (0 * p, 0 * p),
    "wrong sign": lambda p, q: (0 * p, 0 * p + 1),
    "label blind": lambda p, q: (-p * p, -p * p),
    "explodes": lambda p, q: (0 * p, np.full_like(p, -3e38)),
}


@pytest.fixture(autouse=True)
def one_thread():
    """Keep torch from spinning when several test processes share the cores."""
    setting = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(setting)


@pytest.fixture(scope="session")
def tables():
    """Return a function from the names of losses to their stacked response tables."""

    def build(*names):
        return torch.stack([build_table(*_CURVES[name](GRID_P, GRID_Q)) for name in names])

    return build


def _classwise(loss):
    def criterion(logits, target):
        p = logits.softmax(-1)
        return loss(p, F.one_hot(target, logits.shape[-1])).sum(-1).mean()

    return criterion


@pytest.fixture(scope="session")
def criterions():
    """The same losses as one would write them in torch."""
    return {
        "ce": F.cross_entropy,
        "brier": _classwise(lambda p, y: (p - y) ** 2),
        "exp": _classwise(lambda p, y: torch.exp(-p * (1 + y))),
        "ngl": _classwise(lambda p, y: torch.exp(2.4092 - p * (1 + y)) - torch.cos(torch.cos(torch.sin(p)))),
    }
