from __future__ import annotations

import hashlib
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from symloss.errors import SymlossError
from symloss.tasks import TaskConfig, initial_weights, load_task


@pytest.fixture(scope="module")
def task():
    return load_task(TaskConfig(scaling="unit"))


def test_pool_and_test_set_partition_the_data(task):
    test_inputs, test_labels = task.test_set()
    rows = np.concatenate([task.inputs, test_inputs])
    labels = np.concatenate([task.labels, test_labels])
    original = load_digits()

    def sorted_rows(inputs, targets):
        flat = np.round(16 * inputs).reshape(len(inputs), -1)
        return sorted(map(tuple, np.column_stack([flat, targets]).astype(int)))

    assert sorted_rows(rows, labels) == sorted_rows(original.data / 16, original.target)
    assert len(test_labels) == pytest.approx(1797 / 4, abs=1)


def test_test_set_is_stratified_and_the_same_for_every_configuration(task):
    counts = np.bincount(task.test_set()[1]) / np.bincount(np.concatenate([task.labels, task.test_set()[1]]))
    assert np.all(np.abs(counts - 0.25) < 0.01)
    other = load_task(TaskConfig(scaling="unit", label_noise=0.4, hidden=8))
    assert np.array_equal(other.test_set()[0], task.test_set()[0])


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_five_seeds_use_each_sample_as_validation_exactly_once(block):
    task = load_task(TaskConfig())
    splits = [task.split(seed) for seed in range(5 * block, 5 * block + 5)]
    assert np.array_equal(np.sort(np.concatenate([s.validation for s in splits])), np.arange(len(task.labels)))
    for split in splits:
        together = np.concatenate([split.train, split.validation])
        assert np.array_equal(np.sort(together), np.arange(len(task.labels)))
    sizes = [len(s.validation) for s in splits]
    assert max(sizes) - min(sizes) <= 1
    counts = np.array([np.bincount(task.labels[s.validation], minlength=10) for s in splits])
    assert np.all(np.ptp(counts, axis=0) <= 1)  # stratified


def test_blocks_of_seeds_are_different_partitions(task):
    assert not np.array_equal(task.split(0).validation, task.split(5).validation)
    assert np.array_equal(task.split(3).validation, task.split(3).validation)


def test_no_noise_leaves_the_labels(task):
    split = task.split(11)
    assert np.array_equal(split.train_labels, task.labels[split.train])


@pytest.mark.parametrize("noise", [0.1, 0.4, 0.9])
def test_noise_replaces_the_given_share_by_another_class_drawn_uniformly(noise):
    task = load_task(TaskConfig(label_noise=noise))
    wrong, shifts, total = 0, np.zeros(10), 0
    for seed in range(40):
        split = task.split(seed)
        clean = task.labels[split.train]
        wrong += np.sum(split.train_labels != clean)
        total += len(clean)
        shifts += np.bincount((split.train_labels - clean) % 10, minlength=10)
    assert wrong / total == pytest.approx(noise, abs=5 * np.sqrt(noise * (1 - noise) / total))
    assert shifts[1:] / wrong == pytest.approx(np.full(9, 1 / 9), abs=5 / np.sqrt(9 * wrong))


def test_noise_differs_between_seeds_and_grows_with_the_level():
    low, high = load_task(TaskConfig(label_noise=0.2)), load_task(TaskConfig(label_noise=0.5))
    clean = low.labels[low.split(0).train]
    noisy_low, noisy_high = low.split(0).train_labels, high.split(0).train_labels
    flipped = noisy_low != clean
    assert np.array_equal(noisy_low[flipped], noisy_high[flipped])
    assert not np.array_equal(low.split(0).train_labels, load_task(low.config).split(5).train_labels)
    assert np.sum(noisy_high != clean) > np.sum(flipped)


def test_standard_scaling_uses_the_pool_alone():
    task, raw = load_task(TaskConfig(scaling="standard")), load_task(TaskConfig(scaling="unit"))
    assert task.inputs.dtype == np.float32
    assert task.inputs.mean() == pytest.approx(0, abs=1e-5)
    assert task.inputs.std() == pytest.approx(1, abs=1e-5)
    expected = (raw.test_set()[0] - raw.inputs.mean()) / raw.inputs.std()
    assert task.test_set()[0] == pytest.approx(expected, abs=1e-5)


def test_shared_arrays_cannot_be_changed(task):
    with pytest.raises(ValueError, match="read-only"):
        task.inputs[0, 0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        task.test_set()[1][0] = 1


def test_equal_configurations_share_one_task():
    assert load_task(TaskConfig(hidden=7)) is load_task(TaskConfig(hidden=7))


def test_tasks_on_one_dataset_share_its_data():
    one, other = load_task(TaskConfig(hidden=7)), load_task(TaskConfig(label_noise=0.3, train_size=200))
    assert one.inputs is other.inputs
    assert one.test_set()[0] is other.test_set()[0]


def test_pickled_task_is_its_configuration():
    task = load_task(TaskConfig(label_noise=0.3))
    text = pickle.dumps(task)
    assert len(text) < 1000
    assert pickle.loads(text) is task


def test_shape_of_images(task):
    assert task.shape == (1, 8, 8)
    assert task.features == 64
    assert task.inputs.shape == (len(task.labels), 1, 8, 8)
    assert task.test_set()[0].shape[1:] == (1, 8, 8)


# Stored results stand for these draws: a change here makes them worthless.
_DRAWS = {
    0: ("9b50022e7d7af87e", "58921e5d9cdfc664", "ddf1b51f32c18c22"),
    3: ("1db4c7ce2bef7485", "a5f75167b85a5438", "85c3b349d3691a58"),
    5: ("c3e3ed81be63c167", "c14cbaf81a7155c2", "1436af05440c2476"),
    5004: ("e03cfb42114afb2d", "66a879d58ebc3b66", "d92d6ecba3d7a376"),
}


def test_draws_on_the_digits_stay_what_they_are():
    task = load_task(TaskConfig(label_noise=0.4))

    def digest(array):
        return hashlib.blake2b(array.astype("<i8").tobytes(), digest_size=8).hexdigest()

    assert digest(task.labels) == "3e7678a8c43a1cb0"
    for seed, expected in _DRAWS.items():
        split = task.split(seed)
        assert (digest(split.train), digest(split.validation), digest(split.train_labels)) == expected
    weights = b"".join(value.tobytes() for value in initial_weights(64, 64, 10, 3).values())
    assert hashlib.blake2b(weights, digest_size=8).hexdigest() == "dfc7b78a5fe18d68"


def test_class_with_one_sample_is_refused(module):
    name = module(
        """
import numpy as np

def lone():
    labels = np.array([0] * 20 + [1] * 20 + [2])
    return np.random.default_rng(0).random((41, 4)), labels

def official():
    inputs, labels = lone()
    return inputs, labels, inputs, labels
"""
    )
    for factory in ("lone", "official"):
        with pytest.raises(SymlossError, match=r"class 2 of the dataset .* has [01] samples beside the test set"):
            load_task(TaskConfig(dataset=f"{name}:{factory}"))
