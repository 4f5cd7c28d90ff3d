from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from symloss.errors import SymlossError
from symloss.fitness.halving import Entry, Ladder, Rung, rank

scores = st.floats(0, 1) | st.just(float("nan"))
entries = st.lists(
    st.builds(Entry, id=st.text("abc", min_size=1, max_size=4), size=st.integers(1, 5), score=scores),
    min_size=1,
    max_size=40,
    unique_by=lambda entry: entry.id,
)


LADDER = Ladder((Rung(100, (0,)), Rung(300, (0, 1)), Rung(1000, (0, 1, 2, 3, 4))), (0.25, 0.25))


@given(entries, st.randoms())
def test_promotion_takes_the_best_whatever_the_order(found, random):
    ids = LADDER.promoted(0, found)
    assert len(ids) == math.ceil(len(found) / 4)
    shuffled = list(found)
    random.shuffle(shuffled)
    assert LADDER.promoted(0, shuffled) == ids
    by_id = {entry.id: entry for entry in found}
    for chosen in ids:
        for other in found:
            if other.id not in ids:
                assert not by_id[chosen].score < other.score
                assert not (math.isnan(by_id[chosen].score) and not math.isnan(other.score))


def test_ties_go_to_the_smaller_and_then_to_the_id():
    found = [Entry("b", 3, 0.9), Entry("a", 3, 0.9), Entry("c", 2, 0.9), Entry("d", 9, 0.91)]
    assert [entry.id for entry in rank(found)] == ["d", "c", "a", "b"]


def test_nan_ranks_below_every_number():
    found = [Entry("a", 1, math.nan), Entry("b", 9, -math.inf), Entry("c", 9, 0.0)]
    assert [entry.id for entry in rank(found)] == ["c", "b", "a"]


def test_nobody_climbs_from_the_last_rung():
    assert LADDER.promoted(2, [Entry("a", 1, 1.0)]) == []


@given(st.integers(1, 400), st.sampled_from([0.07, 0.14, 0.25, 0.55, 1.0]))
@example(100, 0.07)
def test_places_are_the_exact_ceiling(count, fraction):
    ladder = Ladder((Rung(1, (0,)), Rung(2, (0,))), (fraction,))
    assert ladder.places(0, count) == -(-count * round(fraction * 100) // 100)


def test_cost_counts_every_rung():
    # 64 x 100 + 16 x 300 x 2 + 4 x 1000 x 5
    assert LADDER.cost(64) == 6400 + 9600 + 20000


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Rung(0, (0,)), "0 steps"),
        (lambda: Rung(1, ()), "at least one"),
        (lambda: Rung(1, (2, 2)), "each once"),
        (lambda: Ladder((Rung(1, (0,)),), (0.5,)), "1 rungs have 1 keep fractions"),
        (lambda: Ladder((), ()), "rungs"),
        (lambda: Ladder((Rung(1, (0,)), Rung(2, (0,))), (0.0,)), r"in \(0, 1\]"),
        (lambda: Ladder((Rung(1, (0,)), Rung(2, (0,))), (1.5,)), r"in \(0, 1\]"),
        (lambda: Ladder((Rung(2, (0,)), Rung(1, (0, 1))), (0.5,)), "costs must rise"),
    ],
)
def test_bad_ladders_are_refused(build, message):
    with pytest.raises(SymlossError, match=message):
        build()


def test_those_that_climbed_keep_their_places() -> None:
    waiting = [Entry(f"{k}", 1, k / 100) for k in range(14)]
    # Sixteen in all have four places, of which two are taken; then five, and none.
    assert LADDER.promoted(0, waiting, climbed=2) == ["13", "12"]
    assert LADDER.promoted(0, waiting, climbed=5) == []
    assert LADDER.promoted(2, waiting, climbed=0) == []
