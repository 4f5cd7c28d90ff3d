"""Enclosures of single functions and of whole programs hold the values that mpmath finds inside the interval."""

import random

import mpmath
import pytest
from flint import arb, ctx

from symloss.formula import Y_PRED, call, parse_formula
from symloss.symbolic.proofs.intervals import BINARY, UNARY, enclose
from symloss.symbolic.proofs.program import Program


def inside(ball, value):
    """Whether a ball holds an mpmath number, up to the number's own rounding."""
    text = mpmath.nstr(value, 40)
    return ball.overlaps(arb(text, abs(float(value)) * 1e-30 + 1e-300))


@pytest.mark.parametrize("name", sorted(UNARY))
def test_functions_of_one_argument(reference, name):
    rng = random.Random(name)
    checked = 0
    with ctx.workprec(64):
        for _ in range(300):
            middle, radius = rng.uniform(-8, 8), 10 ** rng.uniform(-4, 0.8)
            value = UNARY[name](arb(middle, radius))
            if not value.is_finite():
                continue
            at = middle + rng.uniform(-1, 1) * radius
            with mpmath.workdps(45):
                expected = reference.raw(call(name, Y_PRED), mpmath.mpf(at), 0)
            assert inside(value, expected), (middle, radius, at)
            checked += 1
    assert checked > (10 if name == "tan" else 80)


@pytest.mark.parametrize("name", [*sorted(BINARY), "pow"])
def test_functions_of_two_arguments(reference, name):
    rng = random.Random(name)
    checked = 0
    for _ in range(300):
        exponent = rng.choice([-3.0, -0.5, 0.0, 0.7, 1.0, 2.0, 5.0, 64.0])
        second = parse_formula(str(exponent)) if name == "pow" else parse_formula("1 - 3*y_pred")
        formula = call(name, parse_formula("2*y_pred - 0.5"), second)
        middle, radius = rng.uniform(0.01, 0.99), 10 ** rng.uniform(-6, -0.5)
        with ctx.workprec(64):
            (value,), _ = enclose(Program(formula), arb(middle, radius), 1 - arb(middle, radius))
        if not value.is_finite():
            continue
        at = middle + rng.uniform(-1, 1) * radius
        with mpmath.workdps(45):
            expected = reference.raw(formula, mpmath.mpf(at), 0)
        assert inside(value, expected), (formula, middle, radius, at)
        checked += 1
    assert checked > 100


def test_nothing_that_hides_in_a_step_is_forgotten():
    with ctx.workprec(64):
        p = arb(0.3, 0.01)
        for text in ("tanh(1/(y_pred - 0.3))", "0*y_pred + exp(-1/(y_pred - 0.3)**2)", "1/(1 + 1/(y_pred - 0.3)**2)"):
            (value,), _ = enclose(Program(parse_formula(text)), p, 1 - p)
            assert value.is_nan()


def test_undecided_signs_are_named_and_may_be_chosen():
    program = Program(parse_formula("sign(y_pred - 0.3)*y_pred"))
    with ctx.workprec(64):
        p = arb(0.3, 0.01)
        (value,), undecided = enclose(program, p, 1 - p)
        assert undecided == program.signs
        assert value.contains(arb(-0.3))
        assert value.contains(arb(0.3))
        (value,), undecided = enclose(program, p, 1 - p, {program.signs[0]: -1})
        assert undecided == []
        assert value < 0


def test_q_is_exact_beside_one():
    with ctx.workprec(64):
        q = arb(2) ** -200
        (value,), _ = enclose(Program(parse_formula("log(1 - y_pred)")), 1 - q, q)
        assert float(value) == pytest.approx(-200 * float(mpmath.log(2)))


def test_parts_are_computed_once():
    program = Program(parse_formula("exp(y_pred)*exp(y_pred) + exp(y_pred)"))
    assert [step.op for step in program.steps].count("exp") == 1
    assert len(program.steps) == 4
