"""Expansions at p = 0 and p = 1 enclose the function near the end: compared with mpmath, for random formulas too."""

import random
from fractions import Fraction

import mpmath
import pytest
from flint import arb, ctx, fmpq
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symloss.errors import SymlossError
from symloss.formula import parse_formula, to_text
from symloss.formula.differentiate import differentiate, specialise, times_p
from symloss.grammar import Sampler, load_grammar, shipped_grammars
from symloss.symbolic.balls import response_balls
from symloss.symbolic.proofs.expansions import End, Expansion, OutOfDomain, Scale, Undecided
from symloss.symbolic.proofs.functions import expand
from symloss.symbolic.proofs.program import Program

EXPONENTS = [(10, 2), (10, 5), (40, 3), (160, 2)]


def value_at(expansion, exponent):
    """The ball that an expansion gives for t = 2**-exponent."""
    t, log = arb(fmpq(1, 2**exponent)), arb(2).log() * exponent
    total = arb(0)
    parts = [*expansion.terms.items()]
    if expansion.rest is not None:
        parts.append((expansion.rest_scale, expansion.rest))
    for scale, value in parts:
        total += arb(value) * t ** arb(scale.power) * log ** (-arb(scale.order))
    return total


def check(formula, label):
    """Every expansion of a response encloses what balls say at points inside; return how many there were."""
    try:
        response = times_p(differentiate(specialise(formula, label)))
    except SymlossError:
        return 0
    program = Program(response)
    count = 0
    for side in (0, 1):
        for exponent, terms in EXPONENTS:
            with ctx.workprec(128):
                try:
                    (expansion,) = expand(program, side, End(exponent, terms))
                except (Undecided, OutOfDomain):
                    continue
                for deeper in (exponent, exponent + 1, 3 * exponent):
                    t = Fraction(1, 2**deeper)
                    ((r0, r1),) = response_balls(formula, [t if side == 0 else 1 - t])
                    expected = r1 if label else r0
                    if expected.is_finite():
                        assert value_at(expansion, deeper).overlaps(expected), (
                            to_text(formula),
                            side,
                            exponent,
                            deeper,
                        )
                        count += 1
    return count


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_random_formulas_are_enclosed(formulas, data):
    assume(check(data.draw(formulas), data.draw(st.sampled_from([0, 1]))) > 0)


@pytest.mark.parametrize("name", shipped_grammars())
def test_draws_are_enclosed(name):
    sampler = Sampler(load_grammar(name))
    found = sum(check(sampler.sample(random.Random(seed)).formula, seed % 2) for seed in range(150))
    assert found > 300


@pytest.mark.parametrize(
    ("text", "side", "terms"),
    [
        # by hand: the leading terms of f(p), as {(power of t, power of l): coefficient}
        ("log(y_pred)", 0, {(0, 1): -1}),
        ("log(y_pred)", 1, {(1, 0): -1, (2, 0): -0.5}),
        ("y_pred*log(y_pred)**2", 0, {(1, 2): 1}),
        ("sqrt(-log(y_pred))", 0, {(0, 0.5): 1}),
        ("tanh(log(y_pred))", 0, {(0, 0): -1, (2, 0): 2}),
        ("log(1 - log(y_pred)) - log(-log(y_pred))", 1, {}),
        ("1/(1 - y_pred)", 1, {(-1, 0): 1}),
        ("atan(1/y_pred)", 0, {(0, 0): float(mpmath.pi / 2), (1, 0): -1}),
        ("(1 - cos(y_pred))/y_pred", 0, {(1, 0): 0.5, (3, 0): -1 / 24}),
        ("sigmoid(log(y_pred) - log(1 - y_pred))", 0, {(1, 0): 1}),
        ("asinh(1/y_pred) - log(2)", 0, {(0, 1): 1}),
        ("softplus(1/y_pred)", 0, {(-1, 0): 1}),
        ("abs(y_pred - 1)", 1, {(1, 0): 1}),
        ("max(y_pred, -log(y_pred))", 0, {(0, 1): 1}),
    ],
)
def test_leading_terms_by_hand(text, side, terms):
    with ctx.workprec(128):
        (found,) = expand(Program(parse_formula(text)), side, End(40, 5))
        leading = dict(list(found.terms.items())[: len(terms)])
        assert {
            (float(arb(s.power)), -float(arb(s.order))): pytest.approx(float(arb(v))) for s, v in leading.items()
        } == terms


@pytest.mark.parametrize(
    "text", ["log(y_pred - 0.5)", "sqrt(y_pred - 0.5)", "1/(y_pred - y_pred)", "log(y_pred - y_pred)"]
)
def test_no_real_value(text):
    with ctx.workprec(128), pytest.raises(OutOfDomain):
        expand(Program(parse_formula(text)), 0, End(40, 3))


@pytest.mark.parametrize(
    "text", ["exp(exp(1/y_pred))", "1/sin(log(y_pred))", "sign(sin(1/y_pred))", "tan(log(y_pred))"]
)
def test_what_has_no_expansion_is_undecided(text):
    for exponent, terms in EXPONENTS:
        with ctx.workprec(128), pytest.raises(Undecided):
            expand(Program(parse_formula(text)), 0, End(exponent, terms))


def test_cancellation_is_exact():
    with ctx.workprec(128):
        (found,) = expand(Program(parse_formula("y_pred**2*(1/y_pred) - y_pred")), 0, End(10, 3))
    assert found.is_zero


def test_the_range_of_a_scale():
    with ctx.workprec(128):
        end = End(2, 3)
        # t*l**3 has its largest value at l = 3, inside (0, 1/4]: 27/e**3.
        largest = end.range(Scale(fmpq(1), fmpq(-3)))
        assert largest.contains(27 * arb(-3).exp())
        assert float(largest.upper()) < 1.345
        with pytest.raises(Undecided):
            end.range(Scale(fmpq(0), fmpq(-1)))


def test_a_sign_needs_a_proof():
    with ctx.workprec(128):
        end = End(10, 3)
        unsure = Expansion(end, {}, arb(0, 1), Scale(fmpq(0), fmpq(0)))
        with pytest.raises(Undecided):
            unsure.sign()
        assert Expansion(end, {Scale(fmpq(1), fmpq(0)): fmpq(-2)}, arb(0, 1), Scale(fmpq(2), fmpq(0))).sign() == -1
