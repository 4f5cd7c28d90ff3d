"""Rows of logits that visit every place a softmax can be, and true classes for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numerics_exact import Row

SCALES = (0.1, 1, 5, 20, 100)
_DISTINCT = 10  # logits of a row with many classes: the exact side pays for each different one


@dataclass
class Batch:
    """Rows of logits as one input, each row with several true classes."""

    rows: list[Row]
    samples: list[tuple[int, int]]  # a row and its true class

    def __post_init__(self) -> None:
        self.logits = torch.from_numpy(np.stack([self.rows[row].logits for row, _ in self.samples]))
        self.target = torch.tensor([true for _, true in self.samples])


def batch(classes: int, seed: int, number: int, *, output: str = "softmax", wide: bool = False) -> Batch:
    """Return batch `number`: every row with its largest, its smallest and a random class as the true one."""
    rng = np.random.default_rng([seed, classes, number])
    rows = _rows(classes, rng, output, wide)
    samples = []
    for index, row in enumerate(rows):
        chosen = {int(row.logits.argmax()), int(row.logits.argmin()), int(rng.integers(classes))}
        samples += [(index, true) for true in sorted(chosen)]
    return Batch(rows, samples)


def _rows(classes: int, rng: np.random.Generator, output: str, wide: bool) -> list[Row]:
    """Return random rows at every scale, and rows at the ends of what logits can be."""
    found = []
    for scale in SCALES:
        for _ in range(3 if classes <= _DISTINCT else 1):
            logits = rng.uniform(-scale, scale, min(classes, _DISTINCT))
            if classes > _DISTINCT:
                logits = rng.choice(logits, classes)
            found.append((f"uniform +-{scale:g}", logits))
    if wide and classes > _DISTINCT:
        found.append(("uniform +-20, all different", rng.uniform(-20, 20, classes)))
    base = np.zeros(classes)
    first, second = rng.choice(classes, 2, replace=False)
    ends: list[tuple[str, dict[int, float], float]] = [
        ("ties", {}, 0),
        ("one 100 above", {first: 100}, 0),
        ("one 200 above", {first: 100}, -100),
        ("one 100 below", {first: -100}, 0),
        ("one 200 below", {first: -100}, 100),
        ("two high", {first: 100, second: 100}, 0),
        ("two high, nearly tied", {first: 100, second: 99.99}, -3),
        ("sure", {first: 18, second: 3}, 0),
        ("high and low", {first: 60, second: -27}, 0),
    ]
    for name, special, level in ends:
        logits = base + level
        for place, value in special.items():
            logits[place] = value
        found.append((name, logits))
    return [Row(name, logits.astype(np.float32), output) for name, logits in found]
