from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from symloss.errors import SymlossError
from symloss.tasks import TaskConfig, load_task
from symloss.tasks.conditions import class_counts, kept, noisy_labels

available = st.lists(st.integers(1, 300), min_size=2, max_size=12).map(np.array)


@given(available, st.integers(1, 2000))
def test_size_without_imbalance_is_exact_and_in_proportion(have, size):
    assume(len(have) <= size <= have.sum())
    counts = class_counts(have, size, 1.0)
    assert counts.sum() == size
    assert counts.min() >= 1
    assert np.all(counts <= have)
    # Whoever had a share below 1 took at most 1 from the others.
    assert np.all(np.abs(counts - have * size / have.sum()) <= 1 + np.sum(have * size / have.sum() < 1))


@given(available, st.floats(0.01, 0.99))
def test_imbalance_follows_the_exponential_profile_as_far_as_samples_reach(have, imbalance):
    profile = imbalance ** (np.arange(len(have)) / (len(have) - 1))
    first = (have / profile).min()
    assume(first * imbalance > 0.51)
    counts = class_counts(have, None, imbalance)
    assert np.all(counts <= have)
    assert np.all(np.abs(counts - first * profile) <= 0.5 + 1e-9)
    assert np.any(counts == have)  # not one sample more is to be had


@given(available, st.floats(0.01, 0.99), st.integers(2, 1000))
def test_size_with_imbalance_keeps_the_profile(have, imbalance, size):
    profile = imbalance ** (np.arange(len(have)) / (len(have) - 1))
    shares = size * profile / profile.sum()
    assume(size >= len(have) and shares[-1] > 0.51 and np.all(shares <= have))
    counts = class_counts(have, size, imbalance)
    assert counts.sum() == size
    assert np.all(counts <= have)
    assert np.all(np.abs(counts - shares) < 1)


def test_profile_of_a_published_benchmark():
    # Long-tailed CIFAR-10 at 100:1 as Cui et al. (2019) and Cao et al. (2019) count it; they cut where we round.
    published = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    counts = class_counts(np.full(10, 5000), None, 0.01)
    assert np.all((counts - published >= 0) & (counts - published <= 1))


@pytest.mark.parametrize(
    ("have", "size", "imbalance", "message"),
    [
        ([5, 0, 5], None, 1.0, "class 1 has no sample in the training part"),
        ([50, 50], 101, 1.0, "train_size is 101; the training part of a split has 100 samples: take fewer"),
        ([50, 50], 60, 0.1, "train_size is 60; .* has 100 samples, 55 with imbalance 0.1"),
        ([50, 50, 50], 2, 1.0, "train_size is 2; it must be at least 3, one sample of each class"),
        (
            [50, 50],
            None,
            0.001,
            "imbalance is 0.001, which leaves class 1 without .* beside 50 of class 0; .* 0.01 here",
        ),
        ([50, 50], 10, 0.02, "train_size 10 with imbalance 0.02 leaves class 1 without .* at least 26 then"),
    ],
)
def test_conditions_that_cannot_be_met_are_refused(have, size, imbalance, message):
    with pytest.raises(SymlossError, match=message):
        class_counts(np.array(have), size, imbalance)


def test_advice_of_the_messages_can_be_followed():
    assert class_counts(np.array([50, 50]), None, 0.011).tolist() == [50, 1]
    assert class_counts(np.array([50, 50]), 26, 0.02).tolist() == [25, 1]


def test_smaller_sets_are_parts_of_larger_ones_and_differ_between_seeds():
    labels = np.repeat(np.arange(3), 40)
    small, large = (kept(labels, np.array(counts), 0) for counts in ([5, 6, 7], [10, 6, 40]))
    assert set(small) <= set(large)
    assert np.bincount(labels[small]).tolist() == [5, 6, 7]
    assert np.all(np.diff(large) > 0)
    assert set(small) != set(kept(labels, np.array([5, 6, 7]), 1))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_asymmetric_noise_names_the_next_class(share):
    labels = np.random.default_rng(0).integers(0, 7, 20_000)
    found = noisy_labels(labels, 7, share, "asymmetric", 3)
    wrong = found != labels
    assert wrong.mean() == pytest.approx(share, abs=0.02)
    assert np.array_equal(found[wrong], (labels[wrong] + 1) % 7)
    assert np.array_equal(wrong, noisy_labels(labels, 7, share, "symmetric", 3) != labels)  # the same samples


@pytest.fixture(scope="module")
def plain():
    return load_task(TaskConfig())


def test_split_under_conditions(plain):
    task = load_task(TaskConfig(train_size=300, imbalance=0.1, label_noise=0.5))
    for seed in (0, 7):
        split, whole = task.split(seed), plain.split(seed)
        assert np.array_equal(split.validation, whole.validation)
        assert set(split.train) <= set(whole.train)
        assert np.all(np.diff(split.train) > 0)
        counts = np.bincount(task.labels[split.train])
        assert counts.sum() == len(split.train_labels) == 300
        assert counts[-1] / counts[0] == pytest.approx(0.1, abs=0.02)
        # The noise is that of the whole training part, restricted to what was kept.
        noisy = load_task(TaskConfig(label_noise=0.5)).split(seed)
        position = np.searchsorted(noisy.train, split.train)
        assert np.array_equal(split.train_labels, noisy.train_labels[position])
    assert np.array_equal(task.test_set()[0], plain.test_set()[0])


def test_imbalance_alone_counts_what_the_training_part_has(plain):
    for seed in range(5):
        have = np.bincount(plain.labels[plain.split(seed).train])
        found = load_task(TaskConfig(imbalance=0.5)).split(seed).train
        assert np.array_equal(np.bincount(plain.labels[found]), class_counts(have, None, 0.5))
        assert abs(len(found) / have[0] - np.sum(0.5 ** (np.arange(10) / 9))) < 0.3


def test_conditions_that_digits_cannot_meet_are_refused_when_the_task_is_loaded():
    with pytest.raises(SymlossError, match="train_size is 2000; the training part"):
        load_task(TaskConfig(train_size=2000))
    with pytest.raises(SymlossError, match=r"imbalance is 0.0001"):
        load_task(TaskConfig(imbalance=1e-4))
