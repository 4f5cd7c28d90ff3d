"""Where a grammar's constants come from: distributions over short decimals, so that formulas stay readable.

Each distribution draws through ``rng.random()`` alone, so draws do not depend on the Python version.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from functools import cached_property
from random import Random
from statistics import NormalDist
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_PARAMETER = 1e15
SMALLEST_PARAMETER = 1e-15

Parameter = Annotated[float, Field(ge=-MAX_PARAMETER, le=MAX_PARAMETER, allow_inf_nan=False)]
Positive = Annotated[float, Field(ge=SMALLEST_PARAMETER, le=MAX_PARAMETER, allow_inf_nan=False)]
Decimals = Annotated[int, Field(ge=0, le=8)]
Digits = Annotated[int, Field(ge=1, le=15)]

# How a constant moves (see `_Continuous.nudge`): mostly a small step, now and then a jump.
_REDRAW = 0.1
_FLIP = 0.05
_RELATIVE_STEP = 0.1
_ABSOLUTE_STEP = 0.03

_STANDARD_NORMAL = NormalDist()


def standard_normal(rng: Random) -> float:
    """Return one normal draw from one uniform draw, by inversion; its magnitude stays below 8.3."""
    return _STANDARD_NORMAL.inv_cdf(max(rng.random(), 2.0**-53))


class _Distribution(BaseModel, ABC):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @abstractmethod
    def draw(self, rng: Random) -> float:
        """Return a constant of the support."""

    @abstractmethod
    def contains(self, value: float) -> bool:
        """Return whether :meth:`draw` could give ``value``."""

    @abstractmethod
    def nudge(self, value: float, rng: Random) -> float:
        """Return a constant of the support near ``value``; it may be the same one."""


class _Continuous(_Distribution):
    """A distribution over an interval, rounded to a grid of short decimals that lies inside the interval."""

    @cached_property
    @abstractmethod
    def support(self) -> tuple[float, float]:
        """The smallest and the largest constant that can be drawn."""

    @abstractmethod
    def _raw(self, rng: Random) -> float: ...

    @abstractmethod
    def _round(self, value: float) -> float: ...

    @abstractmethod
    def _step(self, value: float, normal: float) -> float: ...

    def _inside(self, value: float) -> float:
        low, high = self.support
        return min(max(self._round(value), low), high) + 0.0  # + 0.0: no negative zero

    def draw(self, rng: Random) -> float:
        return self._inside(self._raw(rng))

    def contains(self, value: float) -> bool:
        low, high = self.support
        return low <= value <= high and self._round(value) == value

    def decode(self, x: float) -> float:
        """Return the constant nearest to a place on the real line; 0 is the distribution's middle, 1 its width away."""
        return self._inside(self._place(x))

    @abstractmethod
    def encode(self, value: float) -> float:
        """Return the place on the real line of a constant; :meth:`decode` gives the constant back."""

    @abstractmethod
    def _place(self, x: float) -> float: ...

    def nudge(self, value: float, rng: Random) -> float:
        kind = rng.random()
        if kind < _REDRAW:
            return self.draw(rng)
        if kind < _REDRAW + _FLIP and self.contains(-value):
            return -value + 0.0
        return self._inside(self._step(value, standard_normal(rng)))


class Uniform(_Continuous):
    """Uniform between ``low`` and ``high``, both included, rounded to ``decimals`` decimals."""

    distribution: Literal["uniform"] = "uniform"
    low: Parameter
    high: Parameter
    decimals: Decimals = 4

    @model_validator(mode="after")
    def _check(self) -> Uniform:
        if self.low >= self.high:
            raise ValueError(f"low must be less than high, got low {self.low:g} and high {self.high:g}")
        if self.support[0] > self.support[1]:
            raise ValueError(
                f"no number with {self.decimals} decimals lies between {self.low:g} and {self.high:g}; raise decimals"
            )
        return self

    @cached_property
    def support(self) -> tuple[float, float]:
        unit = Decimal(1).scaleb(-self.decimals)
        low = Decimal(repr(float(self.low))).quantize(unit, ROUND_CEILING)
        high = Decimal(repr(float(self.high))).quantize(unit, ROUND_FLOOR)
        return float(low) + 0.0, float(high) + 0.0

    def _raw(self, rng: Random) -> float:
        return self.low + (self.high - self.low) * rng.random()

    def _round(self, value: float) -> float:
        return round(value, self.decimals)

    def _step(self, value: float, normal: float) -> float:
        return value + normal * (_RELATIVE_STEP * abs(value) + _ABSOLUTE_STEP * (self.high - self.low))

    def encode(self, value: float) -> float:
        return (value - (self.low + self.high) / 2) / ((self.high - self.low) / 2)

    def _place(self, x: float) -> float:
        return (self.low + self.high) / 2 + x * (self.high - self.low) / 2


class Normal(_Continuous):
    """Normal with ``mean`` and standard deviation ``std``, rounded to ``decimals`` decimals."""

    distribution: Literal["normal"] = "normal"
    mean: Parameter
    std: Positive
    decimals: Decimals = 4

    @model_validator(mode="after")
    def _check(self) -> Normal:
        if self.std < 0.1 * 10.0**-self.decimals:
            raise ValueError(
                f"std {self.std:g} is lost when constants are rounded to {self.decimals} decimals; "
                "raise decimals or std"
            )
        return self

    @cached_property
    def support(self) -> tuple[float, float]:
        return -math.inf, math.inf

    def _raw(self, rng: Random) -> float:
        return self.mean + self.std * standard_normal(rng)

    def _round(self, value: float) -> float:
        return round(value, self.decimals)

    def contains(self, value: float) -> bool:
        return math.isfinite(value) and super().contains(value)

    def _step(self, value: float, normal: float) -> float:
        return value + normal * (_RELATIVE_STEP * abs(value) + 4 * _ABSOLUTE_STEP * self.std)

    def encode(self, value: float) -> float:
        return (value - self.mean) / self.std

    def _place(self, x: float) -> float:
        return self.mean + x * self.std


class LogUniform(_Continuous):
    """Uniform in the logarithm between ``low`` > 0 and ``high``, rounded to ``digits`` significant digits."""

    distribution: Literal["loguniform"] = "loguniform"
    low: Positive
    high: Positive
    digits: Digits = 4

    @model_validator(mode="after")
    def _check(self) -> LogUniform:
        if self.low >= self.high:
            raise ValueError(f"low must be less than high, got low {self.low:g} and high {self.high:g}")
        if self.support[0] > self.support[1]:
            raise ValueError(
                f"no number with {self.digits} significant digits lies between {self.low:g} and "
                f"{self.high:g}; raise digits"
            )
        return self

    @cached_property
    def support(self) -> tuple[float, float]:
        low = Context(prec=self.digits, rounding=ROUND_CEILING).create_decimal(repr(float(self.low)))
        high = Context(prec=self.digits, rounding=ROUND_FLOOR).create_decimal(repr(float(self.high)))
        return float(low), float(high)

    def _raw(self, rng: Random) -> float:
        return math.exp(math.log(self.low) + (math.log(self.high) - math.log(self.low)) * rng.random())

    def _round(self, value: float) -> float:
        return float(f"{value:.{self.digits - 1}e}")

    def _step(self, value: float, normal: float) -> float:
        scale = _RELATIVE_STEP + _ABSOLUTE_STEP * (math.log(self.high) - math.log(self.low))
        return value * math.exp(scale * normal)

    def encode(self, value: float) -> float:
        low, high = math.log(self.low), math.log(self.high)
        return (math.log(value) - (low + high) / 2) / ((high - low) / 2)

    def _place(self, x: float) -> float:
        low, high = math.log(self.low), math.log(self.high)
        # Beyond the ends only the ends are left; exp of more could overflow.
        return math.exp(min(max((low + high) / 2 + x * (high - low) / 2, low), high))


class Choice(_Distribution):
    """One of ``values``, each as likely, as they are written."""

    distribution: Literal["choice"] = "choice"
    values: Annotated[tuple[Parameter, ...], Field(min_length=1, max_length=1000, strict=False)]

    @model_validator(mode="after")
    def _check(self) -> Choice:
        if len(set(self.values)) < len(self.values):
            raise ValueError("values must differ from each other; remove the repeated ones")
        return self

    def draw(self, rng: Random) -> float:
        return float(self.values[int(rng.random() * len(self.values))]) + 0.0

    def contains(self, value: float) -> bool:
        return value in self.values

    def nudge(self, value: float, rng: Random) -> float:
        return self.draw(rng)


Distribution = Annotated[Uniform | Normal | LogUniform | Choice, Field(discriminator="distribution")]

DISTRIBUTIONS: dict[str, type[_Distribution]] = {
    "uniform": Uniform,
    "normal": Normal,
    "loguniform": LogUniform,
    "choice": Choice,
}
