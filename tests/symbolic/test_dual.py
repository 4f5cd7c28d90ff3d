"""Values and derivatives by forward mode against numerical differentiation at 60 digits."""

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symloss.formula import FUNCTIONS, OPERATORS, call, parse_formula
from symloss.symbolic.dual import evaluate, evaluate_labels

P = np.array([0.0371923, 0.271828, 0.5431, 0.871239])
ALL = [*FUNCTIONS.values(), *OPERATORS.values()]
ARGUMENTS = ["0.3 + y_pred", "2*y_pred - 0.9 + y_true", "1 - y_pred*y_pred", "0.7", "y_true + 1"]


def agree(ours, truth, rel=1e-11):
    return mpmath.almosteq(mpmath.mpf(float(ours)), truth, rel_eps=rel, abs_eps=1e-12)


@pytest.mark.parametrize("function", ALL, ids=[function.name for function in ALL])
def test_every_function_and_its_derivative(function, reference, slope):
    checked = 0
    for first in ARGUMENTS:
        for second in ARGUMENTS if function.arity == 2 else [None]:
            args = [parse_formula(text) for text in (first, second) if text]
            formula = call(function.name, *args)
            for y in (0.0, 1.0):
                value, rate = evaluate(formula, P, 1 - P, y)
                value = np.broadcast_to(value, P.shape)
                rate = np.zeros(P.shape) if rate is None else np.broadcast_to(rate, P.shape)
                for place, p in enumerate(P):
                    try:
                        expected = reference.plain(formula, p, y)
                        expected_slope = slope(formula, p, y)
                    except reference.Tame:
                        assert np.isnan(value[place])
                        assert np.isnan(rate[place]) or not any("y_pred" in text for text in (first, second or ""))
                        continue
                    assert agree(value[place], expected)
                    assert agree(rate[place], expected_slope)
                    checked += 1
    assert checked >= 20


@settings(deadline=None, max_examples=200)
@given(data=st.data(), p=st.sampled_from(P.tolist()), y=st.sampled_from([0.0, 1.0]))
def test_random_formulas(formulas, reference, slope, data, p, y):
    formula = data.draw(formulas)
    try:
        expected = reference(formula, p, y)
        expected_slope = slope(formula, p, y)
    except reference.Tame:
        assume(False)
    assume(abs(expected_slope) < 1e4)
    at = np.array([p])
    value, rate = evaluate(formula, at, 1 - at, y)
    assert agree(np.broadcast_to(value, 1)[0], expected, 1e-8)
    found = 0.0 if rate is None else np.broadcast_to(rate, 1)[0]
    # The root of what is 0 everywhere, as sqrt(y_pred - y_pred): 0 times infinity for floats.
    assume(not (np.isnan(found) and expected_slope == 0 and any(node.op == "sqrt" for node in formula.walk())))
    assert agree(found, expected_slope, 1e-6)


@pytest.mark.parametrize("function", ALL, ids=[function.name for function in ALL])
def test_single_precision_stays_single(function):
    p = P.astype(np.float32)
    for first in ARGUMENTS:
        for second in ARGUMENTS if function.arity == 2 else [None]:
            formula = call(function.name, *(parse_formula(text) for text in (first, second) if text))
            values, slopes = evaluate_labels(formula, p, 1 - p)
            assert values.dtype == slopes.dtype == np.float32
            assert values.shape == slopes.shape == (2, 4)


def test_one_minus_p_keeps_its_digits():
    q = np.array([1e-20, 3e-12])
    value, rate = evaluate(parse_formula("log(1 - y_pred)"), 1 - q, q, 0.0)
    np.testing.assert_allclose(value, np.log(q), rtol=1e-15)
    np.testing.assert_allclose(rate, -1 / q, rtol=1e-15)


@pytest.mark.parametrize(
    "text", ["log(y_pred - 0.5)", "sqrt(y_pred - 0.5)", "(y_pred - 0.5)**0.5", "-log(-sqrt(y_pred))"]
)
def test_outside_its_domain_neither_value_nor_slope_is_finite(text):
    # 1/a is a number at a < 0, where log(a) is none.
    at = np.array([0.2])
    value, rate = evaluate(parse_formula(text), at, 1 - at, 1.0)
    assert np.isnan(value).all()
    assert np.isnan(rate).all()


@pytest.mark.parametrize(("name", "expected"), [("i0", 0), ("i0e", 0), ("i1", 0.5), ("i1e", 0.5)])
def test_bessel_functions_have_a_slope_at_zero(name, expected):
    at = np.array([0.25])
    _, rate = evaluate(parse_formula(f"{name}(y_pred - 0.25)"), at, 1 - at, 1.0)
    assert rate == expected


def test_a_bessel_function_that_overflows_is_infinite_with_its_slope():
    at = np.array([0.2])
    for name in ("i0", "i1"):
        value, rate = evaluate(parse_formula(f"{name}(1000*y_pred/0.2)"), at, 1 - at, 1.0)
        assert np.isposinf(value).all()
        assert np.isposinf(rate).all()


def test_powers_of_zero():
    for text in ("y_true**y_pred", "(y_pred - y_pred)**y_pred"):
        value, rate = evaluate(parse_formula(text), P, 1 - P, np.array([[0.0]]))
        np.testing.assert_array_equal(value, 0)
        np.testing.assert_array_equal(rate, 0)


def test_overflow_is_infinite_and_silent():
    at = np.array([0.2])
    value, rate = evaluate(parse_formula("exp(1000/y_pred)"), at, 1 - at, 1.0)
    assert np.isposinf(value).all()
    assert np.isinf(rate).all()


@pytest.mark.parametrize("text", ["y_true*log(y_true/y_pred)", "y_true*log(y_true) - y_true*log(y_pred)"])
def test_zero_times_a_logarithm_of_zero_is_zero(text):
    values, slopes = evaluate_labels(parse_formula(text), P, 1 - P)
    np.testing.assert_array_equal(values[0], 0)
    np.testing.assert_array_equal(slopes[0], 0)
    np.testing.assert_allclose(values[1], -np.log(P), rtol=1e-15)
    np.testing.assert_allclose(slopes[1], -1 / P, rtol=1e-15)


def test_a_label_without_value_stays_without():
    values, slopes = evaluate_labels(parse_formula("y_pred + log(y_true)"), P, 1 - P)
    assert np.isneginf(values[0]).all()
    np.testing.assert_array_equal(slopes, 1)
    values, _ = evaluate_labels(parse_formula("y_pred/y_true"), P, 1 - P)
    assert not np.isfinite(values[0]).any()
