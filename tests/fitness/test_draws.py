from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from symloss.fitness.draws import batch_order


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
