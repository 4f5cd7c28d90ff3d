"""The conditions of a split: which samples are dealt where, how many of each class are kept, which labels are wrong.

Every draw is keyed by the seed, so all losses meet the same samples. The draws are nested: a smaller training set is
a part of a larger one, and a label that is wrong at one noise level is wrong, in the same way, at every higher one.
"""

from __future__ import annotations

import numpy as np

from symloss.errors import SymlossError
from symloss.runtime import keyed_numpy

#: Which class a noisy label names, with one line each.
NOISES: dict[str, str] = {
    "symmetric": "any other class, drawn uniformly",
    "asymmetric": "the next class, the last one's being the first: the pair flip of Patrini et al. (CVPR 2017) and "
    "Han et al. (NeurIPS 2018)",
}


def deal(labels: np.ndarray, parts: int, classes: int, *key: int | str) -> np.ndarray:
    """Return a stratified random part number in ``0..parts-1`` for each sample.

    The samples are dealt out like cards, class by class without a fresh start: both a class and the whole are
    spread to within one sample.
    """
    order = np.concatenate(
        [keyed_numpy(*key, label).permutation(np.flatnonzero(labels == label)) for label in range(classes)]
    )
    part = np.empty(len(labels), dtype=np.int64)
    part[order] = np.arange(len(labels)) % parts
    return part


def noisy_labels(labels: np.ndarray, classes: int, share: float, noise: str, seed: int) -> np.ndarray:
    """Return labels ``[N]``, each replaced with probability ``share`` as ``noise`` says, a name in :data:`NOISES`."""
    rng = keyed_numpy("label noise", seed)
    flipped = rng.random(len(labels)) < share
    shift = rng.integers(1, classes, len(labels)) if noise == "symmetric" else 1
    return np.where(flipped, (labels + shift) % classes, labels)


def kept(labels: np.ndarray, counts: np.ndarray, seed: int) -> np.ndarray:
    """Return which of the samples ``[N]`` to keep as ascending indices, ``counts[c]`` of each class c."""
    chosen = [
        keyed_numpy("training subset", seed, label).permutation(np.flatnonzero(labels == label))[:count]
        for label, count in enumerate(counts)
    ]
    return np.sort(np.concatenate(chosen))


def class_counts(available: np.ndarray, train_size: int | None, imbalance: float) -> np.ndarray:
    """Return how many training samples ``[C]`` of each class to keep.

    With ``imbalance`` below 1 the counts follow the exponential profile of Cui et al., "Class-balanced loss based on
    effective number of samples" (CVPR 2019): class c keeps ``n * imbalance**(c / (C - 1))``, rounded, with the largest
    n of which every class has enough samples. Without ``train_size`` that is all; with it, n is such that the counts
    sum to ``train_size``. Without imbalance ``train_size`` is spread in proportion to what there is, and at least one
    sample of each class is kept.

    Args:
        available: the samples ``[C]`` of each class.
        train_size: how many to keep in all, or ``None`` for as many as there are.
        imbalance: samples of the last class as a share of the first's, in (0, 1].

    Raises:
        SymlossError: a class is left without samples, or there are fewer than ``train_size``.
    """
    if available.min() < 1:
        raise SymlossError(
            f"class {int(available.argmin())} has no sample in the training part of a split; every class needs at "
            "least 2 samples beside the test set, and a few more to be learnt"
        )
    classes, most = len(available), available
    weights = available.astype(np.float64)
    if imbalance < 1:
        weights = imbalance ** (np.arange(classes) / (classes - 1))
        most = np.minimum(np.rint((available / weights).min() * weights), available).astype(np.int64)
        if most[-1] < 1:
            raise SymlossError(
                f"imbalance is {imbalance}, which leaves class {classes - 1} without a training sample beside "
                f"{most[0]} of class 0; it must be at least about {0.5 / most[0]:.2g} here"
            )
    total = int(most.sum())
    if train_size is None:
        return most
    if train_size > total:
        limit = f", {total:,} with imbalance {imbalance}" if imbalance < 1 else ""
        raise SymlossError(
            f"train_size is {train_size}; the training part of a split has {int(available.sum()):,} samples{limit}: "
            "take fewer, or leave train_size out"
        )
    if train_size < classes:
        raise SymlossError(f"train_size is {train_size}; it must be at least {classes}, one sample of each class")
    shares = weights * (train_size / weights.sum())
    if imbalance < 1 and shares[-1] < 0.5:
        least = int(np.ceil(0.5 * weights.sum() / weights[-1]))
        raise SymlossError(
            f"train_size {train_size} with imbalance {imbalance} leaves class {classes - 1} without a training sample; "
            f"train_size must be at least {least} then"
        )
    return _rounded(shares, train_size, most)


def _rounded(shares: np.ndarray, total: int, most: np.ndarray) -> np.ndarray:
    """Return whole numbers between 1 and ``most`` that sum to ``total``, as near to the shares as they can be."""
    counts = np.clip(np.rint(shares).astype(np.int64), 1, most)
    while (missing := total - int(counts.sum())) != 0:
        step = 1 if missing > 0 else -1
        free = counts < most if step > 0 else counts > 1
        counts[np.argmax(np.where(free, step * (shares - counts), -np.inf))] += step
    return counts
