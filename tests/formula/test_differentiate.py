"""Derivatives of trees against numerical ones at 60 digits, and formulas at one label against their values."""

import mpmath
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symloss.errors import SymlossError
from symloss.formula import Y_PRED, call, constant, parse_formula, to_text
from symloss.formula.differentiate import build, differentiate, specialise, times_p

PROBABILITIES = st.sampled_from([0.013, 0.127, 0.391, 0.577, 0.831, 0.987])


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_slopes_of_random_formulas(formulas, reference, data):
    formula = data.draw(formulas)
    p, y = data.draw(PROBABILITIES), data.draw(st.sampled_from([0, 1]))
    try:
        plain = specialise(formula, y)
        found = reference.plain(differentiate(plain), p, 0)
        with mpmath.workdps(60):
            values = [
                reference.raw(formula, mpmath.mpf(p) + h, y) for h in (-(mpmath.mpf(10) ** -9), mpmath.mpf(10) ** -9)
            ]
            at = reference.raw(formula, p, y)
            expected = mpmath.diff(lambda x: reference.raw(formula, x, y), mpmath.mpf(p), h=mpmath.mpf(10) ** -20)
    except (SymlossError, reference.Tame, ValueError, ZeroDivisionError, OverflowError):
        assume(False)
    # Not where a branch switches: there the slope has two values.
    assume(all(abs(value - at) <= 1e-3 * (1 + abs(at)) for value in values))
    assume(abs(expected) < 1e9)
    assume(abs((values[1] - at) - (at - values[0])) <= 1e-12 * (1 + abs(expected)))
    assert mpmath.almosteq(found, expected, rel_eps=1e-9, abs_eps=1e-9), to_text(formula)


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("-log(y_pred)", "-(1/y_pred)"),
        ("y_pred", "1"),
        ("3*y_pred", "3"),
        ("exp(2)", "0"),
        ("y_pred**3", "3*y_pred**2"),
        ("sign(y_pred - 0.5)", "0"),
        ("abs(y_pred - 0.5)", "sign(y_pred - 0.5)"),
    ],
)
def test_slopes_are_short(text, slope):
    assert to_text(differentiate(parse_formula(text))) == slope


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("1/y_pred", "1"),
        ("-(2/y_pred)", "-2"),
        ("3*(1/y_pred)", "3"),
        ("y_pred**(-0.3)", "y_pred**0.7"),
        ("exp(y_pred)", "y_pred*exp(y_pred)"),
        ("1/y_pred - y_pred", "1 - y_pred*y_pred"),
        ("1/(2*sqrt(y_pred))", "sqrt(y_pred)/2"),
        ("1/sqrt(y_pred)", "sqrt(y_pred)"),
    ],
)
def test_a_factor_p_cancels(text, product):
    assert to_text(times_p(parse_formula(text))) == product


def test_a_label_removes_what_it_multiplies():
    assert to_text(specialise(parse_formula("-y_true*log(y_pred) + (1 - y_true)*log(1 - y_pred)"), 1)) == "-log(y_pred)"
    assert to_text(specialise(parse_formula("y_true*log(y_true/y_pred)"), 0)) == "0"


def test_numbers_are_folded_only_where_that_is_exact():
    third = parse_formula("1/3")
    assert build("div", *third.args) == third
    assert build("mul", constant(0.1), constant(3.0)) == constant(0.3)  # decimals, not binary fractions
    assert build("add", constant(1e16), constant(0.1)).op == "add"
    assert specialise(parse_formula("log(2) + 0*y_pred"), 1) == call("log", constant(2.0))


@pytest.mark.parametrize("text", ["log(y_true)*y_pred", "y_pred/y_true", "y_pred + log(log(y_true + 1) - 1)"])
def test_a_label_without_a_value_is_refused(text):
    with pytest.raises(SymlossError, match="not a finite real number"):
        specialise(parse_formula(text), 0)


def test_nested_maxima(reference):
    slope = differentiate(parse_formula("max(y_pred, min(0.2, y_pred)) + relu(0.5 - y_pred)"))
    assert Y_PRED in slope.walk()
    assert [reference.plain(slope, p) for p in (0.1, 0.3, 0.7)] == [0, 0, 1]
