"""torchvision's classifiers are torchvision's, for any number of classes, with the paper's head where asked for."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from symloss.errors import SymlossError
from symloss.models import MODELS, Outputs, build, outputs_of

# By name: torchvision's function, the features that its classifier gets, and the side of small images that it takes.
ZOO = {
    "resnet18": ("resnet18", 512, 8),
    "resnet50": ("resnet50", 2048, 8),
    "resnet101": ("resnet101", 2048, 8),
    "inception-v3": ("inception_v3", 2048, 75),
    "densenet121": ("densenet121", 1024, 32),
    "efficientnet-b0": ("efficientnet_b0", 1280, 32),
    "convnext-tiny": ("convnext_tiny", 768, 32),
    "vit-b-16": ("vit_b_16", 768, 32),
    "swin-t": ("swin_t", 768, 32),
}
CLASSES = 7


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def torchvisions(name, side, **options):
    function = getattr(torchvision.models, ZOO[name][0])
    if name == "inception-v3":
        options = {"init_weights": True, "aux_logits": False} | options
    if name == "vit-b-16":
        options |= {"image_size": side}
    return function(weights=None, num_classes=CLASSES, **options)


def test_the_zoo_is_complete():
    others = {"mlp", "cnn", "unet", "deeplabv3-resnet50"}
    assert set(ZOO) == set(MODELS) - others


@pytest.mark.parametrize("name", ZOO)
def test_parameters_and_shapes_are_torchvisions(meta, name):
    side = ZOO[name][2]
    network = build(name, (3, side, side), CLASSES, 0)
    expected = torchvisions(name, side)
    found = {key.removeprefix("network."): value.shape for key, value in network.state_dict().items()}
    assert found == {key: value.shape for key, value in expected.state_dict().items()}
    assert count(network) == count(expected)
    assert network.training
    for mode in (True, False):
        logits = network.train(mode)(torch.empty(2, 3, side, side))
        assert logits.shape == (2, CLASSES)


@pytest.mark.parametrize("name", ZOO)
def test_the_papers_head_replaces_the_classifier(meta, name):
    _, features, side = ZOO[name]
    network = build(f"{name}(head=paper)", (3, side, side), CLASSES, 0)
    head = next(m for m in network.modules() if isinstance(m, nn.Sequential) and isinstance(m[0], nn.BatchNorm1d))
    found = [
        getattr(layer, {nn.Linear: "out_features", nn.Dropout: "p"}.get(type(layer), "num_features"), None)
        for layer in head
    ]
    assert [type(layer) for layer in head] == [
        nn.BatchNorm1d, nn.Linear, nn.ReLU, nn.Dropout,
        nn.BatchNorm1d, nn.Linear, nn.ReLU, nn.Dropout,
        nn.BatchNorm1d, nn.Linear,
    ]  # fmt: skip
    assert found == [features, 128, None, 0.5, 128, 64, None, 0.5, 64, CLASSES]
    own = count(torchvisions(name, side))
    # ConvNeXt's classifier has a normalisation of its own before the linear layer.
    top = features * CLASSES + CLASSES + (2 * features if name == "convnext-tiny" else 0)
    assert count(network) == own - top + count(head)
    for mode in (True, False):
        assert network.train(mode)(torch.empty(2, 3, side, side)).shape == (2, CLASSES)
    left = [m for m in network.modules() if isinstance(m, nn.Dropout) and not any(m is layer for layer in head)]
    assert all(dropout.p == 0 for dropout in left)  # none but the head's


@pytest.mark.parametrize("name", ["resnet18", "densenet121"])
def test_the_papers_head_sees_global_maxima_of_the_feature_maps(name):
    side = 40
    network = build(f"{name}(head=paper)", (3, side, side), CLASSES, 2).eval()
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    plain = torchvisions(name, side)
    weights = {key.removeprefix("network."): value for key, value in network.state_dict().items()}
    if name == "densenet121":
        weights = {key.replace("0.", "features.", 1): value for key, value in weights.items() if key[0] == "0"}
    missing, _ = plain.load_state_dict(weights, strict=False)
    assert {key.split(".")[0] for key in missing} <= {"fc", "classifier"}
    kept = {}
    last = plain.layer4 if name == "resnet18" else plain.features
    last.register_forward_hook(lambda module, args, output: kept.update(maps=output.detach().relu()))
    seen = {}
    head = next(m for m in network.modules() if isinstance(m, nn.Sequential) and isinstance(m[0], nn.BatchNorm1d))
    head[0].register_forward_hook(lambda module, args, output: seen.update(inputs=args[0]))
    with torch.no_grad():
        plain.eval()(images)
        network(images)
    assert torch.allclose(seen["inputs"], kept["maps"].flatten(2).max(2).values, atol=1e-6)
    assert seen["inputs"].std() > 0


def test_linear_networks_compute_what_torchvisions_do():
    network = build("resnet18", (3, 16, 16), CLASSES, 1).eval()
    plain = torchvisions("resnet18", 16)
    plain.load_state_dict(network.network.state_dict())
    images = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(network(images), plain.eval()(images))


def test_images_are_upsampled_by_the_nearest_neighbour_and_grey_is_repeated():
    images = torch.randn(2, 1, 9, 11, generator=torch.Generator().manual_seed(0))
    grey = build("resnet18(upsample=3)", (1, 9, 11), CLASSES, 3).eval()
    colour = build("resnet18", (3, 72, 88), CLASSES, 3).eval()
    assert torch.equal(grey.network.conv1.weight, colour.network.conv1.weight)
    larger = images
    for _ in range(3):
        larger = larger.repeat_interleave(2, 2).repeat_interleave(2, 3)
    with torch.no_grad():
        assert torch.allclose(grey(images), colour(larger.repeat(1, 3, 1, 1)), atol=1e-6)
        assert not torch.allclose(grey(images), grey(images.flip(3)), atol=1e-3)


def test_group_norm_replaces_every_batch_norm(meta):
    network = build("resnet50(norm=group)", (3, 32, 32), CLASSES, 0)
    plain = torchvisions("resnet50", 32)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in network.modules())
    groups = [m for m in network.modules() if isinstance(m, nn.GroupNorm)]
    assert len(groups) == sum(isinstance(m, nn.BatchNorm2d) for m in plain.modules())
    assert {m.num_groups for m in groups} == {32}
    assert count(network) == count(plain)
    assert network(torch.empty(1, 3, 32, 32)).shape == (1, CLASSES)  # also a batch of one


@pytest.mark.parametrize(
    ("name", "default"),
    [("inception-v3", 0.5), ("efficientnet-b0", 0.2), ("densenet121", 0.0), ("vit-b-16", 0.0), ("swin-t", 0.0)],
)
def test_dropout_is_set(meta, name, default):
    side = ZOO[name][2]

    def probabilities(spelled):
        network = build(spelled, (3, side, side), CLASSES, 0)
        drops = {m.p for m in network.modules() if isinstance(m, nn.Dropout)}
        return drops | {m.drop_rate for m in network.modules() if hasattr(m, "drop_rate")}

    assert probabilities(name) == {default}
    assert 0.3 in probabilities(f"{name}(dropout=0.3)")
    assert default not in probabilities(f"{name}(dropout=0.3)")


@pytest.mark.parametrize("head", ["linear", "paper"])
def test_inception_trains_with_its_auxiliary_head(meta, head):
    name = f"inception-v3(aux=true, head={head})"
    network, images = build(name, (1, 299, 299), CLASSES, 0), torch.empty(2, 1, 299, 299)
    found = network(images)
    assert isinstance(found, Outputs)
    assert found.logits.shape == found.aux.shape == (2, CLASSES)
    assert found.aux_weight == 0.4
    assert outputs_of(found) is found
    logits = network.eval()(images)
    assert isinstance(logits, torch.Tensor)
    assert logits.shape == (2, CLASSES)
    if head == "linear":
        assert count(network) == count(torchvisions("inception-v3", 299, aux_logits=True))


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("inception-v3", (3, 32, 32), "at least 75x75 pixels; these have 32x32: upsample=2 makes 128x128 of them"),
        ("inception-v3(upsample=1)", (1, 28, 28), "these have, up-sampled from 28x28, 56x56: upsample=2 makes 112x112"),
        (
            "inception-v3(aux=true, upsample=3)",
            (3, 32, 32),
            "at least 299x299 pixels.*256x256: upsample=4 makes 512x512",
        ),
        ("vit-b-16", (3, 28, 28), "divisible by 16, as high as wide; these have 28x28: upsample=2 makes 112x112"),
        ("vit-b-16", (3, 32, 48), "as high as wide; these have 32x48: resize them, or choose another network"),
        ("vit-b-16", (3, 33, 33), "divisible by 16.*: upsample=4 makes 528x528"),
        ("densenet121", (3, 31, 64), "at least 32x32 pixels; these have 31x64"),
        ("efficientnet-b0", (3, 8, 8), "at least 32x32 pixels"),
        ("convnext-tiny", (3, 16, 16), "at least 32x32 pixels"),
        ("swin-t", (3, 28, 28), "at least 32x32 pixels"),
        ("resnet18", (3, 7, 9), "at least 8x8 pixels"),
        ("resnet18", (2, 32, 32), r"needs images of 3 channels, or of 1, .*have the shape \(2, 32, 32\)$"),
        ("resnet18", (32, 32, 3), "bring channels first, where they are last"),
        ("swin-t", (64,), r"needs images of \(channels, height, width\).*the shape \(64,\): choose 'mlp'"),
    ],
)
def test_images_that_do_not_fit_are_refused_before_anything_is_built(monkeypatch, name, shape, message):
    for function, _, _ in ZOO.values():
        monkeypatch.setattr(torchvision.models, function, lambda **_: pytest.fail("was built"))
    with pytest.raises(SymlossError, match=message):
        build(name, shape, CLASSES, 0)


@pytest.mark.parametrize(("name", "shape", "remedy"), [("inception-v3", (3, 32, 32), 2), ("vit-b-16", (1, 28, 28), 2)])
def test_the_remedy_works(meta, name, shape, remedy):
    network = build(f"{name}(upsample={remedy})", shape, CLASSES, 0)
    assert network(torch.empty(2, *shape)).shape == (2, CLASSES)
