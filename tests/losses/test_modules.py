"""Each known loss as a torch module against its reference: values, gradients, extremes and options."""

import functools
import inspect

import pytest
import torch
from torch import nn
from torchvision.ops import sigmoid_focal_loss

from symloss import Loss, losses
from symloss.errors import SymlossError
from symloss.losses import CATALOGUE, find

#: Losses with a gradient that grows without bound in the logits: the true gradient is beyond float32 at logits of 100.
EXPLODING = {"baikal", "exponential"}


def test_every_loss_has_a_reference_and_every_parameter_is_varied(reference, variants):
    assert set(reference) == set(CATALOGUE)
    for name, loss in CATALOGUE.items():
        assert set(loss.parameters) == {key for given in variants.get(name, ()) for key in given}


def test_value_and_logit_gradient(case, batch, reference, value_and_gradient):
    name, given = case
    expected = functools.partial(reference[name], **given)
    torch.testing.assert_close(
        value_and_gradient(losses.get(name, **given), *batch), value_and_gradient(expected, *batch)
    )


def test_focal_is_torchvisions_for_two_classes():
    """With two classes the softmax over (z, 0) is the sigmoid of z."""
    z = torch.linspace(-4, 4, 9, dtype=torch.float64)
    target = torch.arange(9) % 2
    logits = torch.stack([torch.zeros_like(z), z], dim=1)
    expected = sigmoid_focal_loss(z, target.double(), alpha=-1, gamma=2, reduction="mean")
    torch.testing.assert_close(losses.get("focal")(logits, target), expected)


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_batch_of_extreme_logits_stays_finite(name):
    size = 20 if name in EXPLODING else 100
    logits = (size * torch.tensor([[1.0, -1.0, 0.0], [-1.0, 1.0, 1.0]])).repeat(3, 1).requires_grad_()
    losses.get(name)(logits, torch.tensor([0, 0, 1, 1, 2, 2])).backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("name", CATALOGUE)
def test_training_pulls_the_true_class_up(name):
    logits = torch.zeros(4, 5, requires_grad=True)
    target = torch.tensor([0, 1, 2, 3])
    losses.get(name)(logits, target).backward()
    assert (logits.grad.argmin(1) == target).all()


def test_baikal_is_lowest_at_one_over_the_root_of_the_number_of_classes():
    others = torch.full((3,), 0.5 / 3, dtype=torch.float64)
    logits = torch.cat([torch.tensor([0.5], dtype=torch.float64), others]).log().requires_grad_()
    losses.get("baikal")(logits, torch.tensor(0)).backward()
    assert logits.grad.abs().max() < 1e-12


def test_get_passes_options_on_and_keeps_the_published_ones():
    assert isinstance(losses.get("ngl"), nn.Module)
    assert losses.get("ngl").class_reduction == "mean"
    assert losses.get("ngl", class_reduction="sum", reduction="none").class_reduction == "sum"
    assert losses.get("ce", reduction="none").reduction == "none"
    assert losses.get("bce").output == "sigmoid"
    assert losses.get("ce").output == "softmax"
    assert losses.get("label_smoothed_ce").label_smoothing == 0.1
    assert losses.get("label_smoothed_ce", label_smoothing=0.0).label_smoothing == 0.0


def test_get_takes_parameters_beside_options():
    criterion = losses.get("focal", gamma=0.5, reduction="none")
    assert criterion.expression == find("focal").with_parameters(gamma=0.5).text
    assert criterion.reduction == "none"


def test_get_takes_options_of_losses_that_couple_the_classes(batch):
    logits, target = batch
    assert losses.get("nce_rce", alpha=0.5, reduction="none")(logits, target).shape == target.shape


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("focal", {"gama": 1.0}, r"unknown option of focal 'gama'; known: .*; did you mean 'gamma'\?"),
        ("focal", {"redution": "sum"}, r"unknown option of focal 'redution'; .*; did you mean 'reduction'\?"),
        ("focal", {"gamma": -1.0}, "gamma of focal is -1.0; it must be a number from 0 to 10"),
        ("ce", {"gamma": 1.0}, "unknown option of ce 'gamma'"),
    ],
)
def test_bad_options_say_what_is_known(name, options, message):
    with pytest.raises(SymlossError, match=message):
        losses.get(name, **options)


def test_no_parameter_hides_an_option_of_the_module():
    options = set(inspect.signature(Loss).parameters)
    for loss in CATALOGUE.values():
        assert options & set(loss.parameters) == set(loss.module_options)
