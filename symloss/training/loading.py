"""Batches of images on the device that trains: from memory where they fit there, else read by worker processes."""

from __future__ import annotations

import hashlib
import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from symloss.data import ArrayImages, data_dir
from symloss.errors import SymlossError
from symloss.training.choices import AUGMENTATIONS
from symloss.training.draws import uniforms
from symloss.training.parts import Part
from symloss.training.pixels import threaded
from symloss.training.placing import Placing
from symloss.training.recipe import Recipe

#: Parts that take no more than this, in bytes, are held in memory.
MEMORY = 2_000_000_000
#: Batches that each worker prepares ahead.
_AHEAD = 4
_NO_DRAWS = np.empty(0)

#: A piece of a batch: images ``[B, C, H, W]`` uint8 and labels ``[B]`` or masks ``[B, H, W]`` int64.
Piece = tuple[Tensor, Tensor]


class Batches(ABC):
    """Gives batches of some parts."""

    @abstractmethod
    def read(self, part: str, pieces: Sequence[np.ndarray], epoch: int | None) -> Iterator[Piece]:
        """Return pieces of a part, on the device.

        Args:
            part: its name.
            pieces: places in the part, at least one each.
            epoch: of training, where images are changed; None for evaluation.
        """


def batches_of(
    recipe: Recipe,
    parts: Mapping[str, tuple[Part, Placing]],
    seed: int,
    channels: int,
    device: torch.device,
    workers: int,
    memory: int = MEMORY,
) -> Batches:
    """Return what gives batches of some parts.

    Args:
        recipe: the settings.
        parts: by name, each with what brings its images to one size.
        seed: of the training.
        channels: of the images.
        device: where batches go.
        workers: processes that read images which do not fit into memory; 0 for none.
        memory: what fits, in bytes.
    """
    size = sum(len(part) * (channels * placing.size[0] * placing.size[1] + 8) for part, placing in parts.values())
    if size <= memory and not AUGMENTATIONS[recipe.augment].alone:
        return Resident(parts, device, recipe.dataset)
    return Streamed(parts, recipe.augment, seed, device, workers)


class Resident(Batches):
    """All images in one tensor, on the device.

    The tensors of the last few parts stay for the next training of this process: seeds and losses differ in labels and
    in order alone, and reading a folder of images takes longer than many a training.
    """

    def __init__(self, parts: Mapping[str, tuple[Part, Placing]], device: torch.device, dataset: str) -> None:
        self._device, self._dataset = device, dataset
        self._parts = {name: self._loaded(*part) for name, part in parts.items()}

    def read(self, part: str, pieces: Sequence[np.ndarray], epoch: int | None) -> Iterator[Piece]:
        images, targets = self._parts[part]
        places = torch.from_numpy(np.concatenate([*pieces, np.empty(0, np.int64)])).to(self._device)
        for index in places.split([len(piece) for piece in pieces]):
            yield images.index_select(0, index), targets.index_select(0, index).long()

    def _loaded(self, part: Part, placing: Placing) -> Piece:
        rows = hashlib.blake2b(part.rows.tobytes(), digest_size=16).digest()
        key = (self._dataset, data_dir(), part.official, rows, placing, self._device)
        found = _KEPT.pop(key, None)
        while len(_KEPT) >= _KEPT_PARTS:
            del _KEPT[next(iter(_KEPT))]  # before anything is read, so that both need not fit
        images, masks = _KEPT[key] = found or self._read(part, placing)
        if masks is not None:
            return images, masks
        assert part.labels is not None
        return images, torch.from_numpy(part.labels).to(self._device)

    def _read(self, part: Part, placing: Placing) -> tuple[Tensor, Tensor | None]:
        if isinstance(part.data, ArrayImages) and part.data.pixels.shape[1:3] == placing.size and placing.way in _PLAIN:
            pixels = part.data.pixels[part.rows]
            images = torch.from_numpy(pixels if pixels.ndim == 4 else pixels[..., None]).permute(0, 3, 1, 2)
            return images.contiguous().to(self._device), None
        found = list(threaded(lambda row: placing(*_read(part, int(row)), _NO_DRAWS), part.rows))
        images = torch.stack([image for image, _ in found]).to(self._device)
        if part.labels is not None:
            return images, None
        return images, torch.stack([mask for _, mask in found if mask is not None]).to(self._device)


#: Images and masks of the parts that were read last, on their devices.
_KEPT: dict[Hashable, tuple[Tensor, Tensor | None]] = {}
_KEPT_PARTS = 3

#: The ways of placing that change nothing on an image of the size.
_PLAIN = ("keep", "resize")


class Streamed(Batches):
    """Images read as they are needed, by processes that stay."""

    def __init__(
        self,
        parts: Mapping[str, tuple[Part, Placing]],
        augment: str,
        seed: int,
        device: torch.device,
        workers: int,
    ) -> None:
        self._device = device
        self._queue = _Queue()
        self._loader = DataLoader(
            _Images(parts, augment, seed),
            batch_sampler=self._queue,
            num_workers=workers,
            collate_fn=_as_it_is,
            pin_memory=device.type == "cuda",
            persistent_workers=workers > 0,
            prefetch_factor=_AHEAD if workers else None,
            worker_init_fn=_start,
        )

    def read(self, part: str, pieces: Sequence[np.ndarray], epoch: int | None) -> Iterator[Piece]:
        self._queue.batches = [(part, epoch, piece) for piece in pieces]
        for found in self._loader:
            if isinstance(found, str):
                raise SymlossError(found)
            images, targets = found
            yield images.to(self._device, non_blocking=True), targets.to(self._device, non_blocking=True).long()


#: What a worker is asked for: part, epoch (None for evaluation) and places.
_Batch = tuple[str, int | None, np.ndarray]


class _Queue(Sampler[Any]):
    """The batches that are to be read next."""

    def __init__(self) -> None:
        self.batches: list[_Batch] = []

    def __iter__(self) -> Iterator[_Batch]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class _Images(Dataset[Piece]):
    """Reads whole batches, in a worker: what an image becomes is decided by its key alone."""

    def __init__(self, parts: Mapping[str, tuple[Part, Placing]], augment: str, seed: int) -> None:
        self._parts, self._seed = dict(parts), seed
        entry = AUGMENTATIONS[augment]
        self._draws = entry.draws if entry.alone else 0

    def __getitems__(self, batch: _Batch) -> Piece | str:
        """Return a batch, or what is wrong with it: an error would be wrapped with the worker's traceback."""
        part, epoch, places = batch
        try:
            found = [self._one(part, epoch, int(place)) for place in places]
        except SymlossError as error:
            return str(error)
        return torch.stack([image for image, _ in found]), torch.stack([target for _, target in found])

    def _one(self, name: str, epoch: int | None, place: int) -> Piece:
        part, placing = self._parts[name]
        row = part.rows[place]
        draws = _NO_DRAWS
        if epoch is not None and self._draws:
            draws = uniforms(self._seed, epoch, row[None], self._draws)[0, 1:]
        image, mask = placing(*_read(part, int(row)), draws)
        if mask is not None:
            return image, mask
        assert part.labels is not None
        return image, torch.tensor(part.labels[place])


def _read(part: Part, row: int) -> tuple[Image.Image, Image.Image | None]:
    image, target = part.data[row]
    return image, target if isinstance(target, Image.Image) else None


def _as_it_is(batch: Any) -> Any:
    return batch


def _start(worker: int) -> None:
    """Leave Ctrl-C to the process that trains: it asks for a few more batches before it stops."""
    del worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def default_workers(processes: int) -> int:
    """Return how many worker processes each of some training processes has on this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(16, cores // processes))
