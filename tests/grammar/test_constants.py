"""Distributions of constants."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from symloss.grammar.constants import Choice, LogUniform, Normal, Uniform, standard_normal

EXAMPLES = [
    Uniform(low=-3, high=3),
    Uniform(low=0.123456, high=0.987654, decimals=2),
    Uniform(low=-0.5, high=9.5, decimals=0),
    Normal(mean=-1, std=0.5),
    Normal(mean=100, std=25, decimals=0),
    LogUniform(low=1e-4, high=1e3),
    LogUniform(low=0.0333333, high=0.0666666, digits=2),
    Choice(values=(0.5, 1, 7.125)),
]
Any = Uniform | Normal | LogUniform | Choice


@pytest.mark.parametrize("distribution", EXAMPLES, ids=repr)
def test_draws_and_nudges_stay_in_the_support(distribution: Any) -> None:
    rng = random.Random(0)
    value = distribution.draw(rng)
    for _ in range(2000):
        assert distribution.contains(value)
        assert str(value) != "-0.0"
        assert distribution.contains(distribution.draw(rng))
        value = distribution.nudge(value, rng)


@settings(max_examples=200)
@given(st.data())
def test_uniform_support_is_its_interval_on_the_grid(data: st.DataObject) -> None:
    low = data.draw(st.floats(-1e6, 1e6))
    high = data.draw(st.floats(low, 1e6))
    decimals = data.draw(st.integers(0, 8))
    unit = Decimal(10) ** -decimals
    first = -(-Decimal(repr(low)) // unit) * unit  # Decimal's // truncates towards zero
    while first < Decimal(repr(low)):
        first += unit
    while first - unit >= Decimal(repr(low)):
        first -= unit
    if low == high or first > Decimal(repr(high)):
        with pytest.raises(ValidationError):
            Uniform(low=low, high=high, decimals=decimals)
        return
    distribution = Uniform(low=low, high=high, decimals=decimals)
    assert distribution.support[0] == float(first)
    assert distribution.draw(random.Random(data.draw(st.integers(0, 99)))) >= float(first)


@pytest.mark.parametrize(
    ("distribution", "reference"),
    [
        (Uniform(low=-3, high=3, decimals=8), stats.uniform(-3, 6)),
        (Normal(mean=-1, std=0.5, decimals=8), stats.norm(-1, 0.5)),
        (LogUniform(low=1e-4, high=1e3, digits=15), stats.loguniform(1e-4, 1e3)),
    ],
)
def test_draws_follow_their_distribution(distribution: Any, reference: Any) -> None:
    rng = random.Random(1)
    draws = [distribution.draw(rng) for _ in range(5000)]
    assert stats.kstest(draws, reference.cdf).pvalue > 1e-3


def test_choice_draws_each_value_alike() -> None:
    rng = random.Random(2)
    draws = [EXAMPLES[-1].draw(rng) for _ in range(3000)]
    assert stats.chisquare([draws.count(value) for value in (0.5, 1, 7.125)]).pvalue > 1e-3


def test_standard_normal_at_the_edge_of_the_generator() -> None:
    class Edge(random.Random):
        def random(self) -> float:
            return 0.0

    assert -8.3 < standard_normal(Edge()) < -8


def test_rounding_keeps_formulas_short() -> None:
    rng = random.Random(3)
    assert all(len(repr(Uniform(low=-3, high=3).draw(rng))) <= 7 for _ in range(500))
    for _ in range(500):
        digits = f"{LogUniform(low=1e-4, high=1e3).draw(rng):.17g}"
        assert Decimal(repr(float(digits))).normalize().adjusted() <= 3
        assert len(Decimal(repr(float(digits))).normalize().as_tuple().digits) <= 4


def test_nudges_are_mostly_small_and_sometimes_flip_the_sign() -> None:
    distribution, rng = Uniform(low=-3, high=3), random.Random(4)
    moved = [distribution.nudge(2.0, rng) for _ in range(4000)]
    assert 0.03 < moved.count(-2.0) / 4000 < 0.07
    assert sum(abs(value - 2) < 1 for value in moved) > 0.8 * 4000
    assert any(value < 0 and value != -2 for value in moved)  # drawn anew


@pytest.mark.parametrize("value", [3.0001, -3.0001, 0.00001, float("nan"), float("inf")])
def test_values_outside_the_support(value: float) -> None:
    assert not Uniform(low=-3, high=3).contains(value)
    assert not Choice(values=(1,)).contains(value)
    assert not Normal(mean=0, std=1, decimals=3).contains(value)
