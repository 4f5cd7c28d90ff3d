"""Ball arithmetic: every ball holds the true value, and is small."""

from fractions import Fraction

import mpmath
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symloss.formula import FUNCTIONS, OPERATORS, call, parse_formula
from symloss.symbolic.balls import response_balls

POINTS = [Fraction(37, 1009), Fraction(271, 1009), Fraction(547, 1009), Fraction(881, 1009)]
ALL = [*FUNCTIONS.values(), *OPERATORS.values()]
ARGUMENTS = ["0.3 + y_pred", "2*y_pred - 0.9 + y_true", "1 - y_pred*y_pred", "0.7", "y_true + 1", "3"]


def exactly(point):
    return mpmath.mpf(point.numerator) / point.denominator


def check(ball, truth, digits=50):
    """The ball holds the truth, which is itself good to 38 digits, and its radius is at most 1e-50 or so."""
    middle = mpmath.mpf(ball.mid().str(70, radius=False))
    radius = mpmath.mpf(ball.rad().str(20, radius=False))
    size = 1 + abs(truth)
    assert radius < mpmath.mpf(10) ** -digits * size
    assert abs(middle - truth) <= radius + mpmath.mpf(10) ** -38 * size


@pytest.mark.parametrize("function", ALL, ids=[function.name for function in ALL])
def test_every_function(function, reference, slope):
    checked = 0
    for first in ARGUMENTS:
        for second in ARGUMENTS if function.arity == 2 else [None]:
            formula = call(function.name, *(parse_formula(text) for text in (first, second) if text))
            balls = response_balls(formula, POINTS)
            with mpmath.workdps(60):
                for point, pair in zip(POINTS, balls, strict=True):
                    p = exactly(point)
                    for label in (0, 1):
                        try:
                            expected = p * slope(formula, p, label)
                        except reference.Tame:
                            assert not pair[label].is_finite() or pair[label].is_zero()
                            continue
                        check(pair[label], expected)
                        checked += 1
    assert checked >= 20


@settings(deadline=None, max_examples=150)
@given(data=st.data(), point=st.sampled_from(POINTS), label=st.sampled_from([0, 1]))
def test_random_formulas(formulas, reference, slope, data, point, label):
    formula = data.draw(formulas)
    with mpmath.workdps(60):
        p = exactly(point)
        try:
            reference(formula, p, label)
            expected = p * slope(formula, p, label)
        except reference.Tame:
            assume(False)
        assume(abs(expected) < 1e4)
        ball = response_balls(formula, [point])[0][label]
        assume(ball.is_finite())  # where branches meet the ball may be nan, which claims nothing
        check(ball, expected, digits=40)


@pytest.mark.parametrize(
    "text",
    [
        "log(y_pred - 0.5)",
        "sqrt(y_pred - 0.5)",
        "(y_pred - 0.5)**0.5",
        "log(-sqrt(y_pred))",
        "1/(y_pred - 0.25)",
        "abs(log(y_pred - 0.5))",
    ],
)
def test_outside_the_domain_there_is_no_ball(text):
    for ball in response_balls(parse_formula(text), [Fraction(1, 4)])[0]:
        assert not ball.is_finite()


def test_cancellation_leaves_enough_digits():
    # 1e30 + CE - 1e30 and its like: 256 bits hold 77 digits.
    pair = response_balls(parse_formula("1e30*y_pred - y_true*log(y_pred) - 1e30*y_pred"), [Fraction(1, 3)])[0]
    check(pair[0], 0, 40)
    check(pair[1], -1, 40)


@pytest.mark.parametrize(("name", "expected"), [("i0", 0), ("i0e", 0), ("i1", 0.5), ("i1e", 0.5)])
def test_bessel_functions_have_a_slope_at_zero(name, expected):
    r0, _ = response_balls(parse_formula(f"{name}(4*y_pred - 1)"), [Fraction(1, 4)])[0]
    check(r0, expected)


def test_powers_of_zero():
    for r in response_balls(parse_formula("y_true**y_pred"), [Fraction(1, 3)])[0]:
        assert r.is_zero()


def test_zero_times_a_logarithm_of_zero_is_zero():
    r0, r1 = response_balls(parse_formula("y_true*log(y_true/y_pred)"), [Fraction(1, 3)])[0]
    assert r0.is_zero()
    check(r1, -1)
