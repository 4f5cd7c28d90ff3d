"""The initial weights of the network with one hidden layer, keyed by the seed alone: every loss starts from them."""

from __future__ import annotations

import numpy as np

from symloss.runtime import keyed_numpy


def initial_weights(features: int, hidden: int, classes: int, seed: int) -> dict[str, np.ndarray]:
    """Return float32 weights with ``torch.nn.Linear``'s default distribution, uniform in ±1/sqrt(inputs).

    Returns:
        ``w1 [H, D]``, ``b1 [H]``, ``w2 [C, H]``, ``b2 [C]``.
    """
    rng = keyed_numpy("initial weights", seed)

    def uniform(inputs: int, *shape: int) -> np.ndarray:
        return ((2 * rng.random(shape) - 1) / np.sqrt(inputs)).astype(np.float32)

    return {
        "w1": uniform(features, hidden, features),
        "b1": uniform(features, hidden),
        "w2": uniform(hidden, classes, hidden),
        "b2": uniform(hidden, classes),
    }
