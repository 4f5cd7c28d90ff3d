from __future__ import annotations

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from symloss import models
from symloss.codegen.gradients import scale_of
from symloss.errors import SymlossError
from symloss.formula import parse_formula
from symloss.losses import find
from symloss.training import Recipe, fit, key_of, loading
from symloss.training.draws import epoch_batches
from symloss.training.parts import Parts
from symloss.training.pixels import placings_of


def traced(recipe, loss, tmp_path, name="run", seed=0, **options):
    """Return the result, the loss of each step and the last weights."""
    losses = {}
    result = fit(recipe, loss, seed, tmp_path / name, device="cpu", trace=losses.__setitem__, **options)
    weights = torch.load(tmp_path / name / "last.pt", weights_only=True)["network"]
    return result, list(losses.values()), weights


def close(one, other, tolerance=1e-5):
    return all(torch.allclose(one[name].double(), other[name].double(), atol=tolerance, rtol=0) for name in one)


def inputs_of(part):
    pixels = torch.from_numpy(part.data.pixels[part.rows][:, None].astype(np.float32))
    return pixels, torch.from_numpy(part.labels)


@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_cross_entropy_trains_like_a_plain_loop(model, small, ce, tmp_path):
    recipe = small(model=model, momentum=0.8, weight_decay=1e-3, schedule="constant", images=150)
    result, losses, weights = traced(recipe, ce, tmp_path, seed=5)

    parts = Parts(recipe, 5)
    pixels, labels = inputs_of(parts.train)
    inputs = (pixels - pixels.double().mean()) / pixels.double().std(correction=0)
    inputs = inputs.float()
    network = models.build(model, (1, 8, 8), 10, 5, 16)
    optimiser = torch.optim.SGD(network.parameters(), 0.05, 0.8, weight_decay=1e-3)
    expected = []
    for epoch in range(2):
        for batch in epoch_batches(150, 32, None, 5, epoch):
            loss = nn.functional.cross_entropy(network(inputs[batch]), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            expected.append(loss.item())
    assert losses == pytest.approx(expected, abs=1e-5)
    assert close(weights, network.state_dict())
    network.eval()
    test, truth = inputs_of(parts.test())
    right = network((test - pixels.double().mean()).float() / pixels.double().std(correction=0).float()).argmax(1)
    assert result.last.test["accuracy"] == pytest.approx((right == truth).float().mean().item())
    assert result.history[0].loss == pytest.approx(np.average(expected[:5], weights=[32, 32, 32, 32, 22]), rel=1e-5)


@pytest.mark.parametrize("accumulate", [2, 3, 32])
def test_a_batch_cut_into_passes_is_the_same_batch(accumulate, small, ce, tmp_path):
    recipe = small(images=150)
    _, whole, _ = traced(recipe, ce, tmp_path, "whole")
    _, cut, _ = traced(small(images=150, accumulate=accumulate), ce, tmp_path, "cut")
    assert cut == pytest.approx(whole, abs=1e-5)


def test_losses_are_brought_to_cross_entropys_scale_unless_raw(small, tmp_path):
    loss = parse_formula("-0.1*y_true*log(y_pred)")
    scale = scale_of(loss, 10)
    assert scale == pytest.approx(10)
    result, scaled, _ = traced(small(), loss, tmp_path, "scaled")
    plain, raw, _ = traced(small(raw=True), loss, tmp_path, "raw")
    assert (result.scale, plain.scale) == (scale, 1.0)
    assert scaled[0] == pytest.approx(raw[0] * scale, rel=1e-5)
    assert scaled[-1] < 0.99 * raw[-1] * scale


def test_seeds_decide_and_losses_do_not(small, ce, tmp_path):
    other = parse_formula("-3*y_true*log(y_pred)")  # the same loss, three times as large
    _, one, _ = traced(small(), ce, tmp_path, "ce")
    _, two, _ = traced(small(), other, tmp_path, "formula")
    _, three, _ = traced(small(), ce, tmp_path, "seed", seed=1)
    assert one == pytest.approx(two, abs=1e-5)
    assert one != pytest.approx(three, abs=1e-2)


@pytest.mark.parametrize("augment", ["none", "crop-flip", "paper"])
def test_workers_give_what_memory_gives(augment, small, ce, tmp_path, monkeypatch):
    recipe = small(augment=augment, size=10, images=64)
    _, resident, weights = traced(recipe, ce, tmp_path, "resident")
    monkeypatch.setattr(loading, "MEMORY", 0)
    monkeypatch.setattr(loading.batches_of, "__defaults__", (0,))
    _, streamed, again = traced(recipe, ce, tmp_path, "streamed", workers=0)
    assert resident == streamed
    assert all(torch.equal(weights[name], again[name]) for name in weights)


def test_images_are_read_once_for_all_losses_and_seeds(folder, ce, tmp_path, monkeypatch):
    name = folder({f"{c}/{i}": (9, 9) for c in "ab" for i in range(9)})
    make = {"dataset": name, "model": "mlp", "epochs": 1, "batch": 4}
    read, true = [], loading._read
    monkeypatch.setattr(loading, "_read", lambda part, row: read.append(row) or true(part, row))
    _, first, _ = traced(Recipe.from_dict(make | {"label_noise": 0.3}), ce, tmp_path, "first")
    assert len(read) == 18
    traced(Recipe.from_dict(make | {"label_noise": 0.3}), find("ngl"), tmp_path, "second", seed=1)
    assert len(read) == 18
    _, again, _ = traced(Recipe.from_dict(make | {"label_noise": 0.3}), ce, tmp_path, "third")
    assert again == first
    traced(Recipe.from_dict(make | {"split_seed": 1}), ce, tmp_path, "fourth")
    assert len(read) > 18


# Python 3.12 warns of forks beside threads, which torch has.
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_worker_processes_change_nothing(small, ce, tmp_path):
    recipe = small(augment="imagenet", size=16, images=48, steps=2)
    _, alone, _ = traced(recipe, ce, tmp_path, "alone", workers=0)
    _, helped, _ = traced(recipe, ce, tmp_path, "helped", workers=1)
    assert alone == helped


def segmentation(**changes):
    values = {"dataset": "camvid", "model": "unet(width=4, depth=2, norm=group)", "epochs": 1, "batch": 5, "lr": 0.02}
    return Recipe.from_dict(values | changes)


def test_segmentation_counts_the_pixels_that_count(streets, ce, tmp_path):
    result, losses, _ = traced(segmentation(), ce, tmp_path)
    _, cut, _ = traced(segmentation(accumulate=3), ce, tmp_path, "cut")
    assert cut == pytest.approx(losses, abs=1e-5)

    parts = Parts(segmentation(), 0)
    read = [[torch.from_numpy(np.array(value)) for value in parts.train.data[i]] for i in range(12)]
    pixels = torch.stack([image for image, _ in read]).movedim(-1, 1).double()
    masks = torch.stack([mask for _, mask in read]).long()
    mean, std = (getattr(pixels.movedim(1, 0).flatten(1), f)(1).view(1, 3, 1, 1) for f in ("mean", "std"))
    inputs = ((pixels - mean) / std).float()
    network = models.build(segmentation().model, (3, 24, 32), 11, 0)
    first = epoch_batches(12, 5, None, 0, 0)[0]
    expected = nn.functional.cross_entropy(network(inputs[first]), masks[first], ignore_index=11)
    assert losses[0] == pytest.approx(expected.item(), rel=1e-4)
    assert set(result.best.validation) == {"miou", "pixel-accuracy"}
    assert result.images == {"train": 12, "validation": 4, "test": 6}


def test_segmentation_learns_with_random_scales(streets, ce, tmp_path):
    recipe = segmentation(
        model="unet(width=4, depth=2)",
        augment="segmentation",
        size=(24, 32),
        epochs=20,
        optimizer="adam",
        lr=0.02,
        schedule="constant",
    )
    result, _, _ = traced(recipe, ce, tmp_path, workers=0)
    assert result.best.test["pixel-accuracy"] > 0.9


def test_auxiliary_heads_count(ce, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "two_heads.py").write_text(
        "import torch\nfrom torch import nn\nfrom symloss.models import Outputs\n"
        "class Two(nn.Module):\n"
        "    def __init__(self, weight):\n"
        "        super().__init__()\n"
        "        self.weight, self.one, self.two = weight, nn.Linear(64, 10), nn.Linear(64, 10)\n"
        "    def forward(self, x):\n"
        "        x = x.flatten(1)\n"
        "        return Outputs(self.one(x), self.two(x), self.weight) if self.training else self.one(x)\n"
        "def light(shape, classes):\n    return Two(0.0)\n"
        "def heavy(shape, classes):\n    return Two(0.5)\n"
    )
    make = {"dataset": "digits", "images": 64, "epochs": 1, "batch": 32}
    _, light, first = traced(Recipe.from_dict(make | {"model": "two_heads:light"}), ce, tmp_path, "light")
    _, heavy, second = traced(Recipe.from_dict(make | {"model": "two_heads:heavy"}), ce, tmp_path, "heavy")
    assert torch.equal(first["one.weight"], second["one.weight"])
    assert not torch.equal(first["two.weight"], second["two.weight"])
    assert heavy[0] == pytest.approx(1.5 * light[0], rel=0.2)


def test_dropout_is_of_the_seed_and_the_step(ce, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "dropping.py").write_text(
        "from torch import nn\n"
        "def make(shape, classes):\n    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, classes))\n"
    )
    recipe = Recipe("digits", "dropping:make", images=64, epochs=2, batch=32)
    torch.manual_seed(1)
    _, one, _ = traced(recipe, ce, tmp_path, "one")
    torch.manual_seed(2)
    before = torch.get_rng_state()
    _, two, _ = traced(recipe, ce, tmp_path, "two")
    assert one == two
    assert torch.equal(before, torch.get_rng_state())


def test_best_and_last_are_kept_apart(small, ce, tmp_path):
    recipe = small(epochs=5, lr=0.3, schedule="constant", metrics=("nll", "accuracy"))
    result, _, last = traced(recipe, ce, tmp_path)
    values = [epoch.validation["nll"] for epoch in result.history]
    assert result.best.epoch == 1 + int(np.argmin(values))
    assert result.last.epoch == 5
    assert result.best.epoch != 5, "choose another recipe: the last epoch should not be the best"
    kept = torch.load(tmp_path / "run" / "best.pt", weights_only=True)
    assert kept["epoch"] == result.best.epoch
    pixels, _ = inputs_of(Parts(recipe, 0).train)
    test, truth = inputs_of(Parts(recipe, 0).test())
    for weights, scored in ((kept["network"], result.best), (last, result.last)):
        network = models.build("mlp", (1, 8, 8), 10, 0, 16)
        network.load_state_dict(weights)
        logits = network((test - pixels.mean()) / pixels.std(correction=0))
        assert scored.test["nll"] == pytest.approx(nn.functional.cross_entropy(logits, truth).item(), rel=1e-4)
        assert scored.validation == result.history[scored.epoch - 1].validation


def test_plateau_lowers_the_step_size(small, ce, tmp_path):
    recipe = small(epochs=6, lr=1e-7, schedule="plateau", patience=1, factor=0.5, momentum=0)
    result, _, _ = traced(recipe, ce, tmp_path)
    assert [epoch.lr for epoch in result.history] == pytest.approx([1e-7] * 3 + [5e-8] * 2 + [2.5e-8])


def test_a_network_that_explodes_is_a_result(small, ce, tmp_path):
    recipe = small(epochs=4, lr=1e30, schedule="constant", metrics=("accuracy", "nll", "ece"))
    result, _, _ = traced(recipe, ce, tmp_path)
    assert result.diverged
    assert len(result.history) < 4
    assert math.isnan(result.history[-1].loss)
    assert result.last.test == {"accuracy": 0.0, "nll": math.inf, "ece": 1.0}
    again = fit(recipe, ce, 0, tmp_path / "run", device="cpu")
    assert again.last == result.last
    assert "Infinity" not in (tmp_path / "run" / "result.json").read_text()


def test_an_explosion_ends_a_long_epoch_early(small, ce, tmp_path):
    result, losses, _ = traced(small(batch=2, lr=1e30), ce, tmp_path)
    assert result.diverged
    assert len(losses) == 50 < 80


def test_a_finished_training_is_read_and_not_done_again(small, ce, tmp_path):
    first, _, _ = traced(small(), ce, tmp_path)
    again, losses, _ = traced(small(), ce, tmp_path)
    assert again == first
    assert losses == []
    for recipe, loss, seed, message in (
        (small(lr=0.06), ce, 0, "of another recipe"),
        (small(), find("ngl"), 0, "of another loss"),
        (small(), ce, 1, "of another seed"),
    ):
        with pytest.raises(SymlossError, match=message):
            fit(recipe, loss, seed, tmp_path / "run", device="cpu")
        (tmp_path / "run" / "result.json").rename(tmp_path / "aside.json")
        with pytest.raises(SymlossError, match=message):
            fit(recipe, loss, seed, tmp_path / "run", device="cpu")
        (tmp_path / "aside.json").rename(tmp_path / "run" / "result.json")
    (tmp_path / "run" / "result.json").write_text("{}")
    with pytest.raises(SymlossError, match="no result of a training"):
        fit(small(), ce, 0, tmp_path / "run", device="cpu")


def test_weights_need_not_stay(small, ce, tmp_path):
    fit(small(epochs=1), ce, 0, tmp_path / "run", device="cpu", keep=False)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["result.json"]


def test_weights_of_a_finished_training_go_when_they_need_not_stay(small, ce, tmp_path):
    first = fit(small(epochs=1), ce, 0, tmp_path / "run", device="cpu")
    (tmp_path / "run" / "best-1.pt").write_bytes(b"of a killed process")
    assert fit(small(epochs=1), ce, 0, tmp_path / "run", device="cpu", keep=False) == first
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["result.json"]


def test_batch_norm_never_meets_a_single_image(ce, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "normed.py").write_text(
        "from torch import nn\n"
        "def make(shape, classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.Linear(8, classes))\n"
    )
    recipe = Recipe("digits", "normed:make", images=13, epochs=1, batch=4)
    _, losses, _ = traced(recipe, ce, tmp_path)
    assert len(losses) == 3  # 13 = 3 * 4 + 1
    _, losses, _ = traced(replace(recipe, model="mlp"), ce, tmp_path, "plain")
    assert len(losses) == 4
    with pytest.raises(SymlossError, match="a batch of 4 images in 3 passes of 1 processes has passes of fewer than 2"):
        traced(replace(recipe, accumulate=3), ce, tmp_path, "cut")
    assert len(traced(replace(recipe, accumulate=2), ce, tmp_path, "halves")[1]) == 3


def test_what_does_not_fit_into_memory_is_said(small, ce, tmp_path):
    # More than a process can address, so no machine tries.
    for hidden in (10**15, 10**18):
        with pytest.raises(SymlossError, match=r"does not fit into the memory of cpu: .*; raise accumulate, or lower"):
            fit(small(hidden=hidden), ce, 0, tmp_path / "run", device="cpu")


def test_keys_tell_factors_apart_only_where_they_are_trained_with(small, ce):
    one, ten = parse_formula("-y_true*log(y_pred)"), parse_formula("-10*y_true*log(y_pred)")
    assert key_of(small(), one, 0) == key_of(small(), ten, 0) == key_of(small(), ce, 0)
    assert key_of(small(raw=True), one, 0) != key_of(small(raw=True), ten, 0)
    assert key_of(small(raw=True), one, 0) == key_of(small(raw=True), ce, 0)


def test_progress_is_told(small, ce, tmp_path, monkeypatch):
    monkeypatch.setattr("symloss.training.trainer._TICK", 0.0)
    told = []
    fit(small(), ce, 0, tmp_path / "run", device="cpu", progress=lambda *line: told.append(line))
    assert [line[:4] for line in told if line[4].startswith("validation")] == [(1, 2, 5, 5), (2, 2, 5, 5)]
    assert [line[:4] for line in told if line[4].startswith("loss")][:2] == [(1, 2, 1, 5), (1, 2, 2, 5)]


def test_half_precision_learns(small, ce, tmp_path):
    recipe = small(precision="bfloat16", epochs=4, optimizer="adam", lr=0.01)
    result, losses, weights = traced(recipe, ce, tmp_path)
    _, full, _ = traced(small(epochs=4, optimizer="adam", lr=0.01), ce, tmp_path, "full")
    assert losses == pytest.approx(full, rel=0.1)
    assert losses != full
    assert all(value.dtype == torch.float32 for value in weights.values())
    assert result.precision == "bfloat16"
    with pytest.raises(SymlossError, match="float16 needs a GPU"):
        fit(small(precision="float16"), ce, 0, tmp_path / "half", device="cpu")


def test_images_of_several_sizes_need_one(folder, ce, tmp_path):
    name = folder({f"{c}/{i}": (8 + i, 9) for c in "ab" for i in range(6)})
    with pytest.raises(SymlossError, match="give the recipe a size"):
        fit(Recipe(name, "cnn", epochs=1), ce, 0, tmp_path / "run", device="cpu")
    part = Parts(Recipe(name, "cnn"), 0).train
    placing, _ = placings_of(Recipe(name, "cnn"), part, None, (0, 0, 0))
    streamed = loading.Streamed({"train": (part, placing)}, "none", 0, torch.device("cpu"), 0)
    with pytest.raises(SymlossError, match="give the recipe a size"):
        list(streamed.read("train", [np.arange(len(part))], 0))
    result = fit(Recipe(name, "cnn", epochs=1, size=12), ce, 0, tmp_path / "run", device="cpu")
    assert result.images == {"train": 8, "validation": 1, "test": 3}


def test_without_lightning_the_extra_is_named(small, ce, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning.fabric", None)
    with pytest.raises(SymlossError, match=r"symloss\[train\]"):
        fit(small(), ce, 0, tmp_path, device="cpu")


def test_bad_arguments_are_said(small, ce, tmp_path):
    with pytest.raises(SymlossError, match="seed is -1"):
        fit(small(), ce, -1, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(SymlossError, match=r"cannot make the folder|cannot read"):
        fit(small(), ce, 0, tmp_path / "file" / "below", device="cpu")
    (tmp_path / "last.pt").write_bytes(b"no checkpoint")
    with pytest.raises(SymlossError, match="cannot read the checkpoint"):
        fit(small(), ce, 0, tmp_path, device="cpu")
