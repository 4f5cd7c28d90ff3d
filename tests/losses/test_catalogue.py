"""Each catalogue loss against the paper's definition, written in torch on its own."""

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import sigmoid_focal_loss

from symloss import losses
from symloss.errors import SymlossError
from symloss.losses import ALIASES, CATALOGUE, find


def _true_class(logits, target):
    return logits.softmax(1).gather(1, target[:, None]).squeeze(1)


def _one_hot(logits, target):
    return F.one_hot(target, logits.shape[1]).to(logits)


def _ngl(logits, target):
    p, y = logits.softmax(1), _one_hot(logits, target)
    return (torch.exp(2.4092 - p * (1 + y)) - torch.cos(torch.cos(torch.sin(p)))).mean()


def _sce(logits, target):
    log_y = torch.where(_one_hot(logits, target) > 0, 0.0, -4.0)
    return 0.1 * F.cross_entropy(logits, target) - 1.0 * (logits.softmax(1) * log_y).sum(1).mean()


def _taylor(logits, target):
    p = _true_class(logits, target)
    return sum(((1 - p) ** k / k).mean() for k in (1, 2))


#: The mean over samples of the published loss.
REFERENCE = {
    "ce": F.cross_entropy,
    "brier": lambda z, t: F.mse_loss(z.softmax(1), _one_hot(z, t), reduction="none").sum(1).mean(),
    "mae": lambda z, t: F.l1_loss(z.softmax(1), _one_hot(z, t), reduction="none").sum(1).mean(),
    "ngl": _ngl,
    "focal": lambda z, t: ((1 - _true_class(z, t)) ** 2 * F.cross_entropy(z, t, reduction="none")).mean(),
    "poly1": lambda z, t: F.cross_entropy(z, t) + 1.0 * (1 - _true_class(z, t)).mean(),
    "gce": lambda z, t: ((1 - _true_class(z, t) ** 0.7) / 0.7).mean(),
    "sce": _sce,
    "taylor_ce": _taylor,
    "agce": lambda z, t: ((1.6**0.6 - (0.6 + _true_class(z, t)) ** 0.6) / 0.6).mean(),
    "aul": lambda z, t: (((5.5 - _true_class(z, t)) ** 3 - 4.5**3) / 3).mean(),
    "ael": lambda z, t: torch.exp(-_true_class(z, t) / 2.5).mean(),
}


@pytest.fixture(params=[2, 10])
def batch(request):
    generator = torch.Generator().manual_seed(request.param)
    logits = 2 * torch.randn(16, request.param, generator=generator, dtype=torch.float64)
    return logits, torch.randint(request.param, (16,), generator=generator)


def test_every_loss_has_a_reference():
    assert set(REFERENCE) == set(CATALOGUE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_value_and_logit_gradient(name, batch):
    logits, target = batch
    results = []
    for criterion in (losses.get(name), REFERENCE[name]):
        z = logits.clone().requires_grad_()
        value = criterion(z, target)
        results.append((value, torch.autograd.grad(value, z)[0]))
    torch.testing.assert_close(results[0], results[1])


def test_focal_is_torchvisions_for_two_classes():
    """With two classes the softmax over (z, 0) is the sigmoid of z."""
    z = torch.linspace(-4, 4, 9, dtype=torch.float64)
    target = torch.arange(9) % 2
    logits = torch.stack([torch.zeros_like(z), z], dim=1)
    expected = sigmoid_focal_loss(z, target.double(), alpha=-1, gamma=2, reduction="mean")
    torch.testing.assert_close(losses.get("focal")(logits, target), expected)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_batch_of_extreme_logits_stays_finite(name):
    logits = torch.tensor([[100.0, -100.0, 0.0], [-100.0, 100.0, 100.0]]).repeat(3, 1).requires_grad_()
    losses.get(name)(logits, torch.tensor([0, 0, 1, 1, 2, 2])).backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("name", CATALOGUE)
def test_training_pulls_the_true_class_up(name):
    logits = torch.zeros(4, 5, requires_grad=True)
    target = torch.tensor([0, 1, 2, 3])
    losses.get(name)(logits, target).backward()
    assert (logits.grad.argmin(1) == target).all()


def test_get_passes_options_on_and_keeps_the_published_reduction():
    assert isinstance(losses.get("ngl"), nn.Module)
    assert losses.get("ngl").class_reduction == "mean"
    assert losses.get("ngl", class_reduction="sum", reduction="none").class_reduction == "sum"
    assert losses.get("ce", reduction="none").reduction == "none"


def test_names_and_aliases():
    assert all(name == loss.name for name, loss in CATALOGUE.items())
    assert not set(ALIASES) & set(CATALOGUE)
    assert find("mse") is find("brier")
    assert all(find(alias) in CATALOGUE.values() for alias in ALIASES)


@pytest.mark.parametrize("call", [find, losses.get])
def test_unknown_names_get_a_suggestion(call):
    with pytest.raises(SymlossError, match=r"unknown loss 'focall'; known: .*did you mean 'focal'\?"):
        call("focall")


def test_every_loss_names_its_paper():
    for loss in CATALOGUE.values():
        assert loss.paper.title
        assert 1950 <= loss.paper.year <= 2024
        assert loss.when


def test_the_catalogue_does_not_import_torch():
    code = "import sys, symloss.losses; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
