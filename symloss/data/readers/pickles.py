"""Reading the pickles of CIFAR without running anything that is in them.

A pickle is a program. Of what it may ask for, only stand-ins are there, which keep what they are given; numpy itself
sees the bytes of an array and nothing that the file says of how they lie in memory.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np

from symloss.errors import SymlossError
from symloss.limits import PICKLE_BYTES


def read_pickle(path: Path) -> dict[str, Any]:
    """Read a pickled dict of plain values and arrays of bytes; anything else that a pickle can ask for is refused.

    Byte strings of Python 2, as the official files have them, come as str, keys included.

    Raises:
        SymlossError: it cannot be read, is larger than 400 MB, or holds something else.
    """
    try:
        with path.open("rb") as file:
            data = file.read(PICKLE_BYTES + 1)
    except OSError as error:
        raise SymlossError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > PICKLE_BYTES:
        raise SymlossError(f"{path} is larger than {PICKLE_BYTES:,} bytes, which no file of CIFAR is; get it again")
    try:
        _check_memo(data)
        content = _Restricted(io.BytesIO(data), encoding="latin1").load()
        if not isinstance(content, dict):
            raise pickle.UnpicklingError(f"it holds a {type(content).__name__} and no dict")
        return {
            key.decode("latin1") if isinstance(key, bytes) else str(key): _array(value)
            for key, value in content.items()
        }
    except Exception as error:  # what a broken pickle raises has no bounds
        text = " ".join(str(error).split())[:200]
        raise SymlossError(f"{path} is no file of CIFAR: {text}; get it again") from error


def _name(key: object) -> str:
    return key.decode("latin1") if isinstance(key, bytes) else str(key)


def _check_memo(data: bytes) -> None:
    """Refuse numbers in the memo beyond what the file can fill: the reader makes room for all below them."""
    for operation, argument, _ in pickletools.genops(data):
        if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") and not 0 <= int(argument or 0) <= len(data):
            raise pickle.UnpicklingError(f"it counts to {argument} in a file of {len(data):,} bytes")


class _Restricted(pickle.Unpickler):
    """Knows the stand-ins alone."""

    def find_class(self, module: str, name: str) -> Any:
        stand_in = _STAND_INS.get((module, name))
        if stand_in is None:
            raise pickle.UnpicklingError(f"it asks for {module[:60]}.{name[:60]}, which no such file needs")
        return stand_in


class _Bytes:
    """Stands for numpy's type of bytes."""

    def __init__(self, kind: object, *_: object) -> None:
        if kind != "u1":
            raise pickle.UnpicklingError(f"it has an array of type {str(kind)[:20]!r} instead of bytes")

    def __setstate__(self, state: object) -> None:
        """Take nothing: a byte has no order and no parts."""


class _Array:
    """Stands for an array, whose state comes after it."""

    shape: tuple[int, ...] = (0,)
    content: bytes = b""
    fortran: bool = False

    def __init__(self, *_: object) -> None:
        """Take nothing: the state, which follows, has all of it."""

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, fortran, content = state
        if isinstance(content, str):
            content = content.encode("latin1")
        if not isinstance(kind, _Bytes) or not isinstance(content, bytes) or not isinstance(shape, tuple):
            raise pickle.UnpicklingError("it has an array of something else than bytes")
        self.shape, self.content, self.fortran = shape, content, bool(fortran)


def _array(value: object) -> object:
    """Return the array that a stand-in was given; anything else as it is."""
    if not isinstance(value, _Array):
        return value
    flat = np.frombuffer(value.content, dtype=np.uint8)
    return flat.reshape(value.shape, order="F" if value.fortran else "C").copy()


class _ArrayType:
    """Stands for ``numpy.ndarray`` where a pickle names it as an argument."""


def _latin1(text: object, encoding: object) -> bytes:
    """Stands for ``_codecs.encode``, by which protocol 2 holds the bytes of Python 3."""
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("it encodes something else than bytes")
    return text.encode("latin1")


_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _ArrayType,
    ("numpy", "dtype"): _Bytes,
    ("_codecs", "encode"): _latin1,
}
