"""The ends beyond the catalogue: curves with poles and roots there, against torch's gradients."""

import re

import numpy as np
import pytest
import torch

import symloss
from symloss.formula import parse_formula
from symloss.symbolic import properties
from symloss.symbolic.analysis.one_hot import OneHot
from symloss.symbolic.analysis.pushes import gradient_confidently_wrong, monotone, pull_at_one


def gradient(text, p):
    logits = torch.log(torch.tensor(p, dtype=torch.double)).requires_grad_()
    symloss.Loss(text)(logits[None], torch.tensor([0])).backward()
    return logits.grad


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("(1 - y_true)*sqrt(y_pred)", "pushes without bound"),
        ("-(1 - y_true)*sqrt(y_pred) - y_true*log(y_pred)", "pushes back without bound"),
        ("-y_true*sqrt(1 - y_pred)", "pushes back without bound"),
    ],
)
def test_pull_without_bound(text, meaning):
    found = pull_at_one(OneHot(parse_formula(text), 4), 1.0)
    assert (found.value, found.exact, found.note) == ("unbounded", True, meaning)
    pulls = [-gradient(text, [1 - 3 * t, t, t, t])[0].item() / (3 * t) for t in (1e-4, 1e-8, 1e-12)]
    sign = -1 if "back" in meaning else 1
    assert 5 * abs(pulls[0]) < 0.5 * abs(pulls[1]) < 0.05 * abs(pulls[2])
    assert all(sign * pull > 0 for pull in pulls)


@pytest.mark.parametrize(
    "text",
    [
        "-y_true*log(y_pred) - (1 - y_true)*log(1 - y_pred)",
        "-(1 + y_true)*log(y_pred) - 2*(1 - y_true)*log(1 - y_pred)",
        "y_true*exp(-y_pred) + log(1 + y_pred)",
        "y_true*y_pred**2 + 3*log(y_pred)*(1 - y_true)",
    ],
)
def test_confidently_wrong(text):
    found = gradient_confidently_wrong(OneHot(parse_formula(text), 4), 0.5)
    t = 1e-9
    near = gradient(text, [t, 1 - 3 * t, t, t])
    assert found.exact
    assert found.value == pytest.approx(0.5 * near.norm().item(), abs=1e-6)


@pytest.mark.parametrize("text", ["y_true/y_pred", "(1 - y_true)*log(y_pred)**2", "y_true*log(y_pred)**2 + y_pred**2"])
def test_confidently_wrong_without_bound(text):
    found = gradient_confidently_wrong(OneHot(parse_formula(text), 4), 1.0)
    assert (found.value, found.exact) == ("unbounded", True)
    sizes = [gradient(text, [t, 1 - 3 * t, t, t]).norm().item() for t in (1e-3, 1e-7, 1e-11)]
    assert sizes[0] + 5 < sizes[1] < sizes[2] - 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-y_true*log(y_pred) + 3*y_pred", ("yes", True)),
        ("(1 - y_true)*y_pred**2", ("yes", True)),
        ("y_true*(y_pred - 0.999)**2", ("no", True)),
        ("y_pred", ("no", True)),
        ("-y_true*abs(y_pred - 0.3) - 2*y_true*y_pred", ("yes", True)),
        ("y_true*relu(0.3 - y_pred)", ("no", True)),  # flat above
        ("y_true*(10*max(y_pred, 0.1) - 10*y_pred - log(max(y_pred, 0.1)))", ("yes", True)),  # straight below
        ("-y_true*(y_pred - 0.3)**3", ("unknown", False)),  # falls, but is flat at one point
    ],
)
def test_monotone(text, expected):
    found = monotone(OneHot(parse_formula(text), 4))
    assert (found.value, found.exact) == expected


def test_no_taylor_coefficients():
    for text in ("y_true*sqrt(1 - y_pred)", "y_true*(1 - y_pred)*log(1 - y_pred)", "sqrt(y_pred)*(1 - y_true)"):
        found = properties(parse_formula(text))["taylor_at_one"]
        assert (found.value, found.exact) == ("unknown", False)


def test_a_value_that_leaves_its_domain_at_uniform_p():
    found = properties(parse_formula("y_true*log(0.3 - y_pred)"))["gradient_at_uniform"]
    assert (found.value, found.exact) == ("unknown", False)


def test_uniform_p_on_a_switch():
    # Both sides of max(p, 0.1) have the slope -10 at 0.1.
    smooth = "y_true*(10*max(y_pred, 0.1) - 10*y_pred - log(max(y_pred, 0.1)))"
    for factor in (1, 3):
        found = properties(parse_formula(f"{factor}*({smooth})"))["gradient_at_uniform"]
        assert found.exact
        assert found.value[1] == pytest.approx(factor * 0.9**0.5, rel=1e-14)
    found = properties(parse_formula("y_true*abs(y_pred - 0.1)"))["gradient_at_uniform"]
    assert (found.value, found.exact) == ("unknown", False)


def test_a_common_factor_hides_nothing():
    # At p = 1 two terms cancel, which decimals in both would leave open.
    text = "y_pred**1.5 + y_true*(2 - 3*y_pred**0.5)"
    found, scaled = (properties(parse_formula(one), 4) for one in (text, f"1.83*({text})"))
    for name, value in found.items():
        if isinstance(value.value, str):
            assert (scaled[name].value, scaled[name].exact) == (value.value, value.exact), name
    for name in ("gradient_at_uniform", "gradient_confidently_wrong", "pull_at_one", "lipschitz_constant"):
        rel = 1e-12 if found[name].exact else 1e-2
        if not isinstance(found[name].value, str):
            assert scaled[name].value == pytest.approx(1.83 * np.array(found[name].value), rel=rel)
    widths = [re.findall(r"within (\S+)[,\s]?", one["bounded"].note) for one in (found, scaled)]
    assert [float(x.strip(",")) for x in widths[1]] == pytest.approx(
        [1.83 * float(x.strip(",")) for x in widths[0]], rel=1e-4
    )
