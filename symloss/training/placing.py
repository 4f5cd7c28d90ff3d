"""From a file's image to one of a batch's size, in the process that reads it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from symloss.errors import SymlossError

#: Of an image's area and aspect ratio, with "imagenet".
_AREA, _RATIO = (0.08, 1.0), (3 / 4, 4 / 3)
_TRIES = 10
#: The part of the sides that is evaluated with "imagenet": 224 of 256.
_MIDDLE = 7 / 8
#: With "segmentation".
_SCALE = (0.5, 2.0)


@dataclass(frozen=True)
class Placing:
    """Brings images, and masks with them, to one size; picklable.

    For classification both sides are brought to the size. For segmentation an image keeps its aspect ratio and fits
    inside it; the rest is filled, and in the mask ignored. The augmentations ``imagenet`` and ``segmentation`` cut
    training images differently; what ``imagenet`` evaluates is the middle of the image.

    Attributes:
        size: (height, width).
        way: "keep" (of images that must have the size), "resize", "imagenet", or for masks "crop" or "fit".
        ignore_index: for the masks; None for classification.
        fill: each channel's value beside an image, 0..255.
    """

    size: tuple[int, int]
    way: str
    ignore_index: int | None
    fill: tuple[int, ...]

    def __call__(self, image: Image.Image, mask: Image.Image | None, draws: np.ndarray) -> tuple[Tensor, Tensor | None]:
        """Return the image ``[C, *size]`` uint8 and the mask ``[*size]`` uint8 or None.

        Args:
            image: in the mode "L" or "RGB".
            mask: of the same size, in the mode "L"; None for classification.
            draws: uniform in [0, 1), those behind the first, which mirrors batches; empty for evaluation.
        """
        if self.way == "keep":
            if F.get_size(image) != list(self.size):
                (h, w), (height, width) = self.size, F.get_size(image)
                raise SymlossError(
                    f"the images have several sizes, such as {h}x{w} and {height}x{width} (height x width); give the "
                    "recipe a size to bring them to"
                )
            return F.pil_to_tensor(image), None if mask is None else F.pil_to_tensor(mask)[0]
        if mask is not None:
            return self._masked(image, mask, draws if self.way == "crop" else draws[:0])
        if self.way == "imagenet":
            return F.pil_to_tensor(self._part(image, draws) if len(draws) else self._middle(image)), None
        return F.pil_to_tensor(F.resize(image, list(self.size), antialias=True)), None

    def _part(self, image: Image.Image, draws: np.ndarray) -> Image.Image:
        """As ``v2.RandomResizedCrop``: the first of a few random parts that lies inside, else the middle."""
        height, width = F.get_size(image)
        low, high = (math.log(ratio) for ratio in _RATIO)
        for area, ratio, top, left in draws[: 4 * _TRIES].reshape(-1, 4)[:_TRIES]:
            pixels = height * width * (_AREA[0] + area * (_AREA[1] - _AREA[0]))
            aspect = math.exp(low + ratio * (high - low))
            w, h = round(math.sqrt(pixels * aspect)), round(math.sqrt(pixels / aspect))
            if 0 < w <= width and 0 < h <= height:
                y, x = int(top * (height - h + 1)), int(left * (width - w + 1))
                return F.resized_crop(image, y, x, h, w, list(self.size), antialias=True)
        aspect = min(max(width / height, _RATIO[0]), _RATIO[1])
        w, h = min(width, round(height * aspect)), min(height, round(width / aspect))
        return F.resized_crop(image, (height - h) // 2, (width - w) // 2, h, w, list(self.size), antialias=True)

    def _middle(self, image: Image.Image) -> Image.Image:
        height, width = F.get_size(image)
        scale = max(self.size[0] / height, self.size[1] / width) / _MIDDLE
        sides = [max(own, round(side * scale)) for own, side in zip(self.size, (height, width), strict=True)]
        return F.center_crop(F.resize(image, sides, antialias=True), list(self.size))

    def _masked(self, image: Image.Image, mask: Image.Image, draws: np.ndarray) -> tuple[Tensor, Tensor]:
        if mask.size != image.size:
            raise SymlossError(f"an image has {image.size} pixels and its mask {mask.size}; they must be the same")
        height, width = F.get_size(image)
        scale = min(self.size[0] / height, self.size[1] / width)
        if len(draws):
            low, high = (math.log(bound) for bound in _SCALE)
            scale *= math.exp(low + float(draws[0]) * (high - low))
        sides = [max(1, round(side * scale)) for side in (height, width)]
        if sides != [height, width]:
            image = F.resize(image, sides, antialias=True)
            mask = F.resize(mask, sides, interpolation=v2.InterpolationMode.NEAREST)
        pixels, classes = F.pil_to_tensor(image), F.pil_to_tensor(mask)[0]
        framed = torch.tensor(self.fill, dtype=torch.uint8)[:, None, None].repeat(1, *self.size)
        marked = torch.full(self.size, self.ignore_index or 0, dtype=torch.uint8)
        ours: list[slice] = []
        theirs: list[slice] = []
        places = draws[1:3] if len(draws) else (0.5, 0.5)
        for side, own, place in zip(sides, self.size, places, strict=True):
            # Where an image is larger a window of it is taken; where it is smaller it is put somewhere inside.
            offset = int(float(place) * (abs(side - own) + 1))
            length = min(side, own)
            ours.append(slice(offset, offset + length) if side < own else slice(0, length))
            theirs.append(slice(offset, offset + length) if side > own else slice(0, length))
        framed[:, ours[0], ours[1]] = pixels[:, theirs[0], theirs[1]]
        marked[ours[0], ours[1]] = classes[theirs[0], theirs[1]]
        return framed, marked
