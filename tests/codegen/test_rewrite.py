"""Stable forms are the same real functions: against mpmath over random formulas."""

import math

import mpmath
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from symloss.codegen import compile_tree, hard_forms, soft_form
from symloss.codegen.kernel.job import filled
from symloss.codegen.kernel.probabilities import Odds
from symloss.codegen.rewrite import stabilise
from symloss.codegen.split import label_form
from symloss.errors import SymlossError
from symloss.formula import (
    FUNCTIONS,
    OPERATORS,
    Y_PRED,
    Y_TRUE,
    call,
    constant,
    parse_formula,
    to_text,
)

mp = mpmath.mp

REFERENCE = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: mp.power(a, b),
    "neg": lambda a: -a,
    "square": lambda a: a * a,
    "i0": lambda a: mp.besseli(0, a),
    "i0e": lambda a: mp.exp(-abs(a)) * mp.besseli(0, a),
    "i1": lambda a: mp.besseli(1, a),
    "i1e": lambda a: mp.exp(-abs(a)) * mp.besseli(1, a),
    "abs": abs,
    "relu": lambda a: max(a, mp.mpf(0)),
    "max": max,
    "min": min,
    "sigmoid": lambda a: 1 / (1 + mp.exp(-a)),
    "softplus": lambda a: mp.log(1 + mp.exp(a)),
}


def _apply(op, *args):
    return REFERENCE[op](*args) if op in REFERENCE else getattr(mp, op)(*args)


def _value(node, p, y):
    """Return the exact value; raises where there is no finite real one."""
    if node.op == "y_pred":
        return p
    if node.op == "y_true":
        return y
    if node.op == "const":
        return mp.mpf(repr(node.value))
    value = _apply(node.op, *(_value(arg, p, y) for arg in node.args))
    if isinstance(value, mp.mpc) or not mp.isfinite(value) or abs(value) > 1e6:
        raise ValueError("not a moderate real number")
    return value


leaves = st.one_of(
    st.just(Y_PRED), st.just(Y_TRUE), st.sampled_from([1.0, 2.0, 0.5, -1.0, 3.0, 0.7, 1.001]).map(constant)
)
unary = sorted(name for name, function in FUNCTIONS.items() if function.arity == 1)
binary = [*sorted(set(OPERATORS) - {"neg"}), "max", "min", "mul", "div", "sub", "pow"]
formulas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(call, st.sampled_from([*unary, "log", "exp", "neg", "sqrt"]), inner),
        st.builds(call, st.sampled_from(binary), inner, inner),
    ),
    max_leaves=8,
)

P = (0.003, 0.2, 0.5, 0.77, 0.999)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(formula=formulas, label=st.sampled_from([0.0, 1.0, 0.3]))
def test_programs_compute_the_formula(formula, label):
    try:
        tree = soft_form(formula) if label == 0.3 else label_form(formula, int(label))
    except SymlossError:
        assume(False)
    odds = torch.logit(torch.tensor(P, dtype=torch.float64))
    got, _ = compile_tree(tree)(Odds(odds), torch.full_like(odds, label))
    got = torch.as_tensor(got, dtype=torch.float64).expand(len(P))
    compared = 0
    with mpmath.workdps(40):
        for place, p in enumerate(P):
            try:
                # A nearby point bounds how much of a difference is the formula's own steepness.
                exact = _value(formula, mp.mpf(p), mp.mpf(label))
                near = _value(formula, mp.mpf(p) * (1 - mp.mpf("1e-9")), mp.mpf(label))
            except (ValueError, ZeroDivisionError, OverflowError, TypeError):
                continue
            compared += 1
            tolerance = 1e-9 * (1 + abs(exact)) + 10 * abs(near - exact)
            assert abs(got[place].item() - exact) <= tolerance, (to_text(formula), to_text(tree), p)
    assume(compared)


@settings(deadline=None, max_examples=100)
@given(formula=formulas)
def test_hard_forms_keep_the_logit_gradient_and_value(formula):
    """The split may move terms between classes; the sum over a softmax's classes must not change."""
    try:
        true, other = map(compile_tree, hard_forms(formula))
        soft = compile_tree(soft_form(formula))
    except SymlossError:
        assume(False)
    logits = torch.tensor([0.3, -1.2, 0.9, 0.1], dtype=torch.float64)
    odds = torch.logit(logits.softmax(0))
    y = torch.tensor([0.0, 1.0, 0.0, 0.0], dtype=torch.float64)

    def values(program, odds, y=None):
        return filled(program(Odds(odds), y, gradient=False)[0], odds)

    expected = values(soft, odds, y).sum()
    assume(bool(expected.isfinite()) and abs(expected) < 1e6)
    got = values(true, odds[1]) + values(other, odds[[0, 2, 3]]).sum()
    assert got.item() == pytest.approx(expected.item(), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-log(y_pred)", "-log_p"),
        ("log(1 - y_pred)", "log_q"),
        ("log(3*y_pred**2)", f"{math.log(3)} + 2*log_p"),
        ("y_pred**0.5", "exp(0.5*log_p)"),
        ("sqrt(1 - y_pred)", "exp(0.5*log_q)"),
        ("(1 - y_pred)**2", "q**2"),
        ("1 - y_pred**0.7", "-expm1(0.7*log_p)"),
        ("log(1.25 - y_pred*1.2)", "log(0.05 + 1.2*q)"),
        ("1 - (1 - y_pred)", "y_pred"),
        ("y_pred**0.5/-y_pred", "-exp(0.5*log_p - log_p)"),
        ("(-y_pred)**2", "y_pred**2"),
        ("(-y_pred)**3", "(-y_pred)**3"),
        ("y_pred**3/y_pred**2.5", "exp(3*log_p - 2.5*log_p)"),
        ("log(1 + exp(y_pred))", "softplus(y_pred)"),
        ("exp(2.4092 - 2*y_pred)", "exp(2.4092 - 2*y_pred)"),
    ],
)
def test_forms_that_matter(text, expected):
    assert to_text(stabilise(parse_formula(text))) == expected


@pytest.mark.parametrize(
    "text",
    ["log(y_true)", "1/(1 - y_true) + y_pred", "y_pred*sqrt(y_true - 1)", "log(0*y_pred)", "1/(y_pred/y_pred - 1)"],
)
def test_a_formula_without_value_at_a_label_is_an_error(text):
    with pytest.raises(SymlossError, match="not a finite real number"):
        hard_forms(parse_formula(text))


def test_zero_times_log_zero_is_zero():
    true, other = hard_forms(parse_formula("y_true*log(y_true/y_pred)"))
    assert (to_text(true), to_text(other)) == ("-log_p", "0")


def test_affine_terms_of_other_classes_move_to_the_true_class():
    true, other = hard_forms(parse_formula("abs(y_true - y_pred)"))
    assert (to_text(true), to_text(other)) == ("2*q", "0")
