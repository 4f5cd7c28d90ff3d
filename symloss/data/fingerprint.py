"""Tells two copies of a dataset apart without reading their images."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from symloss.data.images import ArrayImages, FileImages, ImageData, MaskedImages
from symloss.errors import SymlossError

if TYPE_CHECKING:
    from symloss.data.source import Source

#: Images of a part that are looked at.
_LOOKED_AT = 64


def fingerprint(source: Source) -> str | None:
    """Return 16 hexadecimal digits that name the data that are found: parts, labels, and something of a few images.

    Of images in files these are names and sizes, of images in memory the pixels. It is the same wherever the data lie.
    None where there are none, or where they cannot be opened.
    """
    digest = hashlib.blake2b(digest_size=8)
    try:
        folder = source.find()
        for part in source.parts_in(folder):
            _add(digest, part, source.reader.open(folder, part))
    except (SymlossError, OSError):
        return None
    return digest.hexdigest()


def _add(digest: hashlib.blake2b, part: str, data: ImageData) -> None:
    digest.update(f"{part} {len(data)} ".encode())
    if data.labels is not None:
        digest.update(np.ascontiguousarray(data.labels, dtype="<i8").tobytes())
    chosen = np.unique(np.linspace(0, max(0, len(data) - 1), _LOOKED_AT).astype(int))[: len(data)].tolist()
    if isinstance(data, ArrayImages):
        digest.update(np.ascontiguousarray(data.pixels[chosen]).tobytes())
    elif isinstance(data, FileImages | MaskedImages):
        files = [data.paths] if isinstance(data, FileImages) else [data.paths, data.masks]
        for path in (paths[index] for paths in files for index in chosen):
            digest.update(f"{path.name} {path.stat().st_size} ".encode())
