"""Placing one image, and changing a batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from symloss.errors import SymlossError
from symloss.training import AUGMENTATIONS
from symloss.training.augment import augmented
from symloss.training.placing import Placing

random = np.random.default_rng(0)
NONE = np.empty(0)
shares = st.floats(0, 1, exclude_max=True)


def batch(size=4, channels=3, height=9, width=11):
    return torch.from_numpy(random.integers(0, 256, (size, channels, height, width), dtype=np.uint8))


def test_crop_flip_is_a_crop_of_the_padded_image():
    images, draws = batch(40), random.random((40, 3))
    found, _ = augmented("crop-flip", images, None, draws)
    for image, row, changed in zip(images.numpy(), draws, found.numpy(), strict=True):
        padded = np.pad(image, ((0, 0), (4, 4), (4, 4)))
        top, left = (int(9 * value) for value in row[1:])
        crop = padded[:, top : top + 9, left : left + 11]
        assert (changed == (crop[:, :, ::-1] if row[0] < 0.5 else crop)).all()


def test_paper_samples_a_zoomed_and_shifted_grid():
    images, draws = batch(20, 1), random.random((20, 5))
    found, _ = augmented("paper", images, None, draws)
    for image, row, changed in zip(images.numpy(), draws, found.numpy(), strict=True):
        coordinates = []
        for side, (zoom, shift), mirrored in ((9, row[[2, 4]], False), (11, row[[1, 3]], row[0] < 0.5)):
            middle = (side - 1) / 2
            offset = (np.arange(side) - middle) * (0.8 + 0.4 * zoom)
            coordinates.append(middle + (-offset if mirrored else offset) + side * (0.2 * shift - 0.1))
        grid = np.meshgrid(*coordinates, indexing="ij")
        expected = ndimage.map_coordinates(image[0].astype(float), grid, order=1, mode="nearest")
        assert changed[0] == pytest.approx(expected, abs=0.02)


def test_masks_are_mirrored_with_images():
    images, masks, draws = batch(8), torch.arange(99).view(1, 9, 11).repeat(8, 1, 1), np.linspace(0, 0.99, 8)[:, None]
    found, turned = augmented("flip", images, masks, draws)
    for place in range(8):
        expected = images[place].flip(-1) if place < 4 else images[place]
        assert torch.equal(found[place], expected)
        assert torch.equal(turned[place], masks[place].flip(-1) if place < 4 else masks[place])


@pytest.mark.parametrize("name", [name for name, entry in AUGMENTATIONS.items() if not entry.alone])
def test_an_image_does_not_depend_on_its_batch(name):
    images, draws = batch(6), random.random((6, 5))
    together, _ = augmented(name, images, None, draws)
    for place in range(6):
        alone, _ = augmented(name, images[place : place + 1], None, draws[place : place + 1])
        assert torch.equal(alone[0], together[place])


def ramp(height, width):
    """An image whose pixels say where they are."""
    rows, columns = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([rows, columns, 0 * rows], -1).astype(np.uint8))


@settings(max_examples=40)
@given(st.integers(20, 120), st.integers(20, 120), st.lists(shares, min_size=40, max_size=40))
def test_imagenet_cuts_a_part_of_the_image(height, width, draws):
    found, _ = Placing((16, 16), "imagenet", None, (0, 0, 0))(ramp(height, width), None, np.array(draws))
    rows, columns = found[0].float(), found[1].float()
    assert found.shape == (3, 16, 16)
    h, w = ((values[-1, -1] - values[0, 0]) * 16 / 15 for values in (rows, columns))
    assert 0.75 - 0.25 < (w + 1) / (h + 1) < 4 / 3 + 0.4
    assert (h + 2) * (w + 2) / (height * width) > 0.04
    assert (rows.diff(dim=0) >= 0).all()
    assert (columns.diff(dim=1) >= 0).all()


def test_imagenet_evaluates_the_middle():
    found, _ = Placing((56, 56), "imagenet", None, (0, 0, 0))(ramp(64, 128), None, NONE)
    assert found[0, [0, -1], 0].tolist() == [4, 59]
    assert found[1, 0, [0, -1]].tolist() == [36, 91]


def striped(height, width):
    mask = (np.arange(width) * 8 // width)[None].repeat(height, 0).astype(np.uint8)
    return Image.fromarray((30 * mask)[..., None].repeat(3, -1)), Image.fromarray(mask)


@settings(max_examples=40)
@given(
    st.integers(40, 90),
    st.integers(40, 90),
    st.one_of(st.just(NONE), st.lists(shares, min_size=3, max_size=3).map(np.array)),
)
def test_masks_stay_on_their_images(height, width, draws):
    image, mask = striped(height, width)
    found, classes = Placing((32, 40), "crop", 11, (7, 8, 9))(image, mask, draws)
    assert found.shape == (3, 32, 40)
    assert classes.shape == (32, 40)
    outside = classes == 11
    assert (found[:, outside] == torch.tensor([[7], [8], [9]])).all()
    # Resizing blurs the borders of stripes, by up to a pixel of the smaller image.
    agree = (found[0].float() - 30 * classes).abs()[~outside] <= 15
    assert agree.float().mean() > 0.7
    if not len(draws):
        scale = min(32 / height, 40 / width)
        assert (~outside).sum() == round(height * scale) * round(width * scale)


def test_images_of_one_size_are_kept_and_others_said():
    placing = Placing((9, 11), "keep", None, (0,))
    image = Image.fromarray(random.integers(0, 256, (9, 11), dtype=np.uint8))
    assert (placing(image, None, NONE)[0][0].numpy() == np.asarray(image)).all()
    with pytest.raises(SymlossError, match="such as 9x11 and 9x12"):
        placing(Image.fromarray(np.zeros((9, 12), np.uint8)), None, NONE)
