"""Parts in the label alone as a + b*y_true: the same loss at both labels."""

import mpmath
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symloss.errors import SymlossError
from symloss.formula import Y_PRED, Y_TRUE, call, parse_formula, to_text
from symloss.formula.fold import fold
from symloss.symbolic.labels import affine_in_label, signed_terms, sum_of


@settings(deadline=None, max_examples=200)
@given(data=st.data(), p=st.sampled_from([0.0371, 0.31, 0.8712]), y=st.sampled_from([0, 1]))
def test_the_value_stays(formulas, reference, data, p, y):
    formula = data.draw(formulas)
    try:
        expected = reference(formula, p, y)
        reference(formula, p, 1 - y)
        affine = affine_in_label(formula)
    except (reference.Tame, SymlossError):
        assume(False)
    assert mpmath.almosteq(reference.plain(affine, p, y), expected, 1e-7, 1e-9)


@given(data=st.data())
def test_terms_add_up(formulas, data):
    left, right = data.draw(formulas), data.draw(formulas)
    terms = list(signed_terms(call("sub", left, call("neg", right))))
    assert all(term.op not in ("add", "sub", "neg") for _, term in terms)
    assert sorted(map(repr, signed_terms(sum_of(terms)))) == sorted(map(repr, terms))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y_true**3", "y_true"),
        ("2**y_true", "y_true + 1"),
        ("4 - y_true", "-y_true + 4"),
        ("y_pred*(3*y_true - cos(0*y_true)) + y_true", "y_pred*(3*y_true - 1) + y_true"),
        ("exp(-y_pred*4**y_true)", "exp(-y_pred*(3*y_true + 1))"),
    ],
)
def test_by_hand(text, expected):
    assert fold(affine_in_label(parse_formula(text))) == fold(parse_formula(expected))


def test_a_part_without_value_is_an_error():
    with pytest.raises(SymlossError, match="no finite value"):
        affine_in_label(call("mul", Y_PRED, call("log", Y_TRUE)))
    assert to_text(affine_in_label(Y_PRED)) == "y_pred"
