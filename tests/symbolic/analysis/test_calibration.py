"""Calibration beyond the catalogue, against a grid of predictions for three classes."""

import numpy as np
import pytest

from symloss.formula import parse_formula
from symloss.symbolic.analysis.calibration import classification_calibrated
from symloss.symbolic.analysis.one_hot import OneHot

STEPS = 120
GRID = np.array([(i, j, STEPS - i - j) for i in range(STEPS + 1) for j in range(STEPS + 1 - i)]) / STEPS


def keeps_argmax(positive, negative):
    """Whether the best prediction of a grid has the right argmax, for several class probabilities."""
    p = np.clip(GRID, 1e-9, 1 - 1e-9)
    rng = np.random.default_rng(0)
    for _ in range(40):
        q = np.sort(rng.dirichlet(np.ones(3)))[::-1] * 0.9 + [0.1, 0, 0]
        risk = (q * positive(p) + (1 - q) * negative(p)).sum(axis=1)
        best = p[np.argmin(risk)]
        if best[0] < best.max() - 1.5 / STEPS:
            return False
    return True


def zero(p):
    return 0 * p


CASES = [
    ("y_true*exp(-3*y_pred)", lambda p: np.exp(-3 * p), zero, ("yes", True)),
    ("y_true*(y_pred - 0.7)**2", lambda p: (p - 0.7) ** 2, zero, ("yes", True)),  # falls to 0.7, G(p) < G(1-p)
    ("y_true*log(y_pred)", np.log, zero, ("no", True)),
    ("y_true*y_pred", lambda p: p, zero, ("no", True)),
    ("y_true*(y_pred - 0.2)**2", lambda p: (p - 0.2) ** 2, zero, ("no", False)),
    ("(sin(20*y_pred) + y_pred)*y_true", lambda p: np.sin(20 * p) + p, zero, ("no", False)),
    (
        "y_true*(y_pred - 0.4)**2 - y_pred**2*0.1",
        lambda p: (p - 0.4) ** 2 - p**2 / 10,
        lambda p: -(p**2) / 10,
        ("no", False),
    ),
]


@pytest.mark.parametrize(("text", "positive", "negative", "expected"), CASES, ids=[case[0] for case in CASES])
def test_against_a_grid(text, positive, negative, expected):
    found = classification_calibrated(OneHot(parse_formula(text), 10))
    assert (found.value, found.exact) == expected
    assert keeps_argmax(positive, negative) == (expected[0] == "yes")


@pytest.mark.parametrize(
    "text",
    [
        "-y_true*y_pred**2*(1 - y_pred)",  # G(0) = G(1): the corners tie, and only the interior decides
        "log(y_pred) - 2*y_true*log(y_pred) - y_true*y_pred",  # no lower bound: L(p, 0) goes to -inf at p = 0
        "y_true*(y_pred - 0.5)**2",  # the two best classes tie at 1/2
    ],
)
def test_no_proof_where_its_conditions_fail(text):
    found = classification_calibrated(OneHot(parse_formula(text), 10))
    assert found.value != "yes"
