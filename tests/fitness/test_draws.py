from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symloss.fitness.draws import batch_order, initial_weights


@given(
    st.integers(1, 60),
    st.integers(1, 50),
    st.integers(0, 30),
    st.integers(1, 30),
    st.integers(0, 30),
    st.integers(0, 9),
)
def test_order_of_a_range_is_a_piece_of_the_whole(size, batch, start, length, rest, seed):
    whole = batch_order(size, batch, 0, start + length + rest, seed)
    assert np.array_equal(batch_order(size, batch, start, start + length, seed), whole[start : start + length])


@given(st.integers(1, 60), st.integers(1, 50), st.integers(1, 5), st.integers(0, 9))
def test_each_epoch_uses_each_sample_once(size, batch, epochs, seed):
    steps = -(-size * epochs // batch)
    flat = batch_order(size, batch, 0, steps, seed).ravel()[: size * epochs]
    assert np.array_equal(np.sort(flat.reshape(epochs, size)), np.tile(np.arange(size), (epochs, 1)))


def test_orders_differ_between_epochs_and_seeds():
    first, second = batch_order(50, 50, 0, 2, 0)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, batch_order(50, 50, 0, 1, 1)[0])


def test_initial_weights_have_the_distribution_of_torch_linear():
    weights = initial_weights(64, 400, 10, 0)
    assert {name: array.shape for name, array in weights.items()} == {
        "w1": (400, 64),
        "b1": (400,),
        "w2": (10, 400),
        "b2": (10,),
    }
    for name, bound in (("w1", 1 / 8), ("b1", 1 / 8), ("w2", 1 / 20), ("b2", 1 / 20)):
        values = weights[name]
        assert values.dtype == np.float32
        assert np.abs(values).max() <= bound
        if values.size > 1000:
            assert np.abs(values).max() > 0.99 * bound
            assert values.mean() == pytest.approx(0, abs=0.05 * bound)
            assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)
    assert not np.array_equal(weights["w1"], initial_weights(64, 400, 10, 1)["w1"])
