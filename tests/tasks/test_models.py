from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from symloss.errors import SymlossError
from symloss.tasks import MODELS, TaskConfig, initial_weights, load_task
from symloss.tasks.models import build_network


def same(one, other):
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("model", MODELS)
def test_weights_depend_on_the_seed_alone(model):
    task = load_task(TaskConfig(model=model))
    first = task.network(3)
    torch.rand(5)
    noisy = load_task(TaskConfig(model=model, label_noise=0.4, lr=0.1))
    assert same(first, noisy.network(3))
    assert not same(first, task.network(4))
    assert first.training
    assert all(p.dtype == torch.float32 and p.device.type == "cpu" for p in first.parameters())


@pytest.mark.parametrize("model", MODELS)
def test_generator_of_the_caller_is_left_alone(model):
    task = load_task(TaskConfig(model=model))
    before = torch.get_rng_state()
    task.network(0)
    assert torch.equal(torch.get_rng_state(), before)


def test_threads_build_the_same_networks():
    task = load_task(TaskConfig(model="cnn", hidden=16))
    expected = [task.network(seed) for seed in range(8)]
    fresh = load_task(TaskConfig(model="cnn", hidden=16, lr=0.2))
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            for found, network in zip(pool.map(fresh.network, range(8)), expected, strict=True):
                assert same(found, network)


def test_mlp_has_the_weights_of_the_populations():
    task = load_task(TaskConfig(hidden=20))
    network = task.network(7)
    weights = initial_weights(64, 20, 10, 7)
    for parameter, value in zip(network.parameters(), weights.values(), strict=True):
        assert np.array_equal(parameter.detach().numpy(), value)
    inputs = task.inputs[:9]
    hidden = np.maximum(inputs.reshape(9, 64) @ weights["w1"].T + weights["b1"], 0)
    assert network(torch.tensor(inputs)).detach().numpy() == pytest.approx(
        hidden @ weights["w2"].T + weights["b2"], abs=1e-5
    )


def test_initial_weights_have_the_distribution_of_torch_linear():
    weights = initial_weights(64, 400, 10, 0)
    assert {name: array.shape for name, array in weights.items()} == {
        "w1": (400, 64),
        "b1": (400,),
        "w2": (10, 400),
        "b2": (10,),
    }
    for name, bound in (("w1", 1 / 8), ("b1", 1 / 8), ("w2", 1 / 20), ("b2", 1 / 20)):
        values = weights[name]
        assert values.dtype == np.float32
        assert np.abs(values).max() <= bound
        if values.size > 1000:
            assert np.abs(values).max() > 0.99 * bound
            assert values.mean() == pytest.approx(0, abs=0.05 * bound)
            assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)


@given(st.integers(1, 4), st.integers(8, 40), st.integers(8, 40), st.integers(2, 12), st.integers(1, 20))
@settings(max_examples=25)
def test_cnn_takes_any_image(channels, height, width, classes, hidden):
    network = build_network(TaskConfig(model="cnn", hidden=hidden), (channels, height, width), classes, 0)
    inputs = torch.randn(3, channels, height, width, generator=torch.Generator().manual_seed(0))
    logits = network(inputs)
    assert logits.shape == (3, classes)
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert network.eval()(inputs).isfinite().all()


def test_cnn_does_not_grow_with_the_image():
    for side in (28, 60, 200):
        network = build_network(TaskConfig(model="cnn"), (1, side, side), 10, 0)
        assert network[-1].in_features == 64 * 4 * 4


@pytest.mark.parametrize("shape", [(64,), (1, 7, 20), (28, 28, 1)])
def test_cnn_refuses_what_is_no_image(shape):
    with pytest.raises(SymlossError, match=r"the model 'cnn' needs images .* at least 8x8 pixels.*choose 'mlp'"):
        build_network(TaskConfig(model="cnn"), shape, 10, 0)


def test_cnn_learns_the_digits():
    task = load_task(TaskConfig(model="cnn"))
    split, network = task.split(0), task.network(0)
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    inputs, labels = torch.tensor(task.inputs[split.train]), torch.tensor(split.train_labels)
    for batch in torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)).repeat(4).split(64):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(inputs[batch]), labels[batch]).backward()
        optimiser.step()
    with torch.no_grad():
        found = network.eval()(torch.tensor(task.inputs[split.validation])).argmax(1)
    assert (found.numpy() == task.labels[split.validation]).mean() > 0.95


SOURCE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, shape, classes):
        super().__init__()
        self.layer = nn.Linear(shape[0] * shape[1] * shape[2], classes)
    def forward(self, x):
        return self.layer(x.flatten(1))

def wide(*, shape, classes):
    return Net(shape, classes + 1)

def double(shape, classes):
    return Net(shape, classes).double()

def nothing(shape, classes):
    return [Net(shape, classes)]

def unsized(shape, classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))

def frozen(shape, classes):
    return Net(shape, classes).requires_grad_(False)

def misfit(shape, classes):
    return nn.Linear(3, classes)

def pair(shape, classes):
    class Pair(Net):
        def forward(self, x):
            return x, x
    return Pair(shape, classes)

STREAM = torch.Generator().manual_seed(0)

def elsewhere(shape, classes):
    net = Net(shape, classes)
    nn.init.normal_(net.layer.weight, generator=STREAM)
    return net

def flat(features):
    return nn.Linear(features, 10)

def failing(shape, classes):
    raise RuntimeError("no such layer")
"""


def test_own_network(module):
    module(SOURCE)
    task = load_task(TaskConfig(model="mine:Net"))
    before = torch.get_rng_state()
    network = task.network(5)
    assert torch.equal(torch.get_rng_state(), before)
    assert network.layer.weight.shape == (10, 64)
    assert same(network, task.network(5))
    assert not same(network, task.network(6))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wide", r"returns shape \[2, 11\] for 2 samples; it must return logits of shape \[2, 10\]"),
        ("double", "layer.weight is torch.float64 on cpu; build it in torch.float32"),
        ("nothing", "returned a list; it must return a torch.nn.Module"),
        ("unsized", "the size of 1.weight is not known yet; give lazy layers their sizes"),
        ("frozen", "has no parameter that is trained"),
        ("misfit", r"fails on inputs of shape \[2, 1, 8, 8\]: RuntimeError"),
        ("pair", "returns a tuple for 2 samples"),
        ("elsewhere", "layer.weight differs when the network is built again; draw weights from torch's generator"),
        ("flat", "failed: TypeError: flat.. got an unexpected keyword argument 'shape'"),
        ("failing", r"failed: RuntimeError: no such layer \(.*mine.py, line \d+\)"),
        ("Nett", "did you mean 'Net'"),
    ],
)
@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_networks_that_cannot_be_trained_are_refused(module, name, message):
    module(SOURCE)
    task = load_task(TaskConfig(model=f"mine:{name}"))
    for _ in range(2):  # each time, not only at the first
        with pytest.raises(SymlossError, match=message) as caught:
            task.network(0)
        assert f"mine:{name}" in str(caught.value)
