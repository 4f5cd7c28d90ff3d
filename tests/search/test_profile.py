"""What a loss does to logits, against autograd's gradient at logits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from symloss import Loss
from symloss.formula import parse_formula
from symloss.losses import CATALOGUE
from symloss.search.profile import profile
from symloss.symbolic import normalised_curves

NGL = "exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))"
LOG_ODDS = np.linspace(-10, 8, 25)


def gradient(text: str, probabilities: list[float]) -> np.ndarray:
    """Return autograd's gradient at the logits of one sample whose true class is the first."""
    logits = torch.tensor([probabilities], dtype=torch.float64).log().requires_grad_()
    Loss(text, reduction="sum")(logits, torch.tensor([0])).backward()
    assert logits.grad is not None
    return logits.grad[0].numpy()


@pytest.mark.parametrize("text", [NGL, "-y_true*log(y_pred)", "(y_true - y_pred)**2"])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_it_is_the_gradient_at_the_logits_as_a_share_of_that_at_uniform_p(text: str, classes: int) -> None:
    found = 0.01 * np.sinh(profile(parse_formula(text), [classes])).reshape(-1, LOG_ODDS.size)
    scale = abs(gradient(text, [1 / classes] * classes)[0])
    assert len(found) == (1 if classes == 2 else 5)
    for place, u in enumerate(LOG_ODDS):
        p, q = 1 / (1 + np.exp(-u)), 1 / (1 + np.exp(u))
        nothing = [1e-30] * (classes - 2)
        wanted = [gradient(text, [p, q, *nothing])[0]]
        if classes > 2:
            wanted.append(gradient(text, [p, *[q / (classes - 1)] * (classes - 1)])[0])
            wanted += list(gradient(text, [p, q / 2, *[q / 2 / (classes - 2)] * (classes - 2)])[:3])
        np.testing.assert_allclose(found[:, place], np.array(wanted) / scale, rtol=1e-6, atol=1e-9)


@given(st.floats(0.01, 100), st.floats(-5, 5))
def test_a_factor_and_a_multiple_of_p_are_no_matter(factor: float, multiple: float) -> None:
    plain = profile(parse_formula(NGL), [10])
    same = profile(parse_formula(f"{factor!r}*({NGL}) + {multiple!r}*y_pred"), [10])
    np.testing.assert_allclose(same, plain, rtol=1e-7, atol=1e-6)


def test_it_is_finite_for_every_known_loss_and_one_part_for_each_number_of_classes() -> None:
    for loss in CATALOGUE.values():
        if loss.plain:
            both = profile(loss.plain_formula, [1000, 2])
            assert both.shape == (150,)
            assert np.isfinite(both).all()
            assert np.array_equal(both[:125], profile(loss.plain_formula, [1000]))


def test_it_tells_apart_what_curves_do_not() -> None:
    """With 100:1 imbalance the first of these trains 1.7 points better than the second, on 40 seeds."""
    texts = "(tanh(y_pred) - y_true)*y_pred", "y_pred - (2*y_true - log(y_pred))*y_pred"
    one, other = map(parse_formula, texts)
    curves = [normalised_curves(loss) for loss in (one, other)]
    assert curves[0] is not None
    assert curves[1] is not None
    assert np.linalg.norm(curves[0] - curves[1]) < 0.02
    a, b = (vector / np.linalg.norm(vector) for vector in (profile(one, [10]), profile(other, [10])))
    assert np.linalg.norm(a - b) > 0.3
