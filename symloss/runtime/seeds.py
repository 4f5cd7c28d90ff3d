"""Random streams named by keys: a draw depends on its key alone, never on what was drawn before it.

A run that is resumed, or split over workers, therefore sees the same numbers as one that runs through.
"""

from __future__ import annotations

import hashlib
import random

import numpy as np

from symloss.errors import SymlossError


def keyed_seed(*key: int | str) -> int:
    """Return the seed in ``[0, 2**63)`` of a key such as ``(run_seed, "crossover", generation, index)``.

    Raises:
        SymlossError: the key is empty, or a part is neither ``int`` nor ``str``.
    """
    return int.from_bytes(_digest(key)[:8], "little") >> 1


def keyed_random(*key: int | str) -> random.Random:
    """Return Python's generator, seeded with 128 bits of the key's hash."""
    return random.Random(int.from_bytes(_digest(key), "little"))


def keyed_numpy(*key: int | str) -> np.random.Generator:
    """Return NumPy's PCG64 generator, seeded with 128 bits of the key's hash."""
    return np.random.Generator(np.random.PCG64(int.from_bytes(_digest(key), "little")))


def _digest(key: tuple[int | str, ...]) -> bytes:
    """Return 16 bytes. Each part carries its type and length, so no two different keys encode alike."""
    if not key:
        raise SymlossError("a random stream needs a key of at least one int or str, such as (seed, 'batches')")
    state = hashlib.blake2b(digest_size=16)
    for part in key:
        if isinstance(part, bool) or not isinstance(part, int | str):
            raise SymlossError(f"the key part {part!r} is a {type(part).__name__}; use int or str")
        text = str(part).encode("utf-8", "surrogatepass")
        state.update(f"{'s' if isinstance(part, str) else 'i'}{len(text)}:".encode())
        state.update(text)
    return state.digest()
