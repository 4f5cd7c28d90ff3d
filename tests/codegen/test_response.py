"""Responses and slopes: the derivative of the accurate form, itself accurate."""

import mpmath
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp

from symloss.codegen.evaluate import compile_tree
from symloss.codegen.kernel.probabilities import Odds
from symloss.codegen.response import response_form, slope_form
from symloss.codegen.split import label_form
from symloss.errors import SymlossError
from symloss.formula import Y_PRED, Y_TRUE, call, constant, parse_formula, to_text
from symloss.symbolic.proofs.certificate import response_formula

LEAVES = st.one_of(
    st.just(Y_PRED), st.just(Y_TRUE), st.sampled_from([constant(value) for value in (0.3, 0.5, 2.0, 3.0, -1.5)])
)
UNARY = ["exp", "log", "sqrt", "square", "abs", "sin", "cos", "tanh", "sigmoid", "softplus", "relu", "neg", "i0e", "i1"]
FORMULAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(call, st.sampled_from(UNARY), inner),
        st.builds(call, st.sampled_from(["add", "sub", "mul", "div", "max", "min", "pow"]), inner, inner),
    ),
    max_leaves=7,
)


@settings(max_examples=200)
@given(formula=FORMULAS, label=st.sampled_from([0, 1]))
def test_response_and_slope_are_autograds(formula, label):
    try:
        tree = label_form(formula, label)
    except SymlossError:
        assume(False)
    odds = torch.tensor([-3.0, -0.7, 0.2, 1.3, 4.0], dtype=torch.float64, requires_grad=True)
    x = Odds(odds)
    value = torch.as_tensor(compile_tree(tree)(x, None, False)[0], dtype=torch.float64).expand(5) + 0 * odds
    assume(bool(value.isfinite().all()) and float(value.detach().abs().max()) < 1e8)
    (expected,) = torch.autograd.grad(value.sum(), odds)
    assume(bool(expected.isfinite().all()))
    response = torch.as_tensor(compile_tree(tree)(x)[1], dtype=torch.float64).expand(5)
    slope = torch.as_tensor(compile_tree(tree, sigmoid=True)(x)[1], dtype=torch.float64).expand(5)
    size = 1 + float(value.detach().abs().max())
    torch.testing.assert_close((response * x.q).detach(), expected, rtol=1e-8, atol=1e-9 * size)
    torch.testing.assert_close(slope.detach(), expected, rtol=1e-8, atol=1e-9 * size)


@pytest.mark.parametrize(
    ("text", "label", "expected"),
    [
        ("-y_true*log(y_pred)", 1, "-1"),
        ("-log(1 - y_pred)", 0, "y_pred*(1/q)"),
        ("1 - y_pred**0.7", 1, "-(0.7*exp(0.7*log_p))"),
        ("(y_true - y_pred)**2", 0, "y_pred*(2*y_pred)"),
        ("max(y_pred, 0.3)", 0, "y_pred*pick(y_pred, 0.3, 1, 0)"),
    ],
)
def test_forms_that_matter(text, label, expected):
    assert to_text(response_form(label_form(parse_formula(text), label))) == expected


def test_the_slope_of_a_logit_is_plain():
    logit = label_form(parse_formula("log(y_pred) - log(1 - y_pred)"), 0)
    assert to_text(logit) == "log_odds"
    assert to_text(slope_form(logit)) == "1"


def test_tanh_keeps_its_tail():
    """1 - tanh(a)**2 is 0 in float32 from a = 9 on; the response is not."""
    tree = label_form(parse_formula("tanh(log(y_pred))"), 0)
    odds = torch.tensor([-12.0])
    got = compile_tree(tree)(Odds(odds))[1].item()
    with mpmath.workdps(40):
        p = 1 / (1 + mp.exp(12))
        assert got == pytest.approx(float(mp.sech(mp.log(p)) ** 2), rel=1e-5)


def test_it_is_the_response_that_proofs_are_about():
    formula = parse_formula("exp(y_pred)*log(1 + y_pred) - sqrt(y_pred)")
    odds = torch.linspace(-4, 4, 9, dtype=torch.float64)
    exact = compile_tree(response_formula(formula, 0))(Odds(odds), None, False)[0]
    torch.testing.assert_close(compile_tree(label_form(formula, 0))(Odds(odds))[1], exact)
