"""Ranks over datasets against scipy and against Demsar's worked example."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from symloss.benchmark.ranks import critical_difference, friedman, groups, ranking, ranks
from symloss.errors import SymlossError

#: Areas under the ROC curve of four variants of C4.5 on 14 datasets: Demsar, JMLR 7 (2006), table 6. Voting's last
#: two are rounded alike there and ranked 2 and 3.
DEMSAR = [
    [0.763, 0.768, 0.771, 0.798],
    [0.599, 0.591, 0.590, 0.569],
    [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657],
    [0.882, 0.888, 0.886, 0.898],
    [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685],
    [0.583, 0.583, 0.563, 0.625],
    [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000],
    [0.940, 0.962, 0.965, 0.962],
    [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.9751, 0.975],
    [0.957, 0.978, 0.946, 0.970],
]
#: Scores with many ties.
tables = st.integers(3, 6).flatmap(
    lambda k: st.lists(st.lists(st.integers(0, 4), min_size=k, max_size=k), min_size=2, max_size=12)
)


def test_demsars_example() -> None:
    ranked = ranks(DEMSAR)
    assert ranked.mean(0) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    plain = friedman(ranked, ties=False)
    assert plain.statistic == pytest.approx(9.28, abs=5e-3)
    assert plain.f == pytest.approx(3.69, abs=5e-3)
    assert plain.f is not None
    assert plain.f_p is not None
    # The critical value of F(3, 39) at 5 % is 2.85.
    assert plain.f_p == pytest.approx(stats.f.sf(plain.f, 3, 39))
    assert plain.f_p < 0.05
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=5e-3)
    assert critical_difference(4, 14, 0.10) == pytest.approx(1.12, abs=5e-3)
    # At 5 % no two differ; at 10 % C4.5 differs from those with m tuned (section 3.2.2).
    found = ranking(DEMSAR)
    assert found.groups == ((3, 1, 2, 0),)
    assert {(1, 0), (3, 0)} == {
        (a, b)
        for a in range(4)
        for b in range(4)
        if found.mean_ranks[b] - found.mean_ranks[a] > critical_difference(4, 14, 0.10)
    }


@pytest.mark.parametrize(
    ("k", "q05", "q10"),
    [(2, 1.960, 1.645), (3, 2.343, 2.052), (5, 2.728, 2.459), (7, 2.949, 2.693), (10, 3.164, 2.920)],
)
def test_critical_values_are_those_of_the_printed_table(k: int, q05: float, q10: float) -> None:
    # Demsar 2006, table 5a.
    unit = math.sqrt(k * (k + 1) / (6 * 8))
    assert critical_difference(k, 8) / unit == pytest.approx(q05, abs=1e-3)
    assert critical_difference(k, 8, 0.10) / unit == pytest.approx(q10, abs=1e-3)


@given(tables)
def test_friedman_is_scipys(table: list[list[int]]) -> None:
    got = friedman(ranks(table))
    if all(len(set(row)) == 1 for row in table):
        assert (got.statistic, got.p) == (0.0, 1.0)
        return
    reference = stats.friedmanchisquare(*np.array(table, dtype=float).T)
    assert got.statistic == pytest.approx(reference.statistic, rel=1e-9, abs=1e-9)
    assert got.p == pytest.approx(reference.pvalue, rel=1e-6, abs=1e-12)


@given(tables)
def test_ranks_are_shared_out(table: list[list[int]]) -> None:
    ranked = ranks(table)
    k = len(table[0])
    assert ranked.sum(1) == pytest.approx([k * (k + 1) / 2] * len(table))
    for row, scores in zip(ranked, table, strict=True):
        # The rank by its definition: one more than those above, and half of those beside.
        assert list(row) == [1 + sum(b > a for b in scores) + (scores.count(a) - 1) / 2 for a in scores]


@given(st.lists(st.floats(1, 6), min_size=1, max_size=8), st.floats(0.1, 3))
def test_groups_hold_exactly_the_pairs_that_do_not_differ(means: list[float], difference: float) -> None:
    found = groups(means, difference)
    together = {(a, b) for group in found for a in group for b in group if a != b}
    places = range(len(means))
    assert together == {(a, b) for a in places for b in places if a != b and abs(means[a] - means[b]) < difference}
    assert not any(set(a) < set(b) for a in found for b in found)


def test_equal_means_tie_whatever_the_order_of_their_seeds() -> None:
    scores = [0.1, 0.7, 0.3]
    first, second = (sum(scores) / 3, sum(scores[::-1]) / 3)
    assert first != second
    assert ranks([[first, second, 0.5]]).tolist() == [[2.5, 2.5, 1.0]]


def test_when_all_datasets_agree() -> None:
    found = friedman(ranks([[0.9, 0.8, 0.7]] * 4))
    assert found.statistic == pytest.approx(8)
    # An infinite F would have p 0 for two datasets as for a hundred.
    assert (found.f, found.f_p) == (None, None)
    assert found.p == pytest.approx(math.exp(-4))  # of chi-squared with 2 degrees of freedom
    data = ranking([[0.9, 0.8, 0.7]] * 4).to_json(["a", "b", "c"])
    assert json.loads(json.dumps(data, allow_nan=False))["friedman"] == {
        "statistic": found.statistic,
        "p": found.p,
        "f": None,
        "f_p": None,
    }


def test_two_losses_or_one_dataset_have_ranks_alone() -> None:
    assert ranking([[0.1, 0.2], [0.4, 0.3]]).friedman is None
    one = ranking([[0.1, 0.3, 0.2]])
    assert one.mean_ranks == (3, 1, 2)
    assert json.loads(json.dumps(one.to_json(["a", "b", "c"]))) == {
        "datasets": 1,
        "mean_ranks": {"a": 3, "b": 1, "c": 2},
        "friedman": None,
        "nemenyi": None,
    }
    assert set(ranking([[1, 2, 3], [3, 2, 1]]).to_json(["a", "b", "c"])["nemenyi"]) == {"alpha", "cd", "groups"}


def test_bad_input_is_explained() -> None:
    with pytest.raises(SymlossError, match="cannot be ranked"):
        ranks([[0.1, math.nan]])
    with pytest.raises(SymlossError, match="at least 3 losses"):
        friedman(ranks([[1, 2], [2, 1]]))
    with pytest.raises(SymlossError, match="no critical difference"):
        critical_difference(3, 5, 2.0)
