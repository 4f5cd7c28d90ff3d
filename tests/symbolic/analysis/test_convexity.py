"""Convexity in the logits beyond the catalogue, against torch's Hessians."""

import re

import numpy as np
import pytest
import torch

import symloss
from symloss.formula import parse_formula
from symloss.symbolic.analysis.convexity import convex_in_logits
from symloss.symbolic.analysis.one_hot import OneHot


def ask(text, classes=4):
    return convex_in_logits(OneHot(parse_formula(text), classes))


def least_eigenvalue(text, classes=4):
    """The least eigenvalue that random logits have, relative to the largest in size."""
    module, label = symloss.Loss(text), torch.tensor([0])
    logits = np.concatenate([scale * np.random.default_rng(0).normal(size=(40, classes)) for scale in (1, 3, 6)])
    least = []
    for place in torch.tensor(logits):
        values = torch.linalg.eigvalsh(torch.autograd.functional.hessian(lambda z: module(z[None], label), place))
        least.append((values[0] / values.abs().max()).item())
    return min(least)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-2*y_true*log(y_pred) + 5*y_pred", "yes"),
        ("y_true/y_pred", "yes"),  # the sum of exp(z_k - z_y)
        ("y_true*log(y_pred)**2", "yes"),
        ("-y_true*log(y_pred) - y_true*y_pred", "yes"),
        ("y_true/y_pred - log(y_pred)", "yes"),  # every class counts
        ("-(0.95*y_true + 0.05*y_pred)*log(y_pred)", "yes"),
        ("-(0.5*y_true + 0.5*y_pred)*log(y_pred)", "no"),
        # A kink where the slope does not leap: the flat part begins at the least value.
        ("y_true*(0.1*log(0.1/(1 - min(y_pred, 0.9))) - 0.9*log(min(y_pred, 0.9)/0.9))", "yes"),
        ("-y_true*log(y_pred) - 2.5*y_true*y_pred", "no"),
        ("y_true*log(y_pred)", "no"),
        ("-y_true*sqrt(y_pred)", "no"),
        ("-y_true*log(y_pred) - (1 - y_true)*log(1 - y_pred)", "no"),
        ("(y_pred - y_true)**2 - 0.2*y_true*log(y_pred)", "no"),
    ],
)
def test_against_hessians(text, expected):
    found = ask(text)
    assert (found.value, found.exact) == (expected, True)
    least = least_eigenvalue(text)
    assert least > -1e-9 if expected == "yes" else least < -1e-6


def test_the_witness_is_a_direction_of_negative_curvature():
    text = "(y_pred - y_true)**2"
    note = ask(text).note
    shares, way = (np.array(part.split(", "), float) for part in re.findall(r"\(([-0-9., e]+)\)", note))
    claimed = float(re.search(r"derivative (\S+):", note)[1])
    p = torch.tensor([shares[0], shares[1], *[shares[2] / 2] * 2])
    z, d = torch.log(p), torch.tensor([way[0], way[1], way[2], way[2]])
    hessian = torch.autograd.functional.hessian(lambda x: symloss.Loss(text)(x[None], torch.tensor([0])), z)
    assert (d @ hessian @ d).item() == pytest.approx(claimed, rel=1e-3)
    assert claimed < 0


def test_a_loss_that_bends_the_wrong_way_only_at_tiny_probabilities():
    text = "-y_true*log(y_pred) + 0.1*y_pred*log(y_pred)"
    found = ask(text, 3)
    assert (found.value, found.exact) == ("no", True)
    shares, way = (np.array(part.split(", "), float) for part in re.findall(r"\(([-0-9., e]+)\)", found.note))
    claimed = float(re.search(r"derivative (\S+):", found.note)[1])
    z, d = torch.log(torch.tensor(shares)), torch.tensor(way)
    hessian = torch.autograd.functional.hessian(lambda x: symloss.Loss(text)(x[None], torch.tensor([0])), z)
    assert (d @ hessian @ d).item() == pytest.approx(claimed, rel=1e-3)
    assert shares.min() < 1e-5


def test_kinks_are_left_open():
    # The larger of two convex losses is convex, the smaller is not; both have positive second derivatives elsewhere.
    assert ask("max(-log(y_pred), -2*log(y_pred) - 1)*y_true").value == "unknown"
    assert ask("min(-log(y_pred), -2*log(y_pred) - 1)*y_true").value == "unknown"
    assert ask("y_true*abs(y_pred - 0.3)").value == "no"  # concave where it falls


def test_two_classes():
    assert ask("-y_true*log(y_pred)", 2).value == "yes"
    # With two classes a loss that grows with p may be convex, as this is: exp(z_y - z_k).
    text = "y_true*y_pred/(1 - y_pred)"
    assert ask(text, 2).value != "no"
    assert least_eigenvalue(text, 2) > -1e-9
    assert (ask(text, 3).value, least_eigenvalue(text, 3) < -1e-6) == ("no", True)
