"""Response curves and gradient norms against autograd through a softmax and against hand calculation."""

import numpy as np
import pytest
import torch

from symloss.formula import parse_formula
from symloss.symbolic import response_curves, scale_to_cross_entropy

P = np.array([1e-12, 0.003, 0.1, 0.47, 0.9, 1 - 1e-9])

# Each loss as a formula and as torch code of one class, written apart.
LOSSES = {
    "ce": ("-y_true*log(y_pred)", lambda p, y: -y * p.log()),
    "brier": ("(y_true - y_pred)**2", lambda p, y: (p - y) ** 2),
    "mae": ("abs(y_true - y_pred)", lambda p, y: (p - y).abs()),
    "half_mae": ("-y_true*y_pred", lambda p, y: -y * p),
    "focal": ("-y_true*(1 - y_pred)**2*log(y_pred)", lambda p, y: -y * (1 - p) ** 2 * p.log()),
    "poly1": ("-y_true*log(y_pred) + y_true*(1 - y_pred)", lambda p, y: y * (1 - p - p.log())),
    "gce": ("y_true*(1 - y_pred**0.7)/0.7", lambda p, y: y * (1 - p**0.7) / 0.7),
    "ngl": (
        "exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))",
        lambda p, y: torch.exp(2.4092 - p - p * y) - p.sin().cos().cos(),
    ),
}


def logit_gradient(loss, logits, label, reduction):
    """The gradient of one sample's loss, summed or averaged over classes, with respect to its logits."""
    logits = logits.clone().requires_grad_()
    target = torch.nn.functional.one_hot(torch.tensor(label), logits.numel()).double()
    terms = loss(logits.softmax(0), target)
    (terms.sum() if reduction == "sum" else terms.mean()).backward()
    return logits.grad


@pytest.mark.parametrize("name", LOSSES)
def test_the_curves_give_the_logit_gradient(name):
    text, loss = LOSSES[name]
    logits = torch.tensor([0.3, -1.2, 2.0, 0.1, -0.4], dtype=torch.float64)
    p = logits.softmax(0).numpy()
    r0, r1 = response_curves(parse_formula(text), p)
    for label in range(5):
        r = np.where(np.arange(5) == label, r1, r0)
        expected = logit_gradient(loss, logits, label, "sum").numpy()
        np.testing.assert_allclose(r - p * r.sum(), expected, rtol=1e-12, atol=1e-15)


# Norms of the logit gradient of one sample at uniform p, C = 10.
NORMS = [
    ("ce", "sum", 0.949),
    ("brier", "sum", 0.190),
    ("focal", "sum", 1.16),
    ("poly1", "sum", 1.04),
    ("gce", "sum", 0.189),
    ("mae", "sum", 0.190),
    ("half_mae", "sum", 0.095),
    ("ngl", "mean", 0.077),
]


@pytest.mark.parametrize(("name", "reduction", "norm"), NORMS)
def test_gradient_norm_at_uniform_p(name, reduction, norm):
    text, loss = LOSSES[name]
    gradient = logit_gradient(loss, torch.zeros(10, dtype=torch.float64), 3, reduction)
    assert float(gradient.norm()) == pytest.approx(norm, rel=0.01)
    r0, r1 = response_curves(parse_formula(text), np.array([0.1]))
    ours = np.sqrt(9 / 10) * abs(r1 - r0)[0] / (1 if reduction == "sum" else 10)
    assert ours == pytest.approx(float(gradient.norm()), rel=1e-12)


@pytest.mark.parametrize("classes", [2, 10, 1000])
@pytest.mark.parametrize("name", LOSSES)
def test_scale_makes_the_norms_equal(name, classes):
    text, loss = LOSSES[name]
    zeros = torch.zeros(classes, dtype=torch.float64)
    own = logit_gradient(loss, zeros, 0, "sum").norm()
    wanted = logit_gradient(LOSSES["ce"][1], zeros, 0, "sum").norm()
    assert scale_to_cross_entropy(parse_formula(text), classes) * float(own) == pytest.approx(float(wanted), rel=1e-12)


def test_scale_of_cross_entropy_is_one():
    assert scale_to_cross_entropy(parse_formula("-y_true*log(y_pred)"), 10) == pytest.approx(1.0, rel=1e-15)
    assert scale_to_cross_entropy(parse_formula("-0.25*y_true*log(y_pred)"), 10) == pytest.approx(4.0, rel=1e-15)


def test_scale_without_a_gradient_is_not_finite():
    for text in ("y_true + y_pred", "3", "log(y_pred - 0.5)*y_true"):
        assert not np.isfinite(scale_to_cross_entropy(parse_formula(text), 10))


def test_curves_by_hand():
    r0, r1 = response_curves(parse_formula("-y_true*log(y_pred)"), P)
    np.testing.assert_allclose(r1, -1, rtol=1e-15)
    np.testing.assert_array_equal(r0, 0)
    r0, r1 = response_curves(parse_formula("(y_true - y_pred)**2"), P)
    np.testing.assert_allclose(r1, 2 * P * (P - 1), rtol=1e-6)
    np.testing.assert_allclose(r0, 2 * P * P, rtol=1e-15)
    r0, r1 = response_curves(parse_formula(LOSSES["ngl"][0]), P)
    inner = -np.sin(np.cos(np.sin(P))) * np.sin(np.sin(P)) * np.cos(P)  # d/dp of -cos(cos(sin(p)))
    np.testing.assert_allclose(r1, P * (-2 * np.exp(2.4092 - 2 * P) + inner), rtol=1e-13)
    np.testing.assert_allclose(r0, P * (-np.exp(2.4092 - P) + inner), rtol=1e-13)


@pytest.mark.parametrize("text", ["3", "y_true", "exp(y_true) - 2", "abs(y_true - 0.3)"])
def test_without_y_pred_the_curves_are_zero(text):
    for curve in response_curves(parse_formula(text), P):
        assert curve.shape == P.shape
        np.testing.assert_array_equal(curve, 0)


@pytest.mark.parametrize("text", ["3", "y_pred", "-y_true*log(y_pred)", "max(y_true, y_pred)"])
def test_precision_and_shape_are_those_of_p(text):
    for dtype in (np.float32, np.float64):
        for curve in response_curves(parse_formula(text), P.astype(dtype)):
            assert curve.dtype == dtype
            assert curve.shape == P.shape
            curve += 1  # the caller's own
