"""The settings of a full-size training: everything but the loss and the seed that decides a result."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from symloss import models
from symloss.data import FOLDER_PREFIX, SOURCES
from symloss.errors import SymlossError, unknown
from symloss.tasks.conditions import NOISES
from symloss.tasks.config import OPTIMIZERS
from symloss.tasks.settings import check_choices, check_training, check_whole, digest, distinct_names, real
from symloss.training.choices import AUGMENTATIONS, PRECISIONS, SCHEDULES, SCORES

_CHOICES: dict[str, Mapping[str, object]] = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "augment": AUGMENTATIONS,
    "noise": NOISES,
    "precision": PRECISIONS,
}
_DEFAULT_METRICS = {"classification": ("accuracy",), "segmentation": ("miou", "pixel-accuracy")}

#: How inputs are shifted and scaled.
NORMALISATIONS: dict[str, str] = {
    "measured": "by mean and standard deviation of each channel over the training images",
    "imagenet": "by ImageNet's mean and standard deviation of each channel",
}
_CHOICES["normalise"] = NORMALISATIONS


@dataclass(frozen=True)
class Recipe:
    """One way to train a network. What belongs to a machine (device, processes, workers) is no part of it.

    Attributes:
        dataset: a name in :data:`symloss.data.SOURCES`, or ``imagefolder:PATH``.
        model: a name in :data:`symloss.models.MODELS`, perhaps with parameters, or ``package.module:factory``. It is
            kept in its canonical spelling.
        hidden: the width of ``mlp`` and ``cnn``, at least 1.
        epochs: at least 1.
        batch: images of one step over all processes, at least 1.
        accumulate: parts that a batch is cut into, one forward and backward pass each, from 1 to ``batch``.
        optimizer: a name in :data:`~symloss.tasks.OPTIMIZERS`.
        lr: the largest step size, above 0.
        momentum: of ``"sgd"`` alone, in [0, 1).
        weight_decay: at least 0.
        schedule: a name in :data:`~symloss.training.SCHEDULES`.
        warmup: the share of the steps, in [0, 1), in which the step size rises linearly from 0.
        milestones: of ``"step"``: shares of the steps in (0, 1), rising.
        factor: of ``"step"`` and ``"plateau"``: what the step size is multiplied by, in (0, 1).
        patience: of ``"plateau"``: epochs without an improvement that are waited for, at least 0.
        floor: of ``"plateau"``: the smallest step size, at least 0 and at most ``lr``.
        augment: a name in :data:`~symloss.training.AUGMENTATIONS`.
        size: what images are brought to: a side, or (height, width); ``None`` leaves them as they are. Masks follow.
        normalise: a name in :data:`NORMALISATIONS`.
        validation: the share of the training images in (0, 1) that is held out where no official validation part is
            left for it; stratified by class.
        split_seed: which images are held out.
        label_noise: the probability in [0, 1) that a training label is replaced by another class, drawn anew for each
            seed; of classification alone. Validation and test labels stay clean.
        noise: which class a replaced label names: a name in :data:`~symloss.tasks.NOISES`.
        raw: trains losses as they are written instead of at cross-entropy's gradient norm.
        precision: a name in :data:`~symloss.training.PRECISIONS`.
        metrics: names in :data:`~symloss.training.SCORES`, each once; the first one selects. Empty for ``accuracy``,
            or of segmentation ``miou`` and ``pixel-accuracy``.
        images: at most so many images of each part, spread over the classes, at least 2; ``None`` for all.
        steps: at most so many steps an epoch, at least 1; ``None`` for all.
    """

    dataset: str
    model: str
    hidden: int = 64
    epochs: int = 10
    batch: int = 128
    accumulate: int = 1
    optimizer: str = "sgd"
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: str = "cosine"
    warmup: float = 0.0
    milestones: tuple[float, ...] = (0.5, 0.75)
    factor: float = 0.1
    patience: int = 10
    floor: float = 0.0
    augment: str = "none"
    size: int | tuple[int, int] | None = None
    normalise: str = "measured"
    validation: float = 0.1
    split_seed: int = 0
    label_noise: float = 0.0
    noise: str = "symmetric"
    raw: bool = False
    precision: str = "float32"
    metrics: tuple[str, ...] = ()
    images: int | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        _check_dataset(self.dataset)
        chosen = models.parse(self.model)
        self._set("model", chosen.name)
        check_choices(self, _CHOICES)
        if chosen.task not in (None, self.task):
            fitting = ", ".join(model.name for model in models.MODELS.values() if model.task == self.task)
            raise SymlossError(
                f"the model {chosen.name!r} is for {chosen.task}, and the dataset {self.dataset!r} is for {self.task}; "
                f"use one of {fitting}"
            )
        if self.task not in AUGMENTATIONS[self.augment].tasks:
            fitting = ", ".join(name for name, entry in AUGMENTATIONS.items() if self.task in entry.tasks)
            raise SymlossError(f"augment is {self.augment!r}, which is not for {self.task}; use one of {fitting}")
        self._check_numbers()
        if self.label_noise and self.task == "segmentation":
            raise SymlossError(f"label_noise is {self.label_noise}; masks have no labels to replace: leave it out")
        self._set("size", _size(self.size))
        if AUGMENTATIONS[self.augment].alone and self.size is None:
            raise SymlossError(f"augment is {self.augment!r}, which cuts images to a size; give one, such as size=224")
        scores = [name for name, score in SCORES.items() if self.task in score.tasks]
        metrics = distinct_names(self.metrics, scores, f"metric for {self.task}")
        self._set("metrics", metrics or _DEFAULT_METRICS[self.task])

    @property
    def task(self) -> str:
        """``"classification"`` or ``"segmentation"``: that of the dataset."""
        return SOURCES[self.dataset].task if self.dataset in SOURCES else "classification"

    def to_json(self) -> str:
        """Return the recipe as one JSON object with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Recipe:
        """Build a recipe from a mapping of field names to values; fields that are missing take their defaults.

        Lists stand for tuples, as JSON and YAML have them.

        Raises:
            SymlossError: an unknown or a missing field, or a value out of range.
        """
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise SymlossError(unknown("recipe setting", str(name), known))
        for name in ("dataset", "model"):
            if name not in values:
                raise SymlossError(f"a recipe lacks {name!r}; it needs at least dataset and model")
        return cls(**values)  # type: ignore[arg-type]  # __post_init__ checks every value

    def digest(self) -> str:
        """Return 16 hexadecimal digits that name this recipe: equal digests, equal results.

        Settings that decide nothing are left out: the momentum of Adam, what another schedule reads, and which labels
        are wrong where none are.
        """
        read = {"step": {"milestones", "factor"}, "plateau": {"factor", "patience", "floor"}}
        idle = {"milestones", "factor", "patience", "floor"} - read.get(self.schedule, set())
        if self.optimizer != "sgd":
            idle.add("momentum")
        if not self.label_noise:
            idle.add("noise")
        return digest(self, idle)

    def _set(self, field: str, value: object) -> None:
        object.__setattr__(self, field, value)

    def _check_numbers(self) -> None:
        for field, least in (("hidden", 1), ("epochs", 1), ("batch", 1), ("accumulate", 1), ("patience", 0)):
            check_whole(field, getattr(self, field), least)
        for field, least in (("images", 2), ("steps", 1)):
            if getattr(self, field) is not None:
                check_whole(field, getattr(self, field), least)
        check_whole("split_seed", self.split_seed, 0)
        if self.accumulate > self.batch:
            raise SymlossError(f"accumulate is {self.accumulate}; it must be at most batch, which is {self.batch}")
        if not isinstance(self.raw, bool):
            raise SymlossError(f"raw is {self.raw!r}; it must be true or false")
        check_training(self, lr=0.1)
        for field in ("factor", "floor", "validation"):
            self._set(field, real(field, getattr(self, field)))
        for field, example in (("factor", 0.1), ("validation", 0.1)):
            if not 0 < getattr(self, field) < 1:
                raise SymlossError(f"{field} is {getattr(self, field)!r}; it must be in (0, 1), such as {example}")
        if not 0 <= self.floor <= self.lr:
            raise SymlossError(f"floor is {self.floor!r}; it must be at least 0 and at most lr, which is {self.lr!r}")
        stones = self.milestones
        if isinstance(stones, str) or not isinstance(stones, Sequence) or not stones:
            raise SymlossError(f"milestones is {stones!r}; it must be a list of shares, such as [0.5, 0.75]")
        self._set("milestones", tuple(real("a milestone", stone) for stone in stones))
        if not all(low < high for low, high in zip((0.0, *self.milestones), (*self.milestones, 1.0), strict=True)):
            raise SymlossError(f"milestones is {list(stones)!r}; it must rise between 0 and 1, such as [0.5, 0.75]")


def _check_dataset(name: object) -> None:
    if not isinstance(name, str):
        raise SymlossError(f"dataset is {name!r}; it must be a name, such as 'cifar-10'")
    if name.startswith(FOLDER_PREFIX):
        if not name.removeprefix(FOLDER_PREFIX).strip():
            raise SymlossError(f"dataset is {name!r}; a path must follow, such as 'imagefolder:data/cells'")
    elif name not in SOURCES:
        raise SymlossError(f"{unknown('dataset', name, SOURCES)}. A folder of your own is imagefolder:PATH")


def _size(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    given = list(value) if isinstance(value, tuple | list) else [value, value]
    sides = [side for side in given if isinstance(side, int) and not isinstance(side, bool) and side > 0]
    if len(given) != 2 or len(sides) != 2:
        raise SymlossError(f"size is {value!r}; it must be a side or (height, width) in pixels, such as 224")
    return sides[0], sides[1]
