"""LaTeX: as written, in p and y, decimals as decimals."""

import re

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from symloss.formula import FUNCTIONS, call, parse_formula
from symloss.symbolic import ExpressionError, to_latex


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("-y_true*log(y_pred)", r"-y \log\left(p\right)"),
        ("(y_true - y_pred)**2", r"\left(y - p\right)^{2}"),
        ("abs(y_true - y_pred)", r"\left|y - p\right|"),
        (
            "exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))",
            r"e^{2.4092 - p \left(1 + y\right)} - \cos\left(\cos\left(\sin\left(p\right)\right)\right)",
        ),
        ("y_true*(1 - y_pred**0.7)/0.7", r"\frac{y \left(1 - p^{0.7}\right)}{0.7}"),
        ("0.5*y_pred", "0.5 p"),
        ("y_pred*2", r"p \cdot 2"),
        ("2*3*y_pred", r"2 \cdot 3 p"),
        ("2*(1/3)*y_pred", r"2 \cdot \frac{1}{3} p"),
        ("1e-07*y_pred", r"1 \cdot 10^{-7} p"),
        ("y_pred**1e-07", r"p^{1 \cdot 10^{-7}}"),
        ("1e-07**y_pred", r"\left(1 \cdot 10^{-7}\right)^{p}"),
        ("(-2)**y_pred", r"\left(-2\right)^{p}"),
        ("-y_pred/y_true", r"-\frac{p}{y}"),
        ("y_pred - (y_true - 1)", r"p - \left(y - 1\right)"),
        ("y_pred - (y_true + 1)", r"p - \left(y + 1\right)"),
        ("y_pred + (y_true - 1)", "p + y - 1"),
        ("y_pred + (-y_true)", r"p + \left(-y\right)"),
        ("y_pred*(-y_true)", r"p \left(-y\right)"),
        ("-(y_pred + 1)", r"-\left(p + 1\right)"),
        ("-(-y_pred)", r"-\left(-p\right)"),
        ("log(y_pred)**2", r"\left(\log\left(p\right)\right)^{2}"),
        ("square(sqrt(y_pred))", r"\left(\sqrt{p}\right)^{2}"),
        ("(y_pred**2)**3", r"\left(p^{2}\right)^{3}"),
        ("exp(y_pred)**2", r"\left(e^{p}\right)^{2}"),
        ("atan(y_pred) + asinh(y_true)", r"\arctan\left(p\right) + \operatorname{arsinh}\left(y\right)"),
        ("max(y_pred, y_true)", r"\max\left(p, y\right)"),
        ("i0(y_pred) - i1e(y_true)", r"I_{0}\left(p\right) - \operatorname{i1e}\left(y\right)"),
        ("relu(y_pred)", r"\operatorname{relu}\left(p\right)"),
        ("y_pred + (-0.01 + y_pred)", r"p + \left(-0.01 + p\right)"),
    ],
)
def test_exact_strings(text, latex):
    assert to_latex(parse_formula(text)) == latex


@given(data=st.data())
def test_braces_and_delimiters_balance(formulas, data):
    latex = to_latex(data.draw(formulas))
    depth = 0
    for character in latex:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    assert latex.count(r"\left") == latex.count(r"\right")
    assert "y_" not in latex
    assert "**" not in latex
    assert not re.search(r"\d\s+\d", latex), "two numbers side by side"
    assert "+ -" not in latex
    assert "- -" not in latex


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=list(FUNCTIONS))
def test_every_function_has_its_own_notation(function):
    others = {
        to_latex(call(other.name, *[parse_formula("y_pred")] * other.arity))
        for other in FUNCTIONS.values()
        if other is not function
    }
    assert to_latex(call(function.name, *[parse_formula("y_pred")] * function.arity)) not in others


def test_sympy_expressions():
    p, y = sympy.symbols("y_pred y_true")
    assert to_latex(-y * sympy.log(p)) == r"-y \log\left(p\right)"
    assert to_latex(p * sympy.Rational("2.4092")) == "2.4092 p"
    with pytest.raises(ExpressionError):
        to_latex(sympy.gamma(p))
