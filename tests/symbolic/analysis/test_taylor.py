"""Taylor coefficients at p = 1 against mpmath."""

import mpmath
import pytest

from symloss.formula import parse_formula
from symloss.symbolic.analysis.taylor import taylor_at_one

ANALYTIC = [
    "-log(y_pred)",
    "y_pred**0.7 - y_pred**3",
    "exp(-y_pred)*cos(y_pred) - tan(y_pred)",
    "tanh(log(y_pred)) + sinh(y_pred)*cosh(y_pred)",
    "1/sqrt(1 + y_pred**2)",
    "erf(y_pred) - erfc(y_pred)*atan(y_pred)",
    "asinh(y_pred) + sigmoid(y_pred) - softplus(2*y_pred)",
    "abs(y_pred - 3) + relu(y_pred)*max(y_pred, 0.2) - min(y_pred, 4)",
    "y_pred**y_pred",
    "sign(y_pred - 0.5)*square(y_pred)/(2 - y_pred)",
]


@pytest.mark.parametrize("text", ANALYTIC)
def test_against_mpmath(reference, text):
    formula = parse_formula(text)
    with mpmath.workdps(60):
        expected = mpmath.taylor(lambda t: reference.raw(formula, 1 - t, 0), 0, 5)
        found = taylor_at_one(formula, 5)
        for value, coefficient in zip(found, expected, strict=True):
            assert abs(mpmath.mpf(float(value.mid())) - coefficient) < 1e-14 * (1 + abs(coefficient))


def test_a_quotient_of_two_zeros():
    # log(1 - t)/t = -1 - t/2 - t**2/3 - ...
    found = taylor_at_one(parse_formula("log(y_pred)/(1 - y_pred)"), 5)
    assert [float(value.mid()) for value in found] == pytest.approx([-1 / (k + 1) for k in range(6)])


@pytest.mark.parametrize(
    "text",
    [
        "sqrt(1 - y_pred)",
        "(1 - y_pred)**2.5",
        "log(1 - y_pred)",
        "1/(1 - y_pred)",
        "abs(y_pred - 1)",
        "max(y_pred, 1)",
        "log(y_pred - 2)",
        "i0(y_pred)",
        "log(y_pred)**6/(1 - y_pred)**6",  # loses too many terms
        "y_pred*(log(y_pred)/(1 - y_pred)**6)*(1 - y_pred)**5",
    ],
)
def test_unknown_where_there_is_no_series(text):
    assert taylor_at_one(parse_formula(text), 5) is None
