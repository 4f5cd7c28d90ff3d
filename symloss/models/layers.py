"""The layers around torchvision's networks. This file imports torch; the registry imports it when it builds."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from symloss.models.outputs import Outputs


class GlobalMax(nn.Module):
    """``[B, F, H, W]`` -> ``[B, F]``: the largest value of each feature map."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.amax((2, 3))  # unlike max pooling, its gradient has the same bits on every run of a GPU


def paper_head(features: int, classes: int) -> nn.Sequential:
    """Return the classifier of Akhmedova and Koerber 2024 (arXiv 2404.12948), ``[B, features]`` -> logits ``[B, C]``.

    Batch norm, dense 128 with ReLU, dropout .5, batch norm, dense 64 with ReLU, dropout .5, batch norm, dense C. Their
    softmax belongs to the loss here. Constants of the layers are torch's and not those of Keras.
    """
    return nn.Sequential(
        nn.BatchNorm1d(features),
        nn.Linear(features, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.BatchNorm1d(128),
        nn.Linear(128, 64),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.BatchNorm1d(64),
        nn.Linear(64, classes),
    )


def group_norm(channels: int) -> nn.GroupNorm:
    """Return the normalisation of Wu and He 2018 (ECCV) with their 32 groups, in place of batch norm."""
    return nn.GroupNorm(32, channels)


class Adapted(nn.Module):
    """A network of torchvision that takes a task's images and returns logits, or :class:`Outputs` while it trains.

    Args:
        network: from ``[B, 3, H, W]`` to logits, to (logits, auxiliary logits), or to a dictionary of them as
            ``"out"`` and ``"aux"``.
        channels: of the images: 3, or 1, which is repeated.
        doublings: how often both sides are doubled first, by the nearest neighbour.
        aux_weight: the factor of the auxiliary head's loss.
    """

    def __init__(self, network: nn.Module, channels: int, doublings: int = 0, aux_weight: float = 0.0) -> None:
        super().__init__()
        self.network = network
        self.channels, self.doublings, self.aux_weight = channels, doublings, aux_weight

    def forward(self, images: Tensor) -> Tensor | Outputs:
        if self.doublings:
            # One enlargement by 2**n is n doublings.
            images = F.interpolate(images, scale_factor=2**self.doublings, mode="nearest")
        if self.channels == 1:
            images = images.expand(-1, 3, -1, -1)
        found = self.network(images)
        if isinstance(found, dict):
            logits, aux = found["out"], found.get("aux")
        elif isinstance(found, tuple):
            logits, aux = found
        else:
            logits, aux = found, None
        return Outputs(logits, aux, self.aux_weight) if aux is not None and self.training else logits

    def extra_repr(self) -> str:
        return f"channels={self.channels}, doublings={self.doublings}, aux_weight={self.aux_weight}"
