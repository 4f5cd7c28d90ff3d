"""Errors that say that memory ran out, told from others."""

from __future__ import annotations

#: What allocators say besides raising errors of their own kind, and cuDNN of tensors with 2**31 elements.
_SIGNS = (
    "not enough memory",
    "DefaultCPUAllocator",
    "out of memory",
    "CUDNN_STATUS_NOT_SUPPORTED",
    "Storage size calculation overflowed",
)


def out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its kind where it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0]
