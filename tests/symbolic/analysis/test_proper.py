"""Properness and symmetry beyond the catalogue."""

import pytest

from symloss.formula import parse_formula
from symloss.symbolic.analysis.one_hot import OneHot
from symloss.symbolic.analysis.proper import strictly_proper, symmetric

ONE = "(sin(y_pred)**2 + cos(y_pred)**2)"


def ask(question, text, classes=10):
    found = question(OneHot(parse_formula(text), classes))
    return found.value, found.exact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-y_true*log(y_pred) + 3*y_pred", ("yes", True)),
        ("-2*y_true*log(y_pred) + (y_pred - y_true)**2", ("yes", True)),  # proper losses add up
        ("y_pred*y_pred - 2*y_true*y_pred", ("yes", True)),  # Brier, expanded
        ("-y_true*log(y_pred**2)/2", ("yes", True)),
        # The power family a*p**(a-1)*... of Selten: f1 = (a-1)*p**a - a*p**(a-1) and f0 = (a-1)*p**a, a = 3.
        ("2*y_pred**3 - 3*y_true*y_pred**2", ("yes", True)),
        ("y_true*log(y_pred)", ("no", True)),  # stationary, but a maximum
        ("2*y_true*y_pred - y_pred*y_pred", ("no", True)),
        ("-y_true*log(y_pred)*(1 + 0.000001*y_pred)", ("no", True)),
        (f"-y_true*log(y_pred)*{ONE}", ("yes", False)),  # constant only by the theorem of Pythagoras
    ],
)
def test_strictly_proper(text, expected):
    assert ask(strictly_proper, text) == expected


@pytest.mark.parametrize(
    ("text", "classes", "expected"),
    [
        ("9*y_true*y_pred**2 - (1 - y_true)*y_pred**2", 10, ("yes", True)),
        ("9*y_true*y_pred**2 - (1 - y_true)*y_pred**2", 9, ("no", True)),
        ("2*y_true*log(1 + y_pred) - (1 - y_true)*log(1 + y_pred) + y_pred", 3, ("yes", True)),
        (f"-y_true*y_pred*{ONE}", 10, ("yes", False)),
        ("-y_true*abs(y_pred - 0.3)", 10, ("no", True)),  # affine on each side only
        ("-y_true*(y_pred + 0.0000001*y_pred**2)", 10, ("no", True)),
        ("-y_true*y_pred**2", 2, ("unknown", False)),
    ],
)
def test_symmetric(text, classes, expected):
    assert ask(symmetric, text, classes) == expected
