"""Bounded and Lipschitz beyond the catalogue, against torch's gradients."""

import math

import numpy as np
import pytest
import torch

import symloss
from symloss.formula import parse_formula
from symloss.symbolic.analysis.lipschitz import _stays_below, bounded, gradient_norms, lipschitz
from symloss.symbolic.analysis.one_hot import OneHot


def norms(text, p):
    """Norms of the logit gradient at predictions ``[N, C]``, the first class being the true one."""
    logits = torch.log(torch.tensor(p)).requires_grad_()
    symloss.Loss(text)(logits, torch.zeros(len(p), dtype=torch.long)).mul(len(p)).backward()
    return logits.grad.norm(dim=1).numpy()


#: The gradient grows towards p = 0 or 1 of the true class or of a wrong one.
UNBOUNDED = [
    "y_true/y_pred",
    "(1 - y_true)/y_pred",
    "(1 - y_true)/(1 - y_pred)",
    "y_true/(1 - y_pred)",
    "y_true*log(y_pred)**2",
]
#: r1 or r0 has no bound here, yet (1-p)*r has one.
BOUNDED = ["y_true*sqrt(1 - y_pred)", "-y_true*log(y_pred) - (1 - y_true)*log(1 - y_pred)", "(1 - y_true)*y_pred**3"]


def predictions():
    """Predictions for four classes with one of them, the true one or not, close to 0 or 1."""
    result = []
    for t in (1e-4, 1e-8, 1e-12):
        result += [[t, 0.5, 0.3, 0.2 - t], [0.3, t, 0.5, 0.2 - t]]
        result += [[1 - 3 * t, t, t, t], [t, 1 - 3 * t, t, t]]
    return np.array(result)


@pytest.mark.parametrize("text", UNBOUNDED)
def test_not_lipschitz(text):
    found, constant = lipschitz(OneHot(parse_formula(text), 4), 1.0)
    assert (found.value, found.exact) == ("no", True)
    assert constant.value == "unbounded"
    sizes = norms(text, predictions()).reshape(3, 4).max(axis=1)
    assert sizes[2] > sizes[1] + 5 > sizes[0] + 10


@pytest.mark.parametrize("text", BOUNDED)
def test_lipschitz_with_an_unbounded_curve(text):
    found, constant = lipschitz(OneHot(parse_formula(text), 4), 1.0)
    assert (found.value, found.exact) == ("yes", True)
    random = np.random.default_rng(0).dirichlet(np.full(4, 0.3), size=2000).clip(1e-9, 1)
    sizes = np.concatenate([norms(text, predictions()), norms(text, random / random.sum(axis=1, keepdims=True))])
    assert sizes.max() <= constant.value * 1.001
    assert sizes.max() >= constant.value * 0.7


def test_constants_in_closed_form():
    for text, value in [
        ("-y_true*y_pred", math.sqrt(2) / 4),  # sup p*(1-p)
        ("-3*y_true*log(y_pred)", 3 * math.sqrt(2)),
        ("-y_true*y_pred**2", math.sqrt(2) * 8 / 27),  # sup 2*p**2*(1-p), at p = 2/3
        ("3", 0.0),
    ]:
        _, constant = lipschitz(OneHot(parse_formula(text), 10), 1.0)
        assert constant.exact
        assert value <= constant.value * (1 + 1e-15)
        assert constant.value == pytest.approx(value, rel=2e-9)


def test_a_bound_below_the_supremum_is_not_proven():
    curve = parse_formula("y_pred*(1 - y_pred)")
    assert _stays_below(curve, 0.2500001)
    assert not _stays_below(curve, 0.2499999)
    assert not _stays_below(parse_formula("-y_pred*(1 - y_pred)"), 0.2499999)


def test_a_searched_constant_in_closed_form():
    # L(p, 0) = p**2 alone, three classes: the two wrong ones can be varied freely, so a fine grid tells.
    text = "(1 - y_true)*y_pred**2"
    _, constant = lipschitz(OneHot(parse_formula(text), 3), 1.0)
    steps = np.linspace(1e-6, 1 - 2e-6, 300)
    p = np.array([(1 - a - b, a, b) for a in steps for b in steps if a + b < 1 - 1e-7])
    assert not constant.exact
    assert constant.value == pytest.approx(norms(text, p).max(), rel=1e-3)


def test_gradient_norms_against_autograd():
    text = "exp(-2*y_pred*y_true) + sqrt(y_pred)*y_pred"
    p = np.random.default_rng(1).dirichlet(np.ones(5), size=30)
    assert gradient_norms(OneHot(parse_formula(text), 5), p) == pytest.approx(norms(text, p), rel=1e-9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y_true*log(y_pred)*y_pred", ("yes", True)),
        ("-(1 - y_true)*log(1 - y_pred)", ("no", True)),
        ("y_true*y_pred**(-0.01)", ("no", True)),
        ("y_true*exp(-1/y_pred)", ("yes", True)),
        ("-y_true*log(y_pred) + log(y_pred)*y_true + y_pred", ("yes", True)),
    ],
)
def test_bounded(text, expected):
    found = bounded(OneHot(parse_formula(text), 10))
    assert (found.value, found.exact) == expected
