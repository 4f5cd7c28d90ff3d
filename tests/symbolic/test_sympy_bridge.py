"""To SymPy and back without a change of value, and without ever hanging."""

import contextlib
import random
import time

import mpmath
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symloss.errors import SymlossError
from symloss.formula import FUNCTIONS, OPERATORS, Y_PRED, Y_TRUE, FormulaError, call, constant, parse_formula, to_text
from symloss.symbolic import ExpressionError, from_sympy, parse_expression, to_sympy
from symloss.symbolic.sympy_bridge import y_pred, y_true

ALL = [*FUNCTIONS.values(), *OPERATORS.values()]


@pytest.mark.parametrize("function", ALL, ids=[function.name for function in ALL])
def test_every_function_there_and_back(function, reference):
    formula = call(
        function.name, *[parse_formula("y_pred + 0.1*y_true"), parse_formula("0.4 - y_pred")][: function.arity]
    )
    expression = to_sympy(formula)
    back = from_sympy(expression)
    for p in (0.125, 0.375):
        for y in (0, 1):
            expected = reference.plain(formula, p, y)
            ours = expression.subs({y_pred: sympy.Rational(p), y_true: y}).evalf(30)
            with mpmath.workdps(40):
                assert mpmath.almosteq(mpmath.mpf(str(ours)), expected, 1e-25)
            assert mpmath.almosteq(reference.plain(back, p, y), expected, 1e-13)


@settings(deadline=None, max_examples=200)
@given(data=st.data(), p=st.sampled_from([0.0371, 0.31, 0.8712]), y=st.sampled_from([0, 1]))
def test_random_formulas_there_and_back(formulas, reference, data, p, y):
    formula = data.draw(formulas)
    try:
        expected = reference(formula, p, y)
        back = from_sympy(to_sympy(formula))
    except (reference.Tame, ExpressionError):
        assume(False)
    assert mpmath.almosteq(reference.plain(back, p, y), expected, 1e-7, 1e-9)


@pytest.mark.parametrize(
    "text", ["2*i0(1)*y_pred", "i1(-0.5)*3*y_pred/i0(2)", "i0e(1)*y_pred*2", "i0(1)*i1(2)", "3*i1e(2)"]
)
def test_bessel_functions_of_numbers_stay(reference, text):
    formula = parse_formula(text)
    back = from_sympy(to_sympy(formula))
    assert mpmath.almosteq(reference.plain(back, 0.31), reference.plain(formula, 0.31), 1e-13)


def test_most_random_formulas_can_be_written_in_sympy(reference):
    rng = random.Random(1)

    def draw(depth):
        if depth == 0 or rng.random() < 0.15:
            return rng.choice([Y_PRED, Y_TRUE, constant(round(rng.uniform(-3, 3), 2))])
        function = rng.choice(ALL)
        return call(function.name, *(draw(depth - 1) for _ in range(function.arity)))

    written = defined = 0
    for _ in range(300):
        formula = draw(4)
        try:
            for y in (0, 1):
                reference(formula, 0.377, y)
        except reference.Tame:
            continue
        defined += 1
        try:
            from_sympy(to_sympy(formula))
        except SymlossError:
            continue
        written += 1
    assert defined > 150
    assert written >= 0.99 * defined


def test_decimals_are_exact():
    expression = parse_expression("2.4092*y_pred + 0.1")
    assert expression == sympy.Rational(6023, 2500) * y_pred + sympy.Rational(1, 10)
    assert to_sympy(constant(1e-7)) == sympy.Rational(1, 10**7)
    assert from_sympy(to_sympy(constant(-0.7))) == constant(-0.7)
    assert to_sympy(parse_formula("0.1 + 0.2")) == sympy.Rational(3, 10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-y_true*log(y_pred)", "-y_true*log(y_pred)"),
        ("y_pred/3", "y_pred/3"),
        ("y_true*(1 - y_pred)/2.4092", None),
        ("exp(-y_pred)/y_true", None),
        ("sqrt(y_pred)", "sqrt(y_pred)"),
        ("0.5*y_pred", "0.5*y_pred"),
        ("(0.3*y_pred)**0.123456789", "0.8618805280574028*y_pred**0.123456789"),
        ("exp(2)*y_pred", "exp(2)*y_pred"),
        ("tan(2*atan(1) + y_pred)", "-1/tan(y_pred)"),
        ("y_pred**100", "y_pred**100"),
        ("i0(y_pred - y_true) + i1(y_pred)", "i0(y_pred - y_true) + i1(y_pred)"),
        ("i0(2)*y_pred", "i0(2)*y_pred"),
        ("(1 - y_pred)**100", "(1 - y_pred)**100"),
        ("y_pred**0.123456789012345", "y_pred**0.123456789012345"),
    ],
)
def test_what_comes_back_reads_well(text, expected, reference):
    formula = parse_formula(text)
    back = from_sympy(to_sympy(formula))
    assert expected is None or to_text(back) == expected
    assert mpmath.almosteq(reference.plain(back, 0.377, 1), reference.plain(formula, 0.377, 1), 1e-13)


def test_an_odd_bessel_function_has_a_value_where_its_argument_is_zero():
    assert to_sympy(parse_formula("i1(1 - y_pred)")).subs(y_pred, 1) == 0


def test_users_own_symbols_and_constants():
    p, y = sympy.symbols("y_pred y_true")
    assert from_sympy(-y * sympy.log(p)) == parse_formula("-y_true*log(y_pred)")
    assert from_sympy(sympy.pi * p) == call("mul", constant(3.141592653589793), Y_PRED)
    assert from_sympy(sympy.Float("0.7") * p) == parse_formula("0.7*y_pred")
    assert from_sympy(sympy.E**p) == parse_formula("exp(y_pred)")
    assert from_sympy(sympy.cot(p)) == parse_formula("1/tan(y_pred)")


@pytest.mark.parametrize(
    "expression",
    [
        sympy.gamma(y_pred),
        sympy.besseli(2, y_pred),
        sympy.Symbol("z"),
        sympy.I * y_pred,
        y_pred < 1,
        sympy.Integer(10) ** 400,
        sympy.Integer(10) ** -400 * y_pred,
        sympy.oo,
        sympy.zoo,
        sympy.nan,
    ],
    ids=str,
)
def test_what_has_no_counterpart(expression):
    with pytest.raises(ExpressionError):
        from_sympy(expression)


@pytest.mark.parametrize(
    "text",
    [
        "log(0)*y_pred",
        "y_pred + 1/0",
        "0/0*y_pred",
        "sqrt(-1)*y_pred",
        "(-8)**(1/3)*y_pred",
        "y_pred/(y_pred - y_pred)",
        "log(y_pred - y_pred)",
        "sqrt(-y_pred**2)",
        "max(y_pred, log(-exp(y_pred)))",
        "9**9**9**9*y_pred",
        "1.000001**100000000*y_pred",
        "exp(exp(exp(exp(9))))*y_pred",
        "exp(1000)*y_pred",
    ],
)
def test_no_finite_real_value(text):
    start = time.perf_counter()
    with pytest.raises(ExpressionError):
        parse_expression(text)
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    "text",
    [
        "2**0.5**0.5**0.5*y_pred",
        "1.0000001**100000000*y_pred",
        "(2*y_pred)**1000000",
        "(2*y_pred)**1000000000",
        "exp(-1000000000*log(2))*y_pred",
        "3**(-1000000000*log(5)/log(3))*y_pred",
        "exp(1000000000*log(3*y_pred))",
        "exp(1000000000*(log(3) + y_pred))",
        "(3*exp(y_pred))**1000000000",
        "sqrt(2*y_pred)**2000000000",
        "abs(3*y_pred)**1000000000",
        "(y_pred/y_pred + 8)**(9**9)*y_pred",
        "(9**(9**9*y_pred**0))**(9**9*y_pred**0)*y_pred",
        "max(y_pred, exp(exp(exp(exp(9*y_pred**0)))))",
        "((((2*y_pred)**60)**60)**60)**60",
        "((((2 + 2*y_pred)**16)**16)**16)**16",
        "1e-300**60*y_pred",
        "1.2345678901234567e-300**63.98765432*y_pred",
        "exp(-exp(exp(4)))*y_pred",
        "max(sin(1e30), y_pred)",
        "tanh(y_pred**0.123456789012345)",
        "asinh(cosh(square(y_pred)**3.0445678901234567))",
        "tanh((y_pred - log(y_pred))**64)",
        "cos(sinh(tanh(max(y_pred, y_true))**0.4954123456789) + log(sign(y_pred)))",
        "y_pred**1e-300*y_pred**0.7",
        "asinh(cosh(y_pred**12345.6789))",
        "i0e(" * 8 + "y_true - y_pred" + ")" * 8,
        "i1e(" * 16 + "y_pred" + ")" * 16,
    ],
)
def test_nothing_hangs(text):
    start = time.process_time()
    with contextlib.suppress(ExpressionError):
        from_sympy(to_sympy(parse_formula(text)))
    assert time.process_time() - start < 2


def test_text_goes_through_our_parser():
    with pytest.raises(FormulaError):
        parse_expression("__import__('os').system('x')")
    assert parse_expression("-y_true*log(y_pred)") == -y_true * sympy.log(y_pred)


def test_a_number_that_is_too_small_is_named_as_the_reason():
    with pytest.raises(ExpressionError, match=r"^a number of the formula, written out, is not between"):
        to_sympy(parse_formula("(1e-20*y_pred)**20*y_true"))
