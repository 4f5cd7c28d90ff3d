"""What is written is read back as the same formula."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symloss.formula import Formula, call, constant, parse_formula, to_text
from symloss.formula.writer import number_text


def signed_literals(node: Formula) -> Formula:
    """The one thing the reader folds: a minus sign directly before a literal belongs to the number."""
    if not node.args:
        return node
    args = [signed_literals(arg) for arg in node.args]
    if node.op == "neg" and node.args[0].op == "const" and node.args[0].value >= 0:
        return constant(-node.args[0].value)
    return call(node.op, *args)


@given(data=st.data())
def test_round_trip(formulas, data):
    formula = data.draw(formulas)
    assert parse_formula(to_text(formula)) == signed_literals(formula)


@given(st.floats(-1e30, 1e30))
def test_numbers_keep_every_bit(value):
    assert float(number_text(value)) == value
    assert parse_formula(to_text(constant(value))) == constant(value)


@pytest.mark.parametrize(
    "text",
    [
        "-y_true*log(y_pred)",
        "(y_true - y_pred)**2",
        "exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))",
        "y_true*(1 - y_pred**0.7)/0.7",
        "y_pred - (y_true + 1)",
        "y_pred/(2*y_true)",
        "2**(-y_pred)",
        "(-2)**y_pred",
        "-y_pred**2",
        "(-y_pred)**2",
        "(y_pred**2)**y_true",
        "y_pred**(2**y_true)",
        "-(-y_pred)",
        "y_pred - (-y_true)",
        "2*(-y_pred)",
        "max(y_pred, 1e-07)",
        "1e+16*y_pred",
    ],
)
def test_no_needless_parentheses(text):
    assert to_text(parse_formula(text)) == text
