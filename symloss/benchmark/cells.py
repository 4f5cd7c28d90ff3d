"""Finished pieces of a benchmark: one loss, one seed, one experiment, each a file that is written once."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from symloss.benchmark.compare import Contender
from symloss.benchmark.trainers import Experiment
from symloss.errors import SymlossError
from symloss.files import write_atomic

#: The version of a cell's content. A change in how networks train that changes scores raises it.
FORMAT = 1
#: Seeds of learning-rate sweeps start here, so that no table has them.
SWEEP_SEEDS = 1000

#: For each epoch that counts ("end" of a population's network, "best" and "last" of a full-size run) and part, the
#: metrics by name.
Scores = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Cell:
    """What is to be trained.

    Attributes:
        experiment: on what.
        contender: with which loss.
        seed: of the network, its batches and its split.
        test: whether the test set is read; not in a sweep.
    """

    experiment: Experiment
    contender: Contender
    seed: int
    test: bool = True

    @property
    def epochs(self) -> tuple[str, ...]:
        """The epochs that its scores are of."""
        return ("end",) if self.experiment.trainer == "population" else ("best", "last")

    @cached_property
    def loss(self) -> str:
        """The loss's id; where it is trained raw, so that its factor counts, also how it is written."""
        return self.contender.written_id if self.experiment.raw else self.contender.id

    @cached_property
    def key(self) -> dict[str, Any]:
        """Everything that decides the scores."""
        return {
            "format": FORMAT,
            "trainer": self.experiment.trainer,
            "settings": self.experiment.settings.digest(),
            "loss": self.loss,
            "seed": self.seed,
            "test": self.test,
        }

    @cached_property
    def name(self) -> str:
        """24 hexadecimal digits of the key's hash."""
        return hashlib.blake2b(json.dumps(self.key, sort_keys=True).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """What a cell's file says.

    Attributes:
        scores: see :data:`Scores`; None where a score is not finite.
        diverged: whether training did.
        seconds: what it took; of a population the network's share.
        device: where it was trained.
    """

    scores: Scores
    diverged: bool
    seconds: float
    device: str


class CellStore:
    """The cells below a run directory.

    Attributes:
        damaged: a line for each file that could not be used and will be made anew.
        data: what tells the data of each dataset from others of its name (:meth:`Experiment.data`), where it is known.

    Args:
        folder: the run directory; made by :meth:`prepare`, or with the first cell.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: list[str] = []
        self.data: dict[str, str | None] = {}

    def prepare(self) -> None:
        """Make the folder and see that files can be written there, before hours go into the first.

        Raises:
            SymlossError: they cannot.
        """
        cells = self.folder / "cells"
        make_folder(cells)
        try:
            tempfile.TemporaryFile(dir=cells).close()
        except OSError as error:
            raise SymlossError(
                f"cannot write in {cells}: {error.strerror}; choose another directory with --run-dir"
            ) from None

    def path(self, cell: Cell) -> Path:
        """Return where a cell's file is, or will be."""
        return self.folder / "cells" / f"{cell.name}.json"

    def full_folder(self, cell: Cell) -> Path:
        """Return where a full-size run keeps its checkpoints."""
        return self.folder / "full" / cell.name

    def read(self, cell: Cell) -> Outcome | None:
        """Return a finished cell's outcome; None where there is none, or a damaged one, which is noted.

        Raises:
            SymlossError: it cannot be read, or was trained on other data.
        """
        path = self.path(cell)
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SymlossError(f"cannot read {path}: {error.strerror}; free it, or choose another --run-dir") from None
        try:
            data = json.loads(text)
            if data["checksum"] != _checksum(data):
                raise ValueError("its checksum is wrong")
            if data["key"] != cell.key:
                raise ValueError("it is of another cell")
            device = str(data["environment"]["device"])
            outcome = Outcome(data["scores"], bool(data["diverged"]), float(data["seconds"]), device)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            line = f"{path} is damaged, and its cell is trained again: {error}"
            if line not in self.damaged:
                self.damaged.append(line)
            return None
        before, now = data.get("data"), self.data.get(cell.experiment.dataset)
        if before is not None and now is not None and before != now:
            raise SymlossError(
                f"{path} is of other data called {cell.experiment.dataset} than those that are found now; choose "
                "another --run-dir for these, or name the former with --data-dir"
            )
        return outcome

    def write(
        self,
        cell: Cell,
        scores: Mapping[str, Any],
        *,
        diverged: bool,
        seconds: float,
        environment: Mapping[str, Any],
        command: str,
    ) -> None:
        """Write a finished cell.

        Raises:
            SymlossError: it cannot be written.
        """
        data = {
            "key": cell.key,
            "task": cell.experiment.title,
            "settings": cell.experiment.values,
            "data": self.data.get(cell.experiment.dataset),
            "loss": {"name": cell.contender.name, "id": cell.contender.id},
            "seed": cell.seed,
            "scores": {
                epoch: {
                    key: {m: _number(v) for m, v in value.items()} if isinstance(value, Mapping) else value
                    for key, value in scores[epoch].items()
                }
                for epoch in cell.epochs
            },
            "diverged": diverged,
            "seconds": round(seconds, 4),
            "environment": dict(environment),
            "command": command,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        make_folder(self.path(cell).parent)
        write_atomic(
            self.path(cell), json.dumps(data | {"checksum": _checksum(data)}, indent=1, allow_nan=False) + "\n"
        )


def make_folder(path: Path) -> None:
    """Make a folder, and those above it.

    Raises:
        SymlossError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SymlossError(f"cannot make {path}: {error.strerror}; choose another directory with --run-dir") from None


def _checksum(data: Mapping[str, Any]) -> str:
    content = json.dumps({key: value for key, value in data.items() if key != "checksum"}, sort_keys=True)
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def _number(value: Any) -> float | None:
    """Return a float that JSON has, or None."""
    number = float(value) if value is not None else math.nan
    return number if math.isfinite(number) else None


@lru_cache
def environment(device: str) -> dict[str, Any]:
    """Return versions and hardware of this process, for a device such as ``"cpu"`` or ``"cuda"``."""
    names = ("symloss", "torch", "torchvision", "numpy", "torchmetrics")
    found: dict[str, Any] = {"python": platform.python_version()} | {name: version(name) for name in names}
    found |= {"machine": platform.machine(), "processor": _processor(), "cores": os.cpu_count(), "device": device}
    if device.startswith("cuda"):
        import torch

        found["gpu"] = torch.cuda.get_device_name(device)
        found["cuda"] = torch.version.cuda
    return found


def _processor() -> str:
    """Return the CPU's name where the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
