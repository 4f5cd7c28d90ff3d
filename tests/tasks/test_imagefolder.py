from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from symloss.errors import SymlossError
from symloss.tasks import TaskConfig, load_task
from symloss.tasks.imagefolder import load_imagefolder


def grey(value, height=9, width=10):
    return np.full((height, width), value, dtype=np.uint8)


def noise(seed, *shape):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_one_folder_a_class(images):
    root = images(
        {
            "b/2.png": grey(20),
            "b/1.png": grey(10),
            "a/deeper/3.PNG": grey(30),
            "a/x.png": grey(40),
            "a/notes.txt": b"no image",
            "a/.hidden.png": b"",
            ".cache/1.png": b"",
        }
    )
    samples = load_imagefolder(str(root))
    assert samples.inputs.shape == (4, 1, 9, 10)
    assert samples.inputs[:, 0, 0, 0].tolist() == [40, 30, 10, 20]
    assert samples.labels.tolist() == [0, 0, 1, 1]
    assert samples.classes == 2
    assert samples.test is None
    assert samples.range == (0, 255)


def test_order_and_pixels_are_those_of_torchvision(images):
    from torchvision.datasets import ImageFolder

    root = images({f"{c}/{sub}{i}.png": noise(i, 8, 11, 3) for c in "ba" for sub in ("", "z/", "B/") for i in (10, 9)})
    samples, reference = load_imagefolder(str(root)), ImageFolder(root)
    assert samples.labels.tolist() == reference.targets
    for found, (image, _) in zip(samples.inputs, reference, strict=True):
        assert np.array_equal(found.transpose(1, 2, 0), np.asarray(image))


def test_parts_for_training_and_testing(images):
    root = images(
        {
            f"{part}/{c}/{i}.png": grey(10 * i + k)
            for k, part in enumerate(("train", "test", "val"))
            for c in "ab"
            for i in range(3)
        }
    )
    samples = load_imagefolder(str(root))
    assert samples.inputs[:, 0, 0, 0].tolist() == [0, 10, 20] * 2
    assert samples.test[0][:, 0, 0, 0].tolist() == [1, 11, 21] * 2
    assert samples.test[1].tolist() == [0, 0, 0, 1, 1, 1]


def test_training_part_alone_gets_a_test_set_dealt_out(images, fresh):
    root = images({f"train/{c}/{i}.png": noise(i, 8, 8) for c in "ab" for i in range(20)})
    task = load_task(TaskConfig(dataset=f"imagefolder:{root}"))
    assert (len(task.labels), len(task.test_set()[1])) == (30, 10)


def test_test_set_does_not_depend_on_how_the_path_is_written(images, fresh, monkeypatch):
    root = images({f"{c}/{i}.png": noise(i, 8, 8) for c in "ab" for i in range(20)})
    monkeypatch.chdir(root.parent)
    one, other = (load_task(TaskConfig(dataset=f"imagefolder:{path}")) for path in (root, root.name))
    assert np.array_equal(one.test_set()[0], other.test_set()[0])


def test_class_may_be_called_train(images):
    root = images({"train/1.png": grey(1), "bus/1.png": grey(2)})
    assert load_imagefolder(str(root)).labels.tolist() == [0, 1]


def test_several_sizes_become_the_median_with_no_side_above_the_limit(images):
    sizes = [(100, 50), (120, 60), (300, 100)]
    root = images({f"a/{i}.png": grey(7, *size) for i, size in enumerate(sizes)} | {"b/1.png": grey(9, 120, 60)})
    samples = load_imagefolder(str(root))
    assert samples.inputs.shape == (4, 1, 64, 32)  # 120 x 60 reduced
    assert set(samples.inputs.ravel()) == {7, 9}
    small = images({"c/1.png": grey(1, 8, 8), "c/2.png": grey(1, 8, 10), "c/3.png": grey(1, 9, 10)})
    for name in "ab":
        for path in (small / name).iterdir():
            path.unlink()
        Image.fromarray(grey(3, 8, 10)).save(small / name / "1.png")
    assert load_imagefolder(str(small)).inputs.shape == (5, 1, 8, 10)


def test_one_size_stays(images):
    root = images({"a/1.png": grey(1, 100, 90), "b/1.png": grey(2, 100, 90)})
    assert load_imagefolder(str(root)).inputs.shape == (2, 1, 100, 90)


def test_resizing_averages(images):
    board = (np.indices((256, 256)).sum(0) % 2 * 255).astype(np.uint8)
    root = images({"a/1.png": board, "b/1.png": grey(1, 256, 256), "b/2.png": grey(1, 256, 255)})
    pixels = load_imagefolder(str(root)).inputs[0, 0]
    assert pixels.shape == (64, 64)
    assert np.all(np.abs(pixels.astype(float) - 127.5) < 3)


def test_colours(images):
    colour = noise(0, 8, 8, 3)
    transparent = np.dstack([colour, noise(1, 8, 8)])
    root = images({"a/1.png": colour, "a/2.png": transparent, "b/1.png": grey(5, 8, 8)})
    samples = load_imagefolder(str(root))
    assert samples.inputs.shape == (3, 3, 8, 8)
    for found in samples.inputs[:2]:
        assert np.array_equal(found, colour.transpose(2, 0, 1))
    assert set(samples.inputs[2].ravel()) == {5}


def test_grey_forms(images):
    deep = Image.fromarray(np.full((8, 8), 0x1234, dtype=np.uint16))
    bits = Image.fromarray(grey(255, 8, 8)).convert("1")
    alpha = Image.merge("LA", [Image.fromarray(grey(7, 8, 8)), Image.fromarray(grey(3, 8, 8))])
    root = images({"a/1.png": deep, "a/2.png": bits, "b/1.png": alpha, "b/2.png": grey(9, 8, 8)})
    assert load_imagefolder(str(root)).inputs[:, 0, 0, 0].tolist() == [0x12, 255, 7, 9]


@pytest.mark.parametrize(
    ("content", "part"),
    [(b"", "identify"), (b"no image at all", "identify"), ("half", "")],
)
def test_broken_image_is_named(images, content, part):
    root = images({"a/1.png": noise(0, 30, 30), "b/1.png": grey(0, 30, 30)})
    broken = root / "b" / "bad.png"
    broken.write_bytes((root / "a" / "1.png").read_bytes()[:500] if content == "half" else content)
    with pytest.raises(SymlossError, match=rf"cannot read the image .*{part}") as caught:
        load_imagefolder(str(root))
    assert str(broken) in str(caught.value)


def test_image_without_a_known_range_is_named(images):
    root = images({"a/1.png": grey(0), "b/1.tiff": Image.fromarray(np.zeros((9, 10), dtype=np.float32))})
    with pytest.raises(SymlossError, match=r"cannot read the image .*1.tiff: its mode F has no known range"):
        load_imagefolder(str(root))


def test_folders_that_are_no_dataset_are_refused(images, tmp_path):
    with pytest.raises(SymlossError, match=r"imagefolder:nowhere/at/all: there is no folder .*at/all"):
        load_imagefolder("nowhere/at/all")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SymlossError, match="at least 2 classes; it holds none"):
        load_imagefolder(str(tmp_path / "empty"))
    root = images({"cat/1.png": grey(0)})
    with pytest.raises(SymlossError, match="it holds only 'cat'"):
        load_imagefolder(str(root))
    (root / "dog").mkdir()
    with pytest.raises(SymlossError, match="dog holds no image"):
        load_imagefolder(str(root))


def test_test_folder_must_have_the_same_classes(images):
    root = images(
        {"train/a/1.png": grey(0), "train/b/1.png": grey(0), "test/a/1.png": grey(0), "test/c/1.png": grey(0)}
    )
    with pytest.raises(SymlossError, match=r"test must hold the classes of .*train: lacks b; has also c"):
        load_imagefolder(str(root))


def test_real_images(malaria, fresh):
    task = load_task(TaskConfig(dataset=f"imagefolder:{malaria}", model="cnn"))
    assert task.classes == 2
    assert task.shape == (1, 50, 50)
    assert (len(task.labels), len(task.test_set()[1])) == (6400, 1600)
    assert task.inputs.mean() == pytest.approx(0, abs=1e-4)
    assert task.network(0)[0].weight.shape[1] == 1
