"""Small figures: numbers on axes, and points where their values are."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symloss.report.page.svg import WIDTH, Plot, spread, ticks

FINITE = st.floats(-1e9, 1e9)


@given(st.floats(-1e3, 1e3), st.floats(1e-6, 1e9), st.integers(2, 8))
def test_ticks_are_few_round_and_inside(place: float, span: float, wanted: int) -> None:
    low, high = place * span, place * span + span
    found = ticks(low, high, wanted)
    assert wanted // 2 - 1 <= len(found) <= wanted + 1
    assert all(low - 1e-6 * span <= value <= high + 1e-6 * span for value in found)
    for a, b in pairwise(found):
        step = (b - a) / 10 ** math.floor(math.log10((b - a) * 1.001))
        assert min(abs(step - round_one) for round_one in (1, 2, 5, 10)) < 1e-3


@given(st.lists(FINITE | st.just(math.nan) | st.just(math.inf)))
def test_a_range_holds_all_finite_values(values: list[float]) -> None:
    low, high = spread(values)
    assert low < high
    assert all(low < value < high for value in values if math.isfinite(value))


def test_points_lie_where_their_values_are() -> None:
    plot = Plot("a plot", (0.0, 10.0), (0.0, 2.0), x_title="x")
    plot.dot(0.0, 0.0, "found", "low & left")
    plot.dot(10.0, 2.0, "found", "high")
    plot.dot(math.nan, 1.0, "found", "nowhere")
    text = plot.markup()
    places = [(float(x), float(y)) for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', text)]
    assert places == [(plot.left, plot.height - 48.0), (WIDTH - 14.0, 14.0)]
    assert "low &amp; left" in text
    assert "nowhere" not in text


def test_a_line_is_broken_where_it_has_no_value() -> None:
    plot = Plot("a plot", (0.0, 3.0), (0.0, 1.0))
    plot.line([(0, 0), (1, 1), (2, math.nan), (3, math.inf)], "found")
    assert str(plot.markup()).count('class="line found"') == 1
    assert "nan" not in plot.markup()
    plot.line([(0, math.nan)], "second")
    assert "line second" not in plot.markup()


@pytest.mark.parametrize("end", [(None), (math.nan)])
def test_an_interval_without_ends_is_a_point(end: float | None) -> None:
    plot = Plot("a plot", (0.0, 1.0), (-0.5, 0.5), rows=["a"])
    plot.interval(math.nan if end is None else end, 0.5, math.nan, 0.0, "found", "mean")
    assert "nan" not in plot.markup()
    assert plot.markup().count("<circle") == 1
