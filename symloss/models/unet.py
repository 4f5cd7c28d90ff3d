"""The U-Net for segmentation. This file imports torch; the registry imports it when it builds."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

#: Groups of channels in each normalisation with ``norm="group"``, or fewer where they do not divide the channels.
_GROUPS = 8


class UNet(nn.Module):
    """The U-Net (Ronneberger, Fischer and Brox 2015, MICCAI) for images of any size.

    Unlike the published one its convolutions are padded and normalised, so that logits have the size of the image.
    Where a side is odd, pooling rounds up, and what the way up has in excess is cut off.

    Args:
        channels: of the images.
        classes: C.
        width: channels of the first level; each level below has twice as many.
        depth: how often the image is halved.
        norm: ``"batch"`` or ``"group"``.

    It takes images ``[B, channels, H, W]`` and returns logits ``[B, C, H, W]``.
    """

    def __init__(self, channels: int, classes: int, width: int = 32, depth: int = 4, norm: str = "batch") -> None:
        super().__init__()
        widths = [width << level for level in range(depth + 1)]
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.down = nn.ModuleList(
            _block(inputs, outputs, norm) for inputs, outputs in zip([channels, *widths], widths, strict=False)
        )
        pairs = [(widths[level + 1], widths[level]) for level in reversed(range(depth))]
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(below, here, 2, 2) for below, here in pairs)
        self.up = nn.ModuleList(_block(2 * here, here, norm) for _, here in pairs)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        maps, skips = self.down[0](images), []
        for block in list(self.down)[1:]:
            skips.append(maps)
            maps = block(self.pool(maps))
        for enlarge, block in zip(self.enlarge, self.up, strict=True):
            skip = skips.pop()
            height, width = skip.shape[2:]
            maps = block(torch.cat([skip, enlarge(maps)[:, :, :height, :width]], 1))
        return self.head(maps)


def _block(inputs: int, outputs: int, norm: str) -> nn.Sequential:
    """Return two 3x3 convolutions, each with normalisation and ReLU."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), _norm(outputs, norm), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _norm(channels: int, norm: str) -> nn.Module:
    return nn.BatchNorm2d(channels) if norm == "batch" else nn.GroupNorm(math.gcd(_GROUPS, channels), channels)
