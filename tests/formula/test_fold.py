"""Folding and labels: the same values from a formula that is no larger."""

import mpmath
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symloss.errors import SymlossError
from symloss.formula import Y_PRED, at_label, call, constant, fold, parse_formula, to_text

POINTS = st.sampled_from([0.037, 0.31, 0.5, 0.83, 0.99])


@settings(deadline=None, max_examples=300)
@given(data=st.data(), p=POINTS, y=st.sampled_from([0.0, 0.5, 1.0]))
def test_fold_keeps_the_value(formulas, reference, data, p, y):
    formula = data.draw(formulas)
    try:
        before = reference(formula, p, y)
    except reference.Tame:
        assume(False)
    after = reference.plain(fold(formula), p, y)
    assert mpmath.almosteq(before, after, rel_eps=1e-7, abs_eps=1e-9)


@settings(deadline=None)
@given(data=st.data())
def test_fold_never_grows_and_settles(formulas, data):
    formula = data.draw(formulas)
    folded = fold(formula)
    assert folded.size <= formula.size
    assert fold(folded) == folded


@settings(deadline=None, max_examples=300)
@given(data=st.data(), p=POINTS, label=st.sampled_from([0, 1]))
def test_at_label_is_substitution(formulas, reference, data, p, label):
    formula = data.draw(formulas)
    try:
        expected = reference(formula, p, label)
    except reference.Tame:
        assume(False)
    chosen = at_label(formula, label)
    assert "y_true" not in to_text(chosen)
    assert mpmath.almosteq(reference.plain(chosen, p, mpmath.nan), expected, rel_eps=1e-7, abs_eps=1e-9)


@pytest.mark.parametrize(
    ("text", "label", "expected"),
    [
        ("y_true*log(y_pred)", 0, "0"),
        ("y_true*log(y_pred)", 1, "log(y_pred)"),
        ("-y_true*log(y_pred) - (1 - y_true)*log(1 - y_pred)", 0, "-log(1 - y_pred)"),
        ("-y_true*log(y_pred) - (1 - y_true)*log(1 - y_pred)", 1, "-log(y_pred)"),
        ("y_true*log(y_true/y_pred)", 0, "0"),
        ("y_true*log(y_true)*y_pred", 0, "0"),
        ("y_pred**y_true", 0, "1"),
        ("y_pred**y_true", 1, "y_pred"),
        ("2*(3*(y_true*y_pred))", 1, "6*y_pred"),
        ("0.1*(0.2*y_pred) + y_true", 0, "0.02*y_pred"),
        ("y_pred/(1 + y_true)", 0, "y_pred"),
        ("y_pred - y_true*y_pred", 1, "0"),
        ("y_pred + (-3)*y_pred", 0, "y_pred - 3*y_pred"),
        ("y_pred - -y_pred", 0, "y_pred + y_pred"),
    ],
)
def test_labels_by_hand(text, label, expected):
    assert to_text(at_label(parse_formula(text), label)) == expected


@pytest.mark.parametrize(
    "text",
    ["log(y_true)*y_pred", "y_pred + 1/y_true", "y_pred/y_true", "log(y_true/y_pred)", "sqrt(y_true - 1) + y_pred"],
)
def test_a_label_without_value_is_an_error(text):
    with pytest.raises(SymlossError, match="no finite value"):
        at_label(parse_formula(text), 0)
    at_label(parse_formula(text), 1)


def test_folding_keeps_what_it_cannot_compute():
    assert fold(parse_formula("y_pred + log(0)")) == parse_formula("y_pred + log(0)")
    assert fold(call("div", Y_PRED, constant(0.0))) == call("div", Y_PRED, constant(0.0))
    assert to_text(fold(parse_formula("9**9**9*y_pred"))) == "9**387420489*y_pred"
