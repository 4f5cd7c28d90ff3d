"""The settings of a task: everything but the loss and the seed that decides a score."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from symloss.errors import SymlossError, unknown
from symloss.tasks.datasets import DATASETS

#: The networks a task can name, with one line each for listings.
MODELS: dict[str, str] = {"mlp": "one hidden layer with ReLU"}

#: How the inputs are scaled, with one line each.
SCALINGS: dict[str, str] = {
    "unit": "to [0, 1] by the dataset's known range",
    "standard": "to mean 0 and standard deviation 1 over all inputs of the pool together",
}


@dataclass(frozen=True)
class TaskConfig:
    """One training task.

    Attributes:
        dataset: a name in :data:`~symloss.tasks.DATASETS`.
        model: a name in :data:`MODELS`.
        hidden: the number of hidden units, at least 1.
        batch: samples per training step, at least 1.
        lr: Adam's step size, above 0 (betas 0.9 and 0.999, epsilon 1e-8).
        steps: training steps at full budget, at least 1.
        label_noise: the probability in [0, 1) that a training label is replaced by another class, drawn uniformly.
            Validation and test labels stay clean.
        scaling: how the inputs are scaled: ``"unit"`` or ``"standard"``.
    """

    dataset: str = "digits"
    model: str = "mlp"
    hidden: int = 64
    batch: int = 128
    lr: float = 1.5e-3
    steps: int = 1000
    label_noise: float = 0.0
    scaling: str = "standard"

    def __post_init__(self) -> None:
        for kind, name, known in (
            ("dataset", self.dataset, DATASETS),
            ("model", self.model, MODELS),
            ("scaling", self.scaling, SCALINGS),
        ):
            if name not in known:
                raise SymlossError(unknown(kind, str(name), known))
        for field in ("hidden", "batch", "steps"):
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise SymlossError(f"{field} is {value!r}; it must be a whole number of at least 1")
        for field in ("lr", "label_noise"):
            value = getattr(self, field)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise SymlossError(f"{field} is {value!r}; it must be a number")
            object.__setattr__(self, field, float(value))  # so that 0 and 0.0 are one configuration
        if not (self.lr > 0 and math.isfinite(self.lr)):
            raise SymlossError(f"lr is {self.lr!r}; it must be above 0 and finite, such as 1e-3")
        if not 0 <= self.label_noise < 1:
            raise SymlossError(f"label_noise is {self.label_noise!r}; it must be in [0, 1), such as 0.4")

    def to_json(self) -> str:
        """Return the configuration as one JSON object with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> TaskConfig:
        """Read what :meth:`to_json` wrote. Missing fields take their defaults.

        Raises:
            SymlossError: no JSON object, an unknown field, or a value out of range.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SymlossError(f"cannot read the task configuration: {error}") from None
        if not isinstance(values, dict):
            raise SymlossError(f"a task configuration is a JSON object, not a {type(values).__name__}")
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> TaskConfig:
        """Build a configuration from a mapping of field names to values; raises as :meth:`from_json`."""
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise SymlossError(unknown("task setting", str(name), known))
        return cls(**values)  # type: ignore[arg-type]  # __post_init__ checks every value

    def digest(self) -> str:
        """Return 16 hexadecimal digits that name this configuration: equal configurations, equal digests."""
        return hashlib.blake2b(self.to_json().encode(), digest_size=8).hexdigest()
