"""symloss discovers loss functions as readable formulas."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symloss import losses as losses
    from symloss.codegen import Loss as Loss

__version__ = version("symloss")
__all__ = ["Loss", "__version__", "losses"]


def __getattr__(name: str) -> Any:
    """Import the torch-dependent names on first use, so that `symloss --help` stays quick."""
    if name == "Loss":
        from symloss.codegen import Loss

        return Loss
    if name == "losses":
        import importlib

        return importlib.import_module("symloss.losses")
    raise AttributeError(f"module 'symloss' has no attribute {name!r}")
