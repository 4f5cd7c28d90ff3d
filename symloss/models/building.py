"""A network from its name, with weights that depend on a seed alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from symloss.errors import SymlossError
from symloss.factory import call_factory
from symloss.models.model import Request
from symloss.models.registry import parse
from symloss.runtime import keyed_seed

if TYPE_CHECKING:
    from torch import nn

# Layers draw their weights from torch's one generator, and threads build networks side by side.
_GENERATOR = threading.Lock()


def build(name: str, shape: tuple[int, ...], classes: int, seed: int, hidden: int = 64) -> nn.Module:
    """Return a fresh network in training mode, whose weights depend on the seed alone. Nothing is downloaded.

    It is on the CPU, unless the caller has set another default device. Torch's generator is as it was afterwards.
    Threads wait for each other here.

    Args:
        name: see :func:`~symloss.models.parse`.
        shape: of a sample; of images (channels, height, width).
        classes: the number of classes C, at least 1.
        seed: of the weights.
        hidden: the width of ``mlp`` and ``cnn``; all others have parameters in their names.

    Returns:
        A module that takes ``[B, *shape]`` and returns logits ``[B, C]``, of segmentation ``[B, C, H, W]``; with an
        auxiliary head, while it trains, :class:`~symloss.models.Outputs`. Read both by
        :func:`~symloss.models.outputs_of`.

    Raises:
        SymlossError: the name is unknown, the network does not suit the shape, or the user's factory fails or returns
            no network.
    """
    import torch
    from torch import nn

    chosen, shape = parse(name), tuple(shape)
    if isinstance(classes, bool) or not isinstance(classes, int) or classes < 1:
        raise SymlossError(f"classes is {classes!r}; it must be a whole number of at least 1")
    with _GENERATOR, torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which would seed the accelerators' generators as well.
        torch.default_generator.manual_seed(keyed_seed("initial weights", seed))
        if chosen.model is not None:
            network = chosen.model.build(Request(chosen.name, shape, classes, hidden, chosen.values))
        else:
            network = call_factory("model", chosen.name, shape=shape, classes=classes)
    if not isinstance(network, nn.Module):
        raise SymlossError(
            f"model factory {chosen.name!r} returned a {type(network).__name__}; it must return a torch.nn.Module"
        )
    if chosen.model is not None and chosen.model.initialise is not None:
        chosen.model.initialise(network, seed)
    return network.train()
