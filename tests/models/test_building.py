"""What holds for every network: the seed decides the weights, and nothing else is touched."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from symloss import models
from symloss.codegen.tables import GRID_SIZE, TableGradients
from symloss.errors import SymlossError
from symloss.fitness.modules import draws_numbers
from symloss.fitness.training import Training
from symloss.models import Outputs, build, outputs_of
from symloss.runtime import keyed_seed
from symloss.tasks import TaskConfig, load_task

#: One of each family that builds in a moment.
QUICK = ["mlp", "cnn", "resnet18", "resnet18(head=paper, norm=group)", "efficientnet-b0", "unet(width=4)"]


def same(one, other):
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("name", QUICK)
def test_the_seed_decides_the_weights(name, monkeypatch):
    monkeypatch.setattr(socket, "socket", lambda *_, **__: pytest.fail("opened a connection"))
    shape = (1, 32, 32)
    before = torch.get_rng_state()
    first = build(name, shape, 10, 3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    assert same(first, build(name, shape, 10, 3))
    assert not same(first, build(name, shape, 10, 4))
    assert first.training
    assert all(p.dtype == torch.float32 and p.device.type == "cpu" for p in first.parameters())


def test_the_weights_are_those_that_torch_draws_from_the_seed():
    network = build("cnn", (1, 12, 12), 5, 8, hidden=8)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(keyed_seed("initial weights", 8))
        layers = [nn.Conv2d(1, 2, 3, bias=False), nn.Conv2d(2, 4, 3, bias=False), nn.Conv2d(4, 8, 3, bias=False)]
        layers.append(nn.Linear(8 * 2 * 2, 5))
    drawn = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    for found, expected in zip(drawn, layers, strict=True):
        assert torch.equal(found.weight, expected.weight)


def test_threads_build_the_same_networks():
    def make(seed):
        return build("unet(width=2, depth=1)", (1, 8, 8), 3, seed)

    expected = [make(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            for found, network in zip(pool.map(make, range(8)), expected, strict=True):
                assert same(found, network)


def test_hidden_is_the_width_of_the_small_networks():
    assert build("mlp", (1, 8, 8), 10, 0, hidden=20)[1].out_features == 20
    assert build("cnn", (1, 8, 8), 10, 0, hidden=20)[-1].in_features == 20
    assert build("mlp", (1, 8, 8), 10, 0)[1].out_features == 64


@pytest.mark.parametrize("classes", [0, -1, 2.0, True, None])
def test_classes_must_be_a_number(classes):
    with pytest.raises(SymlossError, match=r"classes is .*; it must be a whole number of at least 1"):
        build("mlp", (1, 8, 8), classes, 0)


def test_networks_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / "own_networks.py").write_text(
        "from torch import nn\n"
        "def pixels(shape, classes):\n    return nn.Conv2d(shape[0], classes, 1)\n"
        "def number(shape, classes):\n    return 3\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    network = build("own_networks:pixels", (2, 5, 5), 4, 0)
    assert network(torch.zeros(1, 2, 5, 5)).shape == (1, 4, 5, 5)
    assert same(network, build("own_networks:pixels", (2, 5, 5), 4, 0))
    assert not same(network, build("own_networks:pixels", (2, 5, 5), 4, 1))
    assert models.parse("own_networks:pixels").task is None
    with pytest.raises(SymlossError, match=r"returned a int; it must return a torch\.nn\.Module"):
        build("own_networks:number", (2, 5, 5), 4, 0)


def test_outputs_are_read_in_both_forms():
    logits, aux = torch.zeros(2, 3), torch.ones(2, 3)
    plain = outputs_of(logits)
    assert plain.logits is logits
    assert (plain.aux, plain.aux_weight) == (None, 0)
    both = Outputs(logits, aux, 0.4)
    assert outputs_of(both) is both
    for other in ({"out": logits}, (logits, aux), None):
        with pytest.raises(SymlossError, match=f"returned a {type(other).__name__}; it must return a tensor"):
            outputs_of(other)


def test_a_population_refuses_outputs_of_ones_own_network(tmp_path, monkeypatch):
    (tmp_path / "own_outputs.py").write_text(
        "from torch import nn\n"
        "from symloss.models import Outputs\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, shape, classes):\n"
        "        super().__init__()\n"
        "        self.layer = nn.Linear(64, classes)\n"
        "    def forward(self, x):\n"
        "        logits = self.layer(x.flatten(1))\n"
        "        return Outputs(logits, logits, 0.3) if self.training else logits\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    task = load_task(TaskConfig(model="own_outputs:Net"))
    with pytest.raises(
        SymlossError, match=r"own_outputs:Net' returns a Outputs in training mode.*leave auxiliary heads"
    ):
        draws_numbers(task)


@pytest.mark.parametrize("name", ["resnet18", "resnet18(head=paper, upsample=1)"])
def test_a_population_of_residual_networks_trains(name):
    task = load_task(TaskConfig(model=name, engine="single", batch=16, train_size=64, steps=3))
    tables = torch.zeros(2, 2, GRID_SIZE)
    tables[:, 1] = -1  # cross-entropy, twice
    training = Training(task, TableGradients(tables), [0], "cpu", engine="single", total=3)
    before = training.network.weights(0, 0)
    training.advance(3)
    after = [training.network.weights(0, member) for member in (0, 1)]
    assert training.network.finite().all()
    assert all(not torch.equal(value, before[key]) for key, value in after[0].items() if key.endswith("conv1.weight"))
    assert all(torch.equal(value, after[1][key]) for key, value in after[0].items())  # equal losses, equal networks
    scores = training.validation()
    assert scores.shape == (1, 2, 1)
    assert ((scores >= 0) & (scores <= 1)).all()
