"""Intervals of (0, 1) that are halved until a question about them is settled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from flint import arb

Ball = Any

COARSE_BITS, END_BITS, FINE_BITS = 64, 128, 512
#: How often a cell is halved before the precision rises.
_RISE = 36


@dataclass(frozen=True, order=True)
class Cell:
    """The interval ``[number, number + 1] * 2**-exponent`` of t, which is p (side 0) or 1 - p (side 1)."""

    side: int
    number: int
    exponent: int
    depth: int = 0

    def halves(self) -> tuple[Cell, Cell]:
        """Return its two halves."""
        double, deeper = 2 * self.number, self.exponent + 1
        return Cell(self.side, double, deeper, self.depth + 1), Cell(self.side, double + 1, deeper, self.depth + 1)

    def balls(self) -> tuple[Ball, Ball]:
        """Return p and 1 - p as balls."""
        t = arb((2 * self.number + 1, -self.exponent - 1), (1, -self.exponent - 1))
        return (t, 1 - t) if self.side == 0 else (1 - t, t)

    def point(self, place: int = 1) -> tuple[Ball, Ball]:
        """Return p and 1 - p of its middle, or of its lower (0) or upper (2) end."""
        t = arb((2 * self.number + place, -self.exponent - 1))
        return (t, 1 - t) if self.side == 0 else (1 - t, t)

    def bounds(self) -> tuple[float, float]:
        """Return the interval of p, to a float's precision."""
        low, high = math.ldexp(self.number, -self.exponent), math.ldexp(self.number + 1, -self.exponent)
        return (low, high) if self.side == 0 else (1 - high, 1 - low)

    def text(self) -> str:
        """Return its middle to 12 digits, by the distance from 1 where that says more."""
        t = math.ldexp(2 * self.number + 1, -self.exponent - 1)
        return f"{t:.12g}" if self.side == 0 else f"1 - {t:.12g}" if t < 1e-6 else f"{1 - t:.12g}"

    @property
    def bits(self) -> int:
        """The working precision for a cell of its size."""
        bits = COARSE_BITS if self.depth < _RISE else FINE_BITS
        return bits if self.exponent <= _RISE + 24 else max(bits, COARSE_BITS + self.exponent)
