"""Keeping what is trained apart."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from symloss.search.spacing import NEAR, Spacing


def units(count: int, seed: int) -> np.ndarray:
    """Return unit vectors of a plane, many of them near to each other."""
    angles = np.random.default_rng(seed).uniform(0, 20 * NEAR, count)
    return np.stack([np.cos(angles), np.sin(angles)], 1)


@given(st.integers(1, 40), st.integers(0, 10), st.integers(0, 10**6))
def test_what_is_picked_is_apart_and_what_is_not_is_near_to_something(count: int, known: int, seed: int) -> None:
    pool, trained = units(count, seed), units(known, seed + 1)
    order = np.random.default_rng(seed).permutation(count).tolist()
    picked = Spacing(list(pool), list(trained)).pick(order)
    kept = np.concatenate([trained, pool[picked]])
    for number, place in enumerate(picked):
        assert (np.linalg.norm(kept[: known + number] - pool[place], axis=1) >= NEAR * (1 - 1e-9)).all()
    for place in set(range(count)) - set(picked):
        before = [one for one in picked if order.index(one) < order.index(place)]
        near = np.concatenate([trained, pool[before]])
        assert (np.linalg.norm(near - pool[place], axis=1) < NEAR * (1 + 1e-9)).any()


def test_a_later_pick_is_apart_from_an_earlier_one() -> None:
    pool = [np.array([1.0, 0.0]), np.array([1.0, 0.5 * NEAR]), np.array([0.0, 1.0]), np.array([0.0, -1.0])]
    spacing = Spacing(pool, [])
    assert spacing.pick([3, 0, 2], 2) == [3, 0]
    assert spacing.pick(range(4)) == [2]


def test_where_nearness_does_not_matter_each_is_picked_once() -> None:
    spacing = Spacing([np.array([1.0, 0.0])] * 3, None)
    assert spacing.pick([1]) == [1]
    assert spacing.pick(range(3)) == [0, 2]


def test_an_empty_pool() -> None:
    assert Spacing([], [np.array([1.0, 0.0])]).pick([]) == []
