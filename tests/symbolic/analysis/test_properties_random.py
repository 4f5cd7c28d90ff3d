"""The property table on rewritten and on random losses: the writing may not matter, samples may not contradict."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import symloss
from symloss.formula import parse_formula
from symloss.grammar import Sampler, load_grammar
from symloss.losses.catalogue import CATALOGUE
from symloss.symbolic import IdentityIndex, Screener, properties, response_curves

C = 10


def comparable(found, factor=1.0):
    """Values and exactness; numbers times a factor."""
    return {
        name: (
            item.exact if name != "lipschitz_constant" else None,
            item.value if isinstance(item.value, str) else np.multiply(item.value, factor),
        )
        for name, item in found.items()
    }


def assert_same(found, other, factor=1.0):
    one, two = comparable(found, factor), comparable(other)
    for name, (exact, value) in one.items():
        assert exact == two[name][0], name
        if isinstance(value, str):
            assert value == two[name][1], name
        else:
            tolerance = 1e-2 if name == "lipschitz_constant" and not found[name].exact else 1e-7
            np.testing.assert_allclose(two[name][1], value, rtol=tolerance, atol=1e-12, err_msg=name)


MORE = [
    "exp(-2*y_pred*y_true) + y_pred**2",
    "abs(y_true - y_pred)**1.5",
    "-y_true*log(y_pred) - (1 - y_true)*log(1 - y_pred)",
    "y_pred*(y_pred - y_true + y_pred)",
]
ALL = {name: loss.plain_formula for name, loss in CATALOGUE.items() if loss.plain} | {
    text: parse_formula(text) for text in MORE
}
numbers = st.floats(-4, 4).map(lambda x: round(x, 3))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(ALL)), numbers, numbers, numbers)
def test_constants_and_multiples_of_p_change_nothing(name, a, b, c):
    text = symloss.formula.to_text(ALL[name])
    changed = parse_formula(f"{text} + {a}*y_pred + {b}*y_true + {c}")
    assert_same(properties(ALL[name], C), properties(changed, C))


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(ALL)), st.floats(0.1, 9).map(lambda x: round(x, 2)))
def test_a_positive_factor_scales_numbers_and_nothing_else(name, k):
    scaled = parse_formula(f"{k}*({symloss.formula.to_text(ALL[name])})")
    assert_same(properties(ALL[name], C), properties(scaled, C), factor=k)


@pytest.fixture(scope="module")
def survivors():
    """Losses that the screens let through, with their properties."""
    sampler, screener = Sampler(load_grammar("default")), Screener(C, IdentityIndex())
    drawn = (sampler.sample(random.Random(seed)).formula for seed in range(5000, 9000))
    passed = [formula for formula in drawn if screener(formula).screen is None][:25]
    assert len(passed) == 25
    return [(formula, properties(formula, C)) for formula in passed]


T = np.concatenate([np.geomspace(1e-15, 1e-2, 300), np.linspace(1e-2, 0.5, 300)])
P, Q = np.concatenate([T, 1 - T[::-1]]), np.concatenate([1 - T, T[::-1]])


def test_no_proof_is_contradicted_by_dense_sampling(survivors):
    middle = (P > 0.01) & (P < 0.99)
    for formula, found in survivors:
        r0, r1 = response_curves(formula, P, Q)
        text = symloss.formula.to_text(formula)
        condition = r1 + Q / P * r0
        if found["strictly_proper"].value == "yes":
            assert np.ptp(condition) < 1e-8 * max(abs(condition).max(), abs(r1).max()), text
            assert ((r1 - r0) < 1e-12).all(), text
        if found["strictly_proper"].value == "no":
            inner = condition[middle]
            assert np.ptp(inner) > 1e-9 * abs(inner).max() or (r1 - r0 > 0).any(), text
        total = (r1 + (C - 1) * r0) / P
        inner = total[middle]
        constant = np.ptp(inner) < 1e-9 * abs(inner).max()
        assert found["symmetric"].value == ("yes" if constant else "no"), text
        if found["lipschitz"].value == "yes":
            inside = max(abs(r0[middle]).max(), abs(r1[middle]).max())
            assert max(abs(Q * r0).max(), abs(Q * r1).max()) < 100 * inside, text
        others = Q / (C - 1)
        slope = r1 / P - response_curves(formula, others, 1 - others)[0] / others
        tolerance = 1e-9 * abs(slope[middle]).max()
        if found["monotone"].value == "yes":
            assert (slope < tolerance).all(), text
        if found["monotone"].value == "no":
            assert (slope > 0).any(), text


def test_values_are_as_bounded_as_claimed(survivors):
    depth = torch.linspace(0.5, 650, 400, dtype=torch.double)  # the first class at about exp(-depth), true or not
    logits = torch.stack([-depth, 0 * depth, 0 * depth], dim=1)
    for formula, found in survivors:
        module = symloss.Loss(formula, reduction="none")
        sizes = torch.stack([module(logits, torch.full((400,), label)).abs() for label in (0, 1)])
        near, far = sizes[:, :40].max().item(), sizes[:, 40:].max().item()
        if found["bounded"].value != "unknown":
            assert (far < 2 * near) == (found["bounded"].value == "yes"), symloss.formula.to_text(formula)


def test_gradients_of_survivors_stay_below_the_constant(survivors):
    rng = np.random.default_rng(6)
    logits = np.concatenate([scale * rng.normal(size=(200, C)) for scale in (0.5, 2, 6)])
    for formula, found in survivors:
        z = torch.tensor(logits, requires_grad=True)
        module = symloss.Loss(formula)
        module(z, torch.zeros(len(z), dtype=torch.long)).mul(len(z)).backward()
        claimed = found["lipschitz_constant"]
        if claimed.value not in ("unknown", "unbounded"):
            assert z.grad.norm(dim=1).max() <= claimed.value * (1 + (1e-8 if claimed.exact else 2e-2))


def test_convexity_of_survivors(survivors):
    rng = np.random.default_rng(7)
    label = torch.tensor([0])
    places = [torch.tensor(scale * z) for scale in (1, 3) for z in rng.normal(size=(12, C))]
    for formula, found in survivors:
        module = symloss.Loss(formula)
        if found["convex_in_logits"].value == "yes":
            for z in places:
                hessian = torch.autograd.functional.hessian(lambda x: module(x[None], label), z)  # noqa: B023
                assert torch.linalg.eigvalsh(hessian)[0] > -1e-9


def test_proven_calibration_of_survivors(survivors):
    rng = np.random.default_rng(8)
    p = np.array([(i, j, 80 - i - j) for i in range(81) for j in range(81 - i)]) / 80
    for formula, found in survivors:
        if not found["classification_calibrated"].exact:
            continue
        module = symloss.Loss(formula, reduction="none")
        logits = torch.tensor(np.log(np.clip(p, 1e-12, 1)))
        losses = torch.stack([module(logits, torch.full((len(p),), c)) for c in range(3)], dim=1).numpy()
        for _ in range(4):
            q = np.sort(rng.dirichlet(np.ones(3)))[::-1] * 0.9 + [0.1, 0, 0]  # no near ties
            best = p[np.argmin(losses @ q)]
            right = best[0] >= best.max() - 0.02  # the grid is as coarse as this
            assert right == (found["classification_calibrated"].value == "yes")
