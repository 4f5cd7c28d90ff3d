"""The settings of a task: everything but the loss and the seed that decides a score."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from symloss.errors import SymlossError, unknown
from symloss.tasks.conditions import NOISES
from symloss.tasks.datasets import check_dataset
from symloss.tasks.metrics import METRICS
from symloss.tasks.models import check_model
from symloss.tasks.samples import SCALINGS
from symloss.tasks.settings import check_choices, check_training, check_whole, digest, distinct_names, real

#: The optimisers, with one line each.
OPTIMIZERS: dict[str, str] = {
    "adam": "Adam (Kingma and Ba 2015); betas 0.9 and 0.999, epsilon 1e-8; weight decay is added to the gradient",
    "adamw": "Adam with decoupled weight decay (Loshchilov and Hutter 2019)",
    "sgd": "stochastic gradient descent with heavy-ball momentum; weight decay is added to the gradient",
}

#: How the step size changes after the warm-up, with one line each.
SCHEDULES: dict[str, str] = {
    "constant": "not at all",
    "cosine": "along half a cosine to 0 at the last step (Loshchilov and Hutter 2017, without restarts)",
}

#: How a population of networks is trained, with one line each.
ENGINES: dict[str, str] = {
    "auto": "whichever of the others is measured to be faster",
    "stacked": "all networks in one pass",
    "single": "one network at a time",
}

#: The number format of training, with one line each.
PRECISIONS: dict[str, str] = {
    "float32": "32 bits throughout",
    "tf32": "products and convolutions round their factors to 10 bits, on an NVIDIA GPU alone",
    "bfloat16": "autocast to bfloat16, on an NVIDIA GPU alone",
}

_CHOICES = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "noise": NOISES,
    "scaling": SCALINGS,
    "engine": ENGINES,
    "precision": PRECISIONS,
}


@dataclass(frozen=True)
class TaskConfig:
    """One training task.

    Attributes:
        dataset: a name in :data:`~symloss.tasks.DATASETS`, ``imagefolder:PATH``, or ``package.module:factory``.
        model: a classifier of :data:`symloss.models.MODELS`, perhaps with parameters as in ``"resnet18(norm=group)"``,
            without an auxiliary head; or ``package.module:factory``. It is kept in its canonical spelling.
        hidden: the width of the network, at least 1: the mlp's hidden units, the cnn's last channels.
        batch: samples per training step, at least 1.
        optimizer: a name in :data:`OPTIMIZERS`.
        lr: the step size, above 0.
        momentum: of ``"sgd"`` alone, in [0, 1).
        weight_decay: at least 0.
        schedule: a name in :data:`SCHEDULES`.
        warmup: the share of the steps, in [0, 1), in which the step size rises linearly from 0.
        steps: training steps at full budget, at least 1.
        label_noise: the probability in [0, 1) that a training label is replaced by another class. Validation and test
            labels stay clean.
        noise: which class a replaced label names: a name in :data:`~symloss.tasks.NOISES`.
        imbalance: training samples of the last class as a share of the first's, in (0, 1], with an exponential
            profile between; 0.01 is 100:1. See :meth:`~symloss.tasks.Task.split`.
        train_size: training samples of each split, at least 1, or ``None`` for all.
        metrics: names in :data:`~symloss.tasks.METRICS`, each once. Selection goes by the first.
        scaling: a name in :data:`~symloss.tasks.SCALINGS`.
        engine: a name in :data:`ENGINES`. The mlp has written-out gradients and ignores it.
        precision: a name in :data:`PRECISIONS`.
    """

    dataset: str = "digits"
    model: str = "mlp"
    hidden: int = 64
    batch: int = 128
    optimizer: str = "adam"
    lr: float = 1.5e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup: float = 0.0
    steps: int = 1000
    label_noise: float = 0.0
    noise: str = "symmetric"
    imbalance: float = 1.0
    train_size: int | None = None
    metrics: tuple[str, ...] = ("accuracy",)
    scaling: str = "standard"
    engine: str = "auto"
    precision: str = "float32"

    def __post_init__(self) -> None:
        check_dataset(self.dataset)
        # One spelling for one network, so that equal tasks have one digest.
        object.__setattr__(self, "model", check_model(self.model))
        check_choices(self, _CHOICES)
        for field in ("hidden", "batch", "steps"):
            check_whole(field, getattr(self, field), 1)
        if self.train_size is not None:
            check_whole("train_size", self.train_size, 1)
        check_training(self, lr=1e-3)
        object.__setattr__(self, "imbalance", real("imbalance", self.imbalance))
        if not 0 < self.imbalance <= 1:
            raise SymlossError(f"imbalance is {self.imbalance!r}; it must be in (0, 1], such as 0.01 for 100:1")
        metrics = distinct_names(self.metrics, METRICS, "metric")
        if not metrics:
            raise SymlossError(
                f"metrics is {list(metrics)}; it must be a list of at least one name, such as ['accuracy']"
            )
        object.__setattr__(self, "metrics", metrics)

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
        """Build a configuration from a mapping of field names to values; raises as :meth:`from_json`.

        The metrics may be a list. A model's own defaults are the caller's to add:
        ``TaskConfig.from_dict(defaults_of(model) | values)``.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise SymlossError(unknown("task setting", str(name), known))
        return cls(**values)  # type: ignore[arg-type]  # __post_init__ checks every value

    def digest(self) -> str:
        """Return 16 hexadecimal digits that name this configuration: equal digests, equal scores.

        What decides nothing is left out: the momentum of Adam, and which labels are wrong where none are.
        """
        idle = {"momentum"} if self.optimizer != "sgd" else set()
        if not self.label_noise:
            idle.add("noise")
        return digest(self, idle)
