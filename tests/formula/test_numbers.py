"""Constant arithmetic against mpmath."""

import sys
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symloss.formula import FUNCTIONS, OPERATORS, call, constant, exact
from symloss.formula.numbers import compute

DECIMALS = st.decimals(-1000, 1000, places=6).map(float)
UNARY = [function.name for function in [*FUNCTIONS.values(), *OPERATORS.values()] if function.arity == 1]


@pytest.mark.parametrize("op", UNARY)
def test_every_function_agrees_with_mpmath(op, reference):
    checked = 0
    for value in (-700.0, -40.0, -3.7, -1.0, -0.25, -1e-9, 0.0, 1e-9, 0.3, 1.0, 2.5, 40.0, 700.0):
        try:
            expected = reference.plain(call(op, constant(value)))
        except reference.Tame:
            assert op in ("log", "sqrt")
            assert compute(op, value) is None
            continue
        if abs(expected) > sys.float_info.max or 0 < abs(expected) < sys.float_info.min:
            continue
        checked += 1
        assert compute(op, value) == pytest.approx(float(expected), rel=1e-13, abs=0)
    assert checked >= 6


@given(DECIMALS, DECIMALS, st.sampled_from(["add", "sub", "mul", "div"]))
def test_arithmetic_is_that_of_decimals(a, b, op):
    operations = {"add": "__add__", "sub": "__sub__", "mul": "__mul__", "div": "__truediv__"}
    if op == "div" and b == 0:
        assert compute(op, a, b) is None
        return
    truth = getattr(exact(a), operations[op])(exact(b))
    assert compute(op, a, b) == truth.numerator / truth.denominator  # the float nearest to the exact result


def test_decimals_do_not_drift():
    assert compute("add", 0.1, 0.2) == 0.3
    assert compute("mul", 0.1, 3.0) == 0.3
    assert compute("square", 1.1) == 1.21
    assert compute("pow", 1.1, 2.0) == 1.21
    assert exact(compute("div", 0.3, 0.1)) == Fraction(3)


@pytest.mark.parametrize(
    ("op", "values"),
    [
        ("div", (1.0, 0.0)),
        ("div", (0.0, 0.0)),
        ("log", (0.0,)),
        ("log", (-1.0,)),
        ("sqrt", (-1.0,)),
        ("pow", (-8.0, 1 / 3)),
        ("pow", (0.0, -1.0)),
        ("pow", (9.0, 1e9)),
        ("pow", (10.0, 400.0)),
        ("mul", (1e300, 1e300)),
        ("exp", (1000.0,)),
        ("cosh", (1000.0,)),
        ("square", (1e200,)),
    ],
)
def test_what_has_no_finite_real_value_is_none(op, values):
    assert compute(op, *values) is None


@given(st.floats(0.01, 50), st.integers(-20, 20))
def test_powers(base, exponent):
    with mpmath.workdps(40):
        truth = mpmath.mpf(exact(base).numerator) / exact(base).denominator
        assert compute("pow", base, float(exponent)) == pytest.approx(float(truth**exponent), rel=1e-13, abs=0)


@given(DECIMALS, DECIMALS)
def test_choices(a, b):
    assert compute("max", a, b) == (a if a > b else b)
    assert compute("min", a, b) == (a if a < b else b)
