"""What is called regular has no pole and no gap: checked on balls and on draws of every grammar."""

import random

import pytest

from symloss.errors import SymlossError
from symloss.formula import parse_formula, to_text
from symloss.formula.differentiate import differentiate, specialise
from symloss.grammar import Sampler, load_grammar, shipped_grammars
from symloss.symbolic.proofs.program import Program
from symloss.symbolic.proofs.ranges import prove_range
from symloss.symbolic.proofs.regular import is_regular


@pytest.mark.parametrize(
    "text",
    [
        "-y_true*log(y_pred)",
        "log(1 + exp(y_pred - 3*y_true))",
        "y_pred/sqrt(1 + (y_true - y_pred)**2)",
        "sqrt(square(y_pred) + 1)",
        "log(y_true + y_pred)",
        "1/(-1 - y_pred)",
        "y_pred**0.7 + (1 - y_pred)**(-2)",
        "y_pred**3",
        "exp(tanh(log(y_pred)*2))",
        "1/exp(y_pred)",
    ],
)
def test_regular_by_form(text):
    assert is_regular(parse_formula(text))


@pytest.mark.parametrize(
    "text",
    [
        "log(y_pred - 0.5)",
        "sqrt(y_true - y_pred)",
        "1/(y_pred - 0.5)",
        "1/square(y_pred - 0.5)",
        "tan(3*y_pred)",
        "abs(y_pred - 0.5)",
        "max(y_pred, 0.5)",
        "y_pred**(y_true - 1) + (y_pred - 0.5)**0.5",
        "1/y_true + log(sin(y_pred))",
        "sign(y_pred)",
        "log(y_pred*y_true)/(y_pred*(0 - y_true))",
    ],
)
def test_not_known_to_be_regular(text):
    assert not is_regular(parse_formula(text))


@pytest.mark.parametrize("name", shipped_grammars())
def test_regular_draws_have_a_finite_range_inside(name):
    sampler = Sampler(load_grammar(name))
    checked = 0
    for seed in range(250):
        formula = sampler.sample(random.Random(seed)).formula
        if not is_regular(formula):
            continue
        for label in (0, 1):
            try:
                plain = specialise(formula, label)
            except SymlossError:
                continue
            found = prove_range(Program(plain, differentiate(plain)))
            if found.witness is not None:
                at_an_end = found.witness.p < 1e-3 or found.witness.p > 1 - 1e-3
                assert at_an_end or "beyond the range" in found.witness.reason, to_text(formula)
            checked += 1
    assert checked > 100
