"""Statistics against scipy's own tests and the textbook formulas."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from symloss.benchmark.statistics import holm, paired_difference, summary
from symloss.errors import SymlossError

scores = st.lists(st.floats(0, 1), min_size=2, max_size=12)
p_values = st.lists(st.floats(0, 1), max_size=12)


def test_summary_by_hand():
    got = summary([0.8, 0.9, 1.0])
    assert got.mean == pytest.approx(0.9)
    assert got.std == pytest.approx(0.1)
    # Student's t at 97.5 % with 2 degrees of freedom, from a printed table.
    half = 4.302653 * 0.1 / math.sqrt(3)
    assert got.ci95 == pytest.approx((0.9 - half, 0.9 + half), rel=1e-6)
    assert got.scores == (0.8, 0.9, 1.0)


@given(scores)
def test_summary_interval_is_scipys(values):
    got = summary(values)
    error = stats.sem(values)
    if error > 1e-12:
        assert got.ci95 == pytest.approx(stats.t.interval(0.95, len(values) - 1, np.mean(values), error), abs=1e-9)
    assert got.ci95[0] <= got.mean <= got.ci95[1]


def test_one_seed_has_no_spread():
    got = summary([0.5])
    assert (got.mean, got.std, got.n, got.ci95) == (0.5, None, 1, None)
    assert paired_difference([0.5], [0.25]).p is None
    assert paired_difference([0.5], [0.25]).mean == 0.25


def test_json_forms():
    got = json.loads(json.dumps(summary([0.5, 0.75]).to_json()))
    assert list(got) == ["mean", "std", "n", "ci95", "scores"]
    assert len(got["ci95"]) == 2
    assert got["scores"] == [0.5, 0.75]
    assert summary([0.5]).to_json()["ci95"] is None
    assert set(paired_difference([0.5, 0.6], [0.4, 0.3]).to_json()) == {"mean", "p"}


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=12))
def test_paired_difference_is_scipys(pairs):
    a, b = map(np.array, zip(*pairs, strict=True))
    got = paired_difference(a, b)
    assert got.mean == pytest.approx(np.mean(a - b), abs=1e-12)
    if np.std(a - b) > 1e-6:
        reference = stats.ttest_rel(a, b)
        assert got.p == pytest.approx(reference.pvalue, rel=1e-6, abs=1e-12)
        interval = reference.confidence_interval(0.95)
        assert got.ci95 == pytest.approx((interval.low, interval.high), abs=1e-9)


@given(scores, st.floats(-0.5, 0.5))
def test_swapping_the_sides_flips_the_sign_alone(values, shift):
    other = [value + shift * index for index, value in enumerate(values)]
    one, two = paired_difference(values, other), paired_difference(other, values)
    assert one.mean == pytest.approx(-two.mean)
    assert one.p == pytest.approx(two.p)


def test_equal_scores_and_equal_gains():
    assert paired_difference([0.1, 0.2, 0.3], [0.1, 0.2, 0.3]).p == 1.0
    # 0.1 + 0.2 differs from 0.3 in its last bit: no evidence of anything.
    assert paired_difference([0.1 + 0.2, 0.1 + 0.2], [0.3, 0.3]).p == 1.0
    constant = paired_difference([0.4, 0.5, 0.6], [0.3, 0.4, 0.5])
    assert constant.p is None
    assert constant.ci95 is None
    assert constant.mean == pytest.approx(0.1)


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04 times 4 3 2 1 gives .04 .06 .06 .04, then the running maximum.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []
    assert holm([0.03]) == [0.03]


@given(p_values)
def test_holm_rejects_as_the_step_down_procedure_does(values):
    """Step down by the definition: go up the sorted values until one exceeds level / (number left)."""
    adjusted = holm(values)
    level = 0.05
    rejected = set()
    for rank, place in enumerate(np.argsort(values, kind="stable")):
        if values[place] * (len(values) - rank) > level:
            break
        rejected.add(int(place))
    assert {place for place, value in enumerate(adjusted) if value <= level} == rejected


@given(p_values)
def test_holm_lies_between_the_raw_values_and_bonferroni(values):
    adjusted = holm(values)
    for raw, corrected in zip(values, adjusted, strict=True):
        assert raw <= corrected <= min(1.0, raw * len(values))
    order = sorted(range(len(values)), key=lambda place: values[place])
    assert [adjusted[place] for place in order] == sorted(adjusted)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (summary, ([],), "at least one score"),
        (summary, ([[0.1], [0.2]],), "flat list"),
        (summary, ([0.5, math.nan],), "nan"),
        (paired_difference, ([0.5], [0.5, 0.6]), "same seeds"),
        (paired_difference, ([0.5, math.inf], [0.5, 0.6]), "inf"),
        (holm, ([0.5, 1.5],), "from 0 to 1"),
        (holm, ([math.nan],), "not a p-value"),
    ],
)
def test_bad_input_is_explained(function, arguments, message):
    with pytest.raises(SymlossError, match=message):
        function(*arguments)
