from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from symloss.training.draws import epoch_batches, steps_of, uniforms

MASK = (1 << 64) - 1


def splitmix(seed, steps):
    """The published generator, one number after another, in Python's own integers."""
    state = seed
    for _ in range(steps):
        state = (state + 0x9E3779B97F4A7C15) & MASK
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return (z ^ (z >> 31)) >> 11


def test_splitmix_is_the_published_one():
    # The first output of the reference implementation for the seed 1234567 (Vigna, prng.di.unimi.it).
    assert splitmix(1234567, 1) == 6457827717110365317 >> 11


def test_draws_are_splitmix_at_a_place(monkeypatch):
    monkeypatch.setattr("symloss.training.draws.keyed_seed", lambda *key: 1234567)
    found = uniforms(0, 0, np.array([3]), 2)[0]
    assert found.tolist() == [splitmix(1234567, 64 * 3 + k + 1) / 2**53 for k in range(2)]


@given(st.integers(0, 9), st.integers(0, 9), st.lists(st.integers(0, 10**6), min_size=1, max_size=8, unique=True))
def test_an_images_draws_do_not_depend_on_its_neighbours(seed, epoch, images):
    together = uniforms(seed, epoch, np.array(images), 5)
    for row, image in zip(together, images, strict=True):
        assert (uniforms(seed, epoch, np.array([image]), 5)[0] == row).all()


def test_draws_are_uniform_and_differ_by_key():
    found = uniforms(0, 0, np.arange(4000), 3)
    assert stats.kstest(found.ravel(), "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(found.T) - np.eye(3)).max() < 0.06
    for other in (uniforms(1, 0, np.arange(4000), 3), uniforms(0, 1, np.arange(4000), 3)):
        assert abs(np.corrcoef(found.ravel(), other.ravel())[0, 1]) < 0.04


@given(st.integers(1, 300), st.integers(1, 40), st.one_of(st.none(), st.integers(1, 9)), st.integers(0, 3))
def test_batches_are_a_permutation_cut(size, batch, limit, epoch):
    batches = epoch_batches(size, batch, limit, 0, epoch)
    taken = np.concatenate(batches)
    assert len(batches) == steps_of(size, batch, limit)
    assert len(set(taken.tolist())) == len(taken)
    assert all(len(part) == batch for part in batches[:-1])
    if limit is None:
        left = size - len(taken)
        assert left == 0 or (left < batch / 4 and len(batches) == size // batch)


def test_each_epoch_has_an_order_of_its_own():
    first, again, other = (np.concatenate(epoch_batches(100, 10, None, 0, epoch)) for epoch in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).mean() > 0.9


@pytest.mark.parametrize(("rest", "kept"), [(24, False), (25, True)])
def test_a_small_rest_is_left_out(rest, kept):
    assert steps_of(200 + rest, 100, None) == 2 + kept


def test_a_rest_of_too_few_images_is_left_out():
    assert [steps_of(12 + rest, 6, None, 4) for rest in (3, 4)] == [2, 3]
    assert [len(part) for part in epoch_batches(15, 6, None, 0, 0, 4)] == [6, 6]
