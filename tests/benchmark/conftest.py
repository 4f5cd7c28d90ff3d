"""A stand-in for the full-size trainer, and a small configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from symloss.errors import SymlossError
from symloss.symbolic import loss_id


@dataclass(frozen=True)
class StubRecipe:
    """What a recipe must be able to do."""

    dataset: str
    model: str
    metrics: tuple[str, ...]
    lr: float = 0.1
    epochs: int = 3

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    def digest(self) -> str:
        return hashlib.blake2b(self.to_json().encode(), digest_size=8).hexdigest()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StubRecipe:
        for name in values:
            if name not in ("dataset", "model", "metrics", "lr", "epochs"):
                raise SymlossError(f"unknown recipe setting {name!r}")
        if values.get("epochs", 1) < 1:
            raise SymlossError(f"epochs is {values['epochs']}; it must be at least 1")
        return cls(**{**values, "metrics": tuple(values["metrics"])})


@dataclass
class Trainer:
    """Counts what it is asked for; ``score`` says what it finds: (metric, part, epoch, loss's name, seed, lr)."""

    score: Callable[..., float]
    calls: list[tuple[str, int, float]] = field(default_factory=list)
    stopping: Any = None
    diverges: Callable[[str, float], bool] = lambda name, lr: name == "mae"

    def fit(
        self,
        recipe: StubRecipe,
        loss: Any,
        seed: int,
        *,
        folder: Path,
        device: str,
        progress: Callable[..., None],
        keep: bool = True,
        stopping: Any = None,
    ) -> Any:
        self.stopping = stopping
        assert folder.is_dir()
        assert not keep  # the weights of hundreds of cells would fill a disk
        name = getattr(loss, "name", None) or loss_id(loss)
        self.calls.append((name, seed, recipe.lr))
        for epoch in range(1, recipe.epochs + 1):
            progress(epoch, recipe.epochs, 1, 2, "loss 0.3")

        def scored(epoch: str) -> dict[str, Any]:
            parts = {
                part: {metric: self.score(metric, part, epoch, name, seed, recipe.lr) for metric in recipe.metrics}
                for part in ("validation", "test")
            }
            return {"epoch": recipe.epochs if epoch == "last" else 1, **parts}

        found = {
            "best": scored("best"),
            "last": scored("last"),
            "history": [],
            "seconds": 1.5,
            "environment": {"host": "stub"},
            "diverged": self.diverges(name, recipe.lr),
        }
        return SimpleNamespace(to_json=lambda: found)


@pytest.fixture
def full_trainer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., float]], Trainer]:
    """Return a function that puts a trainer with some scores in the place of symloss.training."""

    def install(score: Callable[..., float]) -> Trainer:
        trainer = Trainer(score)
        module = SimpleNamespace(Recipe=StubRecipe, fit=trainer.fit)
        monkeypatch.setattr("symloss.benchmark.trainers._training", lambda: module)
        monkeypatch.setattr("symloss.data.source.Source.find", lambda _: Path("nowhere"))
        return trainer

    return install


SMALL = """\
name: small
losses:
  - ngl
  - short: "exp(-y_pred*(1 + y_true))"
seeds: 3
tasks:
  datasets: digits
  models: [mlp]
  conditions:
    - {}
    - {name: noise 40, label_noise: 0.4}
settings: {steps: 20, train_size: 300}
sweep: {lr: [1e-3, 1e-2], seeds: 2}
smoke: {seeds: 2, sweep: none, settings: {steps: 5}}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a configuration of two tasks and three losses."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path
