"""MathML: well-formed, as written, and read back by a reader that knows only how formulas are set."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symloss.formula import FUNCTIONS, Formula, call, hole, parse_formula
from symloss.symbolic import to_mathml
from symloss.symbolic.dual import evaluate_labels

NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
SIGNS = {"\u2212": "-", "\u2062": "*", "\u22c5": "*", "\u2061": ""}
NAMES = {"p": "y_pred", "y": "y_true", "arsinh": "asinh", "arctan": "atan", "I₀": "i0", "I₁": "i1"}


def read(element: ElementTree.Element) -> str:
    """Return the text of a formula that a MathML element shows."""
    tag = element.tag.removeprefix(NAMESPACE)
    parts = [read(child) for child in element]
    if tag == "mfrac":
        return f"(({parts[0]})/({parts[1]}))"
    if tag == "msqrt":
        return f"sqrt({''.join(parts)})"
    if tag == "msup":
        return f"exp({parts[1]})" if parts[0] == "e" else f"({parts[0]})**({parts[1]})"
    if tag in ("math", "mrow"):
        if parts and parts[0] == parts[-1] == "|":
            return f"abs({''.join(parts[1:-1])})"
        return "".join(parts)
    text = element.text or ""
    return SIGNS.get(text, text) if tag == "mo" else NAMES.get(text, text)


def values(formula: Formula) -> np.ndarray:
    p = np.array([0.07, 0.4, 0.81])
    with np.errstate(all="ignore"):
        return evaluate_labels(formula, p, 1.0 - p)[0]


def formulas() -> st.SearchStrategy[Formula]:
    leaves = st.sampled_from(["y_pred", "y_true", "2", "0.75", "1e-07", "-3.5", "12"]).map(parse_formula)
    unary = st.sampled_from(["neg", *(f.name for f in FUNCTIONS.values() if f.arity == 1)])
    binary = st.sampled_from(["add", "sub", "mul", "div", "pow", *(f.name for f in FUNCTIONS.values() if f.arity == 2)])

    def grow(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
        return st.builds(call, unary, inner) | st.builds(call, binary, inner, inner)

    return st.recursive(leaves, grow, max_leaves=8)


@given(formulas())
def test_what_is_shown_reads_as_the_formula(formula: Formula) -> None:
    shown = read(ElementTree.fromstring(to_mathml(formula)))
    np.testing.assert_allclose(values(parse_formula(shown)), values(formula), rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-y_true*log(y_pred)", "−y\u2062log\u2061(p)"),
        ("y_pred - (y_true + 1)", "p−(y+1)"),
        ("y_pred + (-y_true)", "p+(−y)"),
        ("log(y_pred) + y_true + 1", "log\u2061(p)+y+1"),
        ("2*3*y_pred", "2⋅3\u2062p"),
        ("1e-07*y_pred", "1⋅10−7\u2062p"),
        ("y_pred*(-y_true)", "p\u2062(−y)"),
        ("-(-y_pred)", "−(−p)"),
        ("log(y_pred)**2", "(log\u2061(p))2"),
        ("abs(y_pred - 1)", "|p−1|"),
    ],
)
def test_terms_keep_their_order_and_constants_their_digits(text: str, shown: str) -> None:
    assert "".join(ElementTree.fromstring(to_mathml(parse_formula(text))).itertext()) == shown


def test_only_parentheses_around_a_fraction_grow() -> None:
    def parentheses(text: str) -> list[str | None]:
        root = ElementTree.fromstring(to_mathml(parse_formula(text)))
        return [one.get("stretchy") for one in root.iter(f"{NAMESPACE}mo") if one.text in ("(", ")")]

    assert parentheses("y_pred*(y_pred + sqrt(y_true))") == ["false", "false"]
    assert parentheses("y_pred*(1 + y_true/y_pred)") == [None, None]
    assert parentheses("log(1 - (y_pred + 1)/y_true)") == [None, None]


def test_a_name_cannot_close_an_element() -> None:
    assert "<b>" not in to_mathml(hole("<b>"))
