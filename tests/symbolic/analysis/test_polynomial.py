"""What the polynomial form shows to be a number must be one, by mpmath; and it must show the usual identities."""

import random
from fractions import Fraction

import mpmath
import pytest

from symloss.formula import parse_formula
from symloss.symbolic.analysis.polynomial import constant_value, is_constant, polynomial

IDENTITIES = [
    ("y_pred*(1/y_pred)", 1),
    ("y_pred**2/y_pred - y_pred", 0),
    ("(1 - y_pred)**2 - 1 + 2*y_pred - y_pred*y_pred", 0),
    ("sqrt(y_pred)*sqrt(y_pred) - y_pred", 0),
    ("y_pred**0.7*y_pred**(-0.7)", 1),
    ("log(y_pred**2) - 2*log(y_pred)", 0),
    ("exp(2*log(y_pred)) - y_pred**2", 0),
    ("log(1/y_pred) + log(y_pred)", 0),
    ("log(exp(y_pred)) - y_pred", 0),
    ("exp(y_pred)*exp(-y_pred)", 1),
    ("exp(2 - y_pred)*exp(y_pred) - exp(2)", 0),
    ("sin(1 - y_pred) - sin(-y_pred + 1)", 0),
    ("0.1 + 0.2 - 0.3 + 0*y_pred", 0),
    ("square(1 + y_pred) - (1 + y_pred)**2", 0),
    ("-(-y_pred) - y_pred/1", 0),
    ("1/(1 + y_pred) - 1/(y_pred + 1)", 0),
    ("y_pred*(-(1/y_pred)) + (1 - y_pred)*0", -1),
]
NOT_CONSTANT = [
    "y_pred",
    "exp(y_pred)*exp(y_pred)",
    "log(y_pred)*y_pred",
    "sin(y_pred)**2 + cos(2*y_pred)",
    "sqrt(y_pred)*y_pred**(-0.4)",
    "exp(2*log(y_pred))",
    "log(2*y_pred)",
    "1/(1 + y_pred)",
    "(1 + y_pred)**0.5",
    "abs(y_pred)*0.5",
    "max(y_pred, exp(y_pred))",
]


@pytest.mark.parametrize(("text", "value"), IDENTITIES)
def test_identities(text, value):
    assert constant_value(polynomial(parse_formula(text))) == Fraction(value)


@pytest.mark.parametrize("text", NOT_CONSTANT)
def test_what_varies(text):
    found = polynomial(parse_formula(text))
    assert not is_constant(found)
    assert constant_value(found) is None


def test_a_number_that_is_not_rational():
    found = polynomial(parse_formula("exp(2)*sin(1) + y_pred - y_pred"))
    assert is_constant(found)
    assert constant_value(found) is None


@pytest.mark.parametrize(
    "text", ["y_pred/(y_pred - y_pred)", "(1 + y_pred + log(y_pred) + exp(y_pred))**6*(1 + y_pred)**6"]
)
def test_nothing_is_said_of_what_is_too_large_or_divides_by_zero(text):
    found = polynomial(parse_formula(text))
    assert found is None
    assert not is_constant(found)


OPERATIONS = [
    "({} + {})",
    "({} - {})",
    "({})*({})",
    "({})/(2 + {})",
    "exp({} - ({}))",
    "({} + {})**2",
    "sqrt(1 + ({} + {})**2)",
]


@pytest.mark.parametrize("seed", range(60))
def test_random_formulas_keep_their_values(reference, seed):
    # The difference of a formula and a rewritten copy is a number only if it is 0 by mpmath.
    rng = random.Random(seed)

    def draw(depth):
        if depth == 0:
            return rng.choice(["y_pred", "1", "0.5", "log(y_pred)", "exp(y_pred)", "sqrt(y_pred)"])
        return rng.choice(OPERATIONS).format(draw(depth - 1), draw(depth - 1))

    one, two = draw(2), draw(2)
    for text in (f"({one}) - ({two})", f"({one})*({two}) - ({two})*({one})", f"({one})/({one})"):
        found = polynomial(parse_formula(text))
        with mpmath.workdps(50):
            values = [reference.raw(parse_formula(text), mpmath.mpf(k) / 17, 0) for k in (2, 5, 11)]
            spread = max(values) - min(values)
            if is_constant(found):
                assert spread < mpmath.mpf(10) ** -40
                value = constant_value(found)
                if value is not None:
                    assert abs(values[0] - mpmath.mpf(value.numerator) / value.denominator) < mpmath.mpf(10) ** -40
    assert is_constant(polynomial(parse_formula(f"({one})*({two}) - ({two})*({one})")))
