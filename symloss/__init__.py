"""symloss discovers loss functions as readable formulas.

Example:
    >>> import symloss
    >>> run = symloss.evolve("default", symloss.TaskConfig(label_noise=0.4), budget=256)
    >>> run.result()["hall_of_fame"][0]["expression"]
    >>> criterion = symloss.Loss("exp(-y_pred*(1 + y_true))")
"""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symloss import losses as losses
    from symloss.api import evolve as evolve
    from symloss.api import resume as resume
    from symloss.codegen import Loss as Loss
    from symloss.store import Run as Run
    from symloss.tasks import TaskConfig as TaskConfig

__version__ = version("symloss")
__all__ = ["Loss", "Run", "TaskConfig", "__version__", "evolve", "losses", "resume"]

#: Where each public name is; None for a module of its own.
_PLACES = {
    "Loss": "symloss.codegen",
    "Run": "symloss.store",
    "TaskConfig": "symloss.tasks",
    "evolve": "symloss.api",
    "losses": None,
    "resume": "symloss.api",
}


def __getattr__(name: str) -> Any:
    """Import what needs torch on first use, so that `symloss --help` stays quick."""
    if name not in _PLACES:
        raise AttributeError(f"module 'symloss' has no attribute {name!r}")
    place = _PLACES[name]
    if place is None:
        return importlib.import_module(f"symloss.{name}")
    return getattr(importlib.import_module(place), name)
