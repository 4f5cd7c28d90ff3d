from __future__ import annotations

import numpy as np
import pytest

from symloss.data import source_of
from symloss.errors import SymlossError
from symloss.tasks import TaskConfig, load_task
from symloss.training import Recipe
from symloss.training.parts import Parts


def files(**parts):
    """Names of images for the fixture: so many of each of two classes and part."""
    return {f"{part}/{name}/{i}": (8, 8) for part, count in parts.items() for name in "ab" for i in range(count)}


def test_without_official_parts_the_test_part_is_that_of_tasks():
    parts = Parts(Recipe("digits", "cnn"), 0)
    test = parts.test()
    task = load_task(TaskConfig("digits"))
    assert (test.labels == task.test_set()[1]).all()
    assert len(task.labels) == len(parts.train) + len(parts.validation)
    together = np.concatenate([parts.train.rows, parts.validation.rows, test.rows])
    assert sorted(together.tolist()) == list(range(1797))
    assert len(parts.validation) == round(0.1 * len(task.labels))


def test_held_out_images_are_spread_over_classes_and_keyed():
    one, other = (Parts(Recipe("digits", "cnn", validation=0.2, split_seed=seed), 0) for seed in (0, 1))
    share = np.bincount(one.validation.labels) / np.bincount(np.r_[one.validation.labels, one.train.labels])
    assert abs(share - 0.2).max() < 0.02
    assert set(one.validation.rows) != set(other.validation.rows)
    assert (one.validation.rows == Parts(Recipe("digits", "cnn", validation=0.2), 7).validation.rows).all()


def test_official_parts_are_kept(folder):
    parts = Parts(Recipe(folder(files(train=10, val=3, test=4)), "cnn"), 0)
    assert (len(parts.train), len(parts.validation), len(parts.test())) == (20, 6, 8)


def test_without_a_test_part_the_validation_part_is_it(folder):
    name = folder(files(train=10, val=3))
    parts = Parts(Recipe(name, "cnn", validation=0.3), 0)
    assert (len(parts.train), len(parts.validation), len(parts.test())) == (14, 6, 6)
    assert parts.test().data.paths[0] == source_of(name).open("val").paths[0]
    assert parts.validation.data is parts.train.data


def test_noise_is_of_training_labels_alone_and_of_the_seed():
    clean = Parts(Recipe("digits", "cnn"), 3)
    noisy, again, other = (Parts(Recipe("digits", "cnn", label_noise=0.4), seed) for seed in (3, 3, 4))
    wrong = noisy.train.labels != clean.train.labels
    assert 0.35 < wrong.mean() < 0.45
    assert (noisy.train.labels == again.train.labels).all()
    assert (noisy.train.labels != other.train.labels).mean() > 0.3
    for part, plain in ((noisy.validation, clean.validation), (noisy.test(), clean.test())):
        assert (part.labels == plain.labels).all()
    fewer = Parts(Recipe("digits", "cnn", label_noise=0.4, images=300), 3)
    labels = dict(zip(noisy.train.rows, noisy.train.labels, strict=True))
    assert all(labels[row] == label for row, label in zip(fewer.train.rows, fewer.train.labels, strict=True))


@pytest.mark.parametrize("images", [2, 57, 300])
def test_a_limit_is_exact_and_spread(images):
    parts = Parts(Recipe("digits", "cnn", images=images), 0)
    test = parts.test()
    assert (len(parts.train), len(parts.validation), len(test)) == (images, min(images, 135), min(images, 450))
    counts = np.bincount(parts.train.labels, minlength=10)
    assert counts.max() - counts.min() <= 2


def test_masks_have_no_noisy_labels(streets):
    with pytest.raises(SymlossError, match="masks have no labels"):
        Recipe("camvid", "unet", label_noise=0.1)
    parts = Parts(Recipe("camvid", "unet"), 0)
    assert (len(parts.train), len(parts.validation), len(parts.test())) == (12, 4, 6)
    assert (parts.classes, parts.ignore_index, parts.train.labels) == (11, 11, None)


def test_a_share_that_leaves_nothing_is_said(folder):
    with pytest.raises(SymlossError, match="leaves 0 to train on"):
        Parts(Recipe(folder(files(train=2, test=1)), "cnn", validation=0.99), 0)
