"""The random numbers of a training, each a function of its key: of the seed, the epoch and the image.

So every loss meets the same batches and the same changed images, whichever process or worker makes them, and a training
that goes on needs no generator's state.
"""

from __future__ import annotations

import numpy as np

from symloss.runtime import keyed_numpy, keyed_seed

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def epoch_batches(size: int, batch: int, limit: int | None, seed: int, epoch: int, least: int = 1) -> list[np.ndarray]:
    """Return the batches of an epoch, arrays of places in ``0..size-1``: a fresh permutation, cut.

    A last batch of less than a quarter of the others is left out, unless it is the only one: BatchNorm has no
    statistics of a few images. So is one of fewer than ``least``. Which images these are changes with the epoch.

    Args:
        size: the number of training images.
        batch: images of a batch.
        limit: at most so many batches, or None.
        seed: of the training.
        epoch: from 0.
        least: images that a last batch must have, at most ``size`` and ``batch``.
    """
    order = keyed_numpy("training order", seed, epoch).permutation(size)
    return [order[start : start + batch] for start in range(0, size, batch)][: steps_of(size, batch, limit, least)]


def steps_of(size: int, batch: int, limit: int | None, least: int = 1) -> int:
    """Return the number of batches that :func:`epoch_batches` returns."""
    whole, rest = divmod(size, batch)
    steps = whole + (whole == 0 or (4 * rest >= batch and rest >= least))
    return steps if limit is None else min(steps, limit)


def uniforms(seed: int, epoch: int, images: np.ndarray, count: int) -> np.ndarray:
    """Return ``[B, count]`` float64 in [0, 1), those of an image depending on (seed, epoch, image) alone.

    This is SplitMix64 (Steele, Lea and Flood 2014, OOPSLA) as a function of a counter: its output at any place is one
    multiplication away, so a batch is drawn without a loop.

    Args:
        seed: of the training.
        epoch: from 0.
        images: ``[B]``, the images' indices.
        count: numbers for each, at most 64.
    """
    start = np.uint64(keyed_seed("augmentation", seed, epoch))
    counter = images.astype(np.uint64)[:, None] * np.uint64(64) + np.arange(count, dtype=np.uint64)
    with np.errstate(over="ignore"):  # arithmetic modulo 2**64 is meant
        state: np.ndarray = start + (counter + np.uint64(1)) * _GOLDEN
        state = (state ^ (state >> np.uint64(30))) * _MIX_1
        state = (state ^ (state >> np.uint64(27))) * _MIX_2
        state = state ^ (state >> np.uint64(31))
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53
