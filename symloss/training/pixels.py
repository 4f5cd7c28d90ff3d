"""What the images of a part are: their form, and the mean and spread of their channels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from symloss.data import ArrayImages
from symloss.training.choices import AUGMENTATIONS
from symloss.training.parts import Part
from symloss.training.placing import Placing
from symloss.training.recipe import Recipe

#: So many images of files are measured, spread evenly over the part.
_MEASURED = 2048
_CHUNK = 4096
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True)
class Normalisation:
    """Each channel's mean and standard deviation, of values from 0 to 255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def on(self, device: torch.device) -> Callable[[Tensor], Tensor]:
        """Return what makes a batch ``[B, C, H, W]`` of values from 0 to 255 float32 of mean 0 and deviation 1."""
        mean = torch.tensor(self.mean, device=device).view(1, -1, 1, 1)
        scale = torch.tensor([1 / std for std in self.std], device=device).view(1, -1, 1, 1)
        return lambda images: images.to(torch.float32, copy=True).sub_(mean).mul_(scale)


def normalisation_of(recipe: Recipe, part: Part) -> Normalisation:
    """Return what normalises inputs: ImageNet's constants, or what the training images have.

    Images in memory are measured all. Of images in files it is up to 2,048, each counting as much as any other.
    """
    if recipe.normalise == "imagenet":
        mean, std = (tuple(255 * value for value in values) for values in _IMAGENET)
        if channels_of(part) == 1:
            return Normalisation((sum(mean) / 3,), (sum(std) / 3,))
        return Normalisation(mean, std)
    if isinstance(part.data, ArrayImages):
        pixels = part.data.pixels
        sums = [_moments(pixels[rows]) * len(rows) for rows in _chunks(part.rows)]
        first, second = np.sum(sums, 0) / len(part)
    else:
        chosen = part.rows[np.linspace(0, len(part) - 1, min(len(part), _MEASURED)).astype(np.int64)]
        found = list(threaded(lambda row: _moments(np.asarray(part.data[int(row)][0])[None]), chosen))
        first, second = np.mean(found, 0)
    std = np.sqrt(np.maximum(second - first**2, 0))
    return Normalisation(tuple(first.tolist()), tuple(np.where(std > 0, std, 1.0).tolist()))


def channels_of(part: Part) -> int:
    """Return 1 for grey images and 3 for others."""
    return 1 if part.data[int(part.rows[0])][0].mode == "L" else 3


def placings_of(recipe: Recipe, part: Part, ignore_index: int | None, fill: Iterable[float]) -> tuple[Placing, Placing]:
    """Return what brings images to one size for training and for evaluation."""
    width, height = part.data[int(part.rows[0])][0].size
    size = (height, width) if recipe.size is None else recipe.size
    assert isinstance(size, tuple)  # the recipe has made two sides of one
    values = tuple(round(value) for value in fill)
    if recipe.size is None:
        kept = Placing(size, "keep", ignore_index, values)
        return kept, kept
    if ignore_index is not None:
        way = "crop" if AUGMENTATIONS[recipe.augment].alone else "fit"
        return Placing(size, way, ignore_index, values), Placing(size, "fit", ignore_index, values)
    placing = Placing(size, "imagenet" if recipe.augment == "imagenet" else "resize", None, values)
    return placing, placing


def threaded(function: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """Map over items in threads, in order: reading and decoding images lets other threads run."""
    with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
        yield from pool.map(function, items)


def _chunks(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]


def _moments(pixels: np.ndarray) -> np.ndarray:
    """Return the mean of values and of their squares ``[2, C]`` of ``[N, H, W]`` or ``[N, H, W, C]``."""
    values = pixels.reshape(-1, 1 if pixels.ndim == 3 else pixels.shape[-1]).astype(np.float64)
    return np.stack([values.mean(0), np.square(values).mean(0)])
