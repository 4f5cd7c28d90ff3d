"""Sums that vanish at an end: still the same function, and accurate where they vanish."""

import math

import mpmath
import pytest
from mpmath import mp

from symloss.codegen.centre import centred, value_at
from symloss.codegen.rewrite import stabilise
from symloss.formula import fold, parse_formula, to_text

VANISHING = [
    ("1.6**0.6 - (0.6 + y_pred)**0.6", lambda p: mp.mpf("1.6") ** mp.mpf("0.6") - (mp.mpf("0.6") + p) ** mp.mpf("0.6")),
    ("(5.5 - y_pred)**3 - 4.5**3", lambda p: (mp.mpf("5.5") - p) ** 3 - mp.mpf("4.5") ** 3),
    ("exp(y_pred) - exp(1)", lambda p: mp.exp(p) - mp.e),
    ("sqrt(1 + y_pred) - sqrt(2)", lambda p: mp.sqrt(1 + p) - mp.sqrt(2)),
    ("cos(1 - y_pred) - 1", lambda p: mp.cos(1 - p) - 1),
    ("sin(2*y_pred) - sin(2)", lambda p: mp.sin(2 * p) - mp.sin(2)),
    ("log(2 + y_pred) - log(3)", lambda p: mp.log(2 + p) - mp.log(3)),
    ("square(1 + y_pred) - 4", lambda p: (1 + p) ** 2 - 4),
    ("1/(1 + y_pred) - 0.5", lambda p: 1 / (1 + p) - mp.mpf("0.5")),
    ("log(0.7 + 0.3*y_pred)", lambda p: mp.log(mp.mpf("0.7") + mp.mpf("0.3") * p)),
]


def _leaf_values(node, q):
    """Return the value of a stable form in float64 from q alone: as torch has p near 1."""
    if not node.args:
        p = 1 - q
        leaves = {"y_pred": p, "q": q, "log_p": math.log1p(-q), "log_q": math.log(q)}
        return node.value if node.op == "const" else leaves[node.op]
    from symloss.formula.numbers import compute

    return compute(node.op, *(_leaf_values(arg, q) for arg in node.args))


@pytest.mark.parametrize(("text", "exact"), VANISHING)
@pytest.mark.parametrize("q", [1e-14, 1e-9, 1e-4, 0.3, 0.9])
def test_a_sum_that_vanishes_at_one_keeps_its_digits(text, exact, q):
    tree = stabilise(fold(parse_formula(text)))
    with mpmath.workdps(40):
        want = exact(1 - mp.mpf(q))
        assert _leaf_values(tree, q) == pytest.approx(float(want), rel=1e-12)


@pytest.mark.parametrize("text", ["exp(y_pred) - 1", "cos(y_pred) - 1", "(1 + y_pred)**3 - 1", "sqrt(4 + y_pred) - 2"])
def test_the_same_at_zero(text):
    tree = stabilise(fold(parse_formula(text)))
    with mpmath.workdps(60):
        p = mp.mpf("1e-15")
        want = {
            "exp(y_pred) - 1": mp.expm1(p),
            "cos(y_pred) - 1": -2 * mp.sin(p / 2) ** 2,
            "(1 + y_pred)**3 - 1": (1 + p) ** 3 - 1,
            "sqrt(4 + y_pred) - 2": mp.sqrt(4 + p) - 2,
        }[text]
        assert value_at(tree, 1e-15) == pytest.approx(float(want), rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "exp(y_pred) - 2",  # does not vanish
        "exp(y_pred) + y_pred",
        "y_true*y_pred - 1",  # a label that is not known
        "softplus(y_pred) - softplus(1)",  # no form known
        "y_pred**1.5 - y_pred**0.5",  # vanishes at both ends: what helps at one would cancel at the other
    ],
)
def test_what_is_left_as_it_is(text):
    assert centred(parse_formula(text)) is None


def test_terms_that_vanish_at_both_ends_keep_their_powers():
    assert to_text(stabilise(parse_formula("y_pred**1.5 - y_pred**0.5"))) == "exp(1.5*log_p) - exp(0.5*log_p)"
