"""What a training found, as a value and as a file."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from symloss.errors import SymlossError
from symloss.files import write_atomic

RESULT_FILE = "result.json"
LAST_FILE, BEST_FILE = "last.pt", "best.pt"


@dataclass(frozen=True)
class Key:
    """What a training is of: equal keys, equal trainings.

    Attributes:
        recipe: :meth:`Recipe.digest`.
        loss: the loss's id; where it is trained as it is (``raw``), with a hash of how it is written.
        seed: the seed.
    """

    recipe: str
    loss: str
    seed: int


@dataclass(frozen=True)
class Scored:
    """The metrics of the weights after one epoch.

    Attributes:
        epoch: from 1.
        validation: the metrics on the validation part, by name.
        test: the metrics on the test part, by name.
    """

    epoch: int
    validation: dict[str, float]
    test: dict[str, float]


@dataclass(frozen=True)
class Epoch:
    """What one epoch was.

    Attributes:
        epoch: from 1.
        loss: the mean training loss, at the scale that it was trained with; nan where it diverged.
        validation: the metrics on the validation part, by name.
        lr: the step size of the last step.
        seconds: of training and validation together.
    """

    epoch: int
    loss: float
    validation: dict[str, float]
    lr: float
    seconds: float


@dataclass(frozen=True)
class Result:
    """The result of one training.

    Attributes:
        key: what was trained.
        recipe: the recipe's settings.
        loss: the loss in words.
        seed: the seed.
        scale: what the loss was multiplied by.
        best: the epoch with the best value of the first metric on the validation part, the first of equal ones.
        last: the last epoch.
        diverged: whether the training ended early with a network that is not finite. Its metrics are kept as they are.
        history: the epochs in order.
        images: the number of images by part.
        images_per_second: of training, over all processes, without validation.
        peak_memory: bytes: of a GPU what was allocated, else what this process had.
        seconds: of the training, over all its interruptions, without the test.
        versions: of Python and the packages.
        hardware: the GPU's or the processor's name.
        device: "cpu", "cuda" or "mps".
        precision: of the recipe.
        processes: how many trained together.
    """

    key: Key
    recipe: dict[str, Any]
    loss: str
    seed: int
    scale: float
    best: Scored
    last: Scored
    diverged: bool
    history: tuple[Epoch, ...]
    images: dict[str, int]
    images_per_second: float
    peak_memory: int
    seconds: float
    versions: dict[str, str]
    hardware: str
    device: str
    precision: str
    processes: int

    def to_json(self) -> str:
        """Return one JSON object; a number that is not finite is null."""
        return json.dumps(_finite(asdict(self)), indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Read what :meth:`to_json` wrote; a metric or a loss that is null is infinite.

        Raises:
            SymlossError: it is something else.
        """
        try:
            values = json.loads(text)
            values = {field.name: values[field.name] for field in fields(cls)}
            values["key"] = Key(**values["key"])
            for name in ("best", "last"):
                values[name] = Scored(**values[name])
            values["history"] = tuple(Epoch(**epoch) for epoch in values["history"])
            result = cls(**values)
            for scored in (result.best, result.last):
                _restore(scored.validation)
                _restore(scored.test)
            for epoch in result.history:
                _restore(epoch.validation)
                if epoch.loss is None:
                    object.__setattr__(epoch, "loss", math.inf)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            text = f"{type(error).__name__}: {error}"
            raise SymlossError(f"this is no result of a training ({text}); remove it to train again") from None
        return result

    def save(self, folder: Path) -> None:
        """Write ``result.json`` into a folder."""
        write_atomic(folder / RESULT_FILE, self.to_json())


def read_result(folder: Path) -> Result | None:
    """Return the result in a folder, or None where there is none.

    Raises:
        SymlossError: the file cannot be read or is damaged.
    """
    path = folder / RESULT_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SymlossError(f"cannot read {path}: {error}; free or remove it") from None
    try:
        return Result.from_json(text)
    except SymlossError as error:
        raise SymlossError(f"{path}: {error}") from None


def drop_weights(folder: Path) -> None:
    """Remove all weights from the folder of a finished training; where nothing may be removed they stay."""
    with suppress(OSError):
        for name in (LAST_FILE, BEST_FILE):
            (folder / name).unlink(missing_ok=True)
        for path in folder.glob("best-*.pt"):
            path.unlink(missing_ok=True)


def check_key(found: Key, wanted: Key, place: Path) -> None:
    """Raise SymlossError unless a file in a folder is of the training that is asked for."""
    for name, what in (("recipe", "another recipe"), ("loss", "another loss"), ("seed", "another seed")):
        mine, theirs = getattr(wanted, name), getattr(found, name)
        if mine != theirs:
            raise SymlossError(
                f"{place} is of {what} ({name} {theirs}, asked for {mine}); choose another folder or remove it"
            )


def _restore(metrics: dict[str, Any]) -> None:
    metrics.update({name: math.inf for name, value in metrics.items() if value is None})


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
