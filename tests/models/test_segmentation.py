"""Networks that give every pixel a class."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torchvision.models.segmentation import deeplabv3_resnet50

from symloss.errors import SymlossError
from symloss.models import Outputs, build


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


@given(
    st.integers(1, 4), st.integers(16, 70), st.integers(16, 70), st.integers(1, 5), st.sampled_from(["batch", "group"])
)
@settings(max_examples=10)
def test_unet_takes_any_image(channels, height, width, classes, norm):
    network = build(f"unet(width=2, norm={norm})", (channels, height, width), classes, 0)
    images = torch.randn(2, channels, height, width, generator=torch.Generator().manual_seed(0))
    logits = network(images)
    assert logits.shape == (2, classes, height, width)
    logits.square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert network.eval()(images).isfinite().all()


def test_unet_with_odd_sides_of_a_full_width(meta):
    network = build("unet", (3, 45, 61), 4, 0)
    for mode in (True, False):
        assert network.train(mode)(torch.empty(2, 3, 45, 61)).shape == (2, 4, 45, 61)


def test_unet_has_the_parameters_of_the_paper(meta):
    """Counted by hand: 3x3 convolutions without bias, two numbers a normalised channel, 2x2 ones with bias on the way
    up, and the last 1x1 one."""

    def block(inputs, outputs):
        return 9 * inputs * outputs + 9 * outputs * outputs + 4 * outputs

    width = [64, 128, 256, 512, 1024]
    down = block(1, 64) + sum(block(a, b) for a, b in pairwise(width))
    up = sum(4 * b * a + a + block(2 * a, a) for a, b in pairwise(width))
    assert count(build("unet(width=64)", (1, 64, 64), 2, 0)) == down + up + 64 * 2 + 2
    assert count(build("unet(width=64, norm=group)", (1, 64, 64), 2, 0)) == down + up + 64 * 2 + 2


def test_unet_depth_and_norm(meta):
    network = build("unet(width=12, depth=2, norm=group)", (1, 9, 5), 3, 0)
    assert [m.out_channels for m in network.modules() if isinstance(m, nn.ConvTranspose2d)] == [24, 12]
    assert {m.num_groups for m in network.modules() if isinstance(m, nn.GroupNorm)} == {4, 8}
    assert not any(isinstance(m, nn.BatchNorm2d) for m in network.modules())
    assert network(torch.empty(1, 1, 9, 5)).shape == (1, 3, 9, 5)


def test_unet_keeps_places():
    """A change in one corner of a large image leaves the logits of the far corner alone, and moves those near it."""
    network = build("unet(width=4, depth=2)", (1, 101, 83), 2, 0).eval()
    images = torch.zeros(1, 1, 101, 83)
    changed = images.clone()
    changed[..., :4, :4] = 5
    with torch.no_grad():
        moved = (network(changed) - network(images)).abs().amax(1)[0]
    assert moved[:4, :4].min() > 0
    assert moved[60:, :].max() == moved[:, 60:].max() == 0


@pytest.mark.parametrize("aux", [False, True])
def test_deeplab_is_torchvisions(meta, aux):
    network = build(f"deeplabv3-resnet50(aux={aux})", (1, 37, 64), 5, 0)
    plain = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=5, aux_loss=aux)
    assert count(network) == count(plain)
    images = torch.empty(2, 1, 37, 64)
    found = network(images)
    assert isinstance(found, Outputs) is aux
    if aux:
        assert found.aux.shape == found.logits.shape == (2, 5, 37, 64)
        assert found.aux_weight == 0.5
    logits = network.eval()(images)
    assert isinstance(logits, torch.Tensor)
    assert logits.shape == (2, 5, 37, 64)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("unet", (3, 15, 40), "at least 16x16 pixels; these have 15x40: resize them, or choose another network"),
        ("unet(depth=6)", (3, 63, 64), "at least 64x64 pixels"),
        ("unet", (3, 64), "needs images of"),
        ("deeplabv3-resnet50", (3, 31, 64), "at least 32x32 pixels"),
        ("deeplabv3-resnet50", (4, 64, 64), "of 3 channels, or of 1"),
    ],
)
def test_images_that_do_not_fit_are_refused(name, shape, message):
    with pytest.raises(SymlossError, match=message):
        build(name, shape, 3, 0)
