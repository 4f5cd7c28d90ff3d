"""Membership: is a formula in the grammar's language?"""

from __future__ import annotations

import math
import random

import pytest

from symloss.formula import Formula, call, parse_formula, to_text
from symloss.grammar import Grammar, Sampler, derive, load_grammar

NGL = "exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))"


def evaluate(formula: Formula, y_pred: float, y_true: float) -> float:
    """Evaluate a formula of NGL's building blocks."""
    values = [evaluate(arg, y_pred, y_true) for arg in formula.args]
    match formula.op:
        case "y_pred":
            return y_pred
        case "y_true":
            return y_true
        case "const":
            assert isinstance(formula.value, float)
            return formula.value
        case "add":
            return values[0] + values[1]
        case "sub":
            return values[0] - values[1]
        case "mul":
            return values[0] * values[1]
        case _:
            return float(getattr(math, formula.op)(*values))


def test_ngl_is_in_its_grammar() -> None:
    grammar = load_grammar("ngl")
    derivation = derive(grammar, parse_formula(NGL))
    assert derivation is not None
    assert grammar.derivation_from_json(derivation.to_json()) == derivation
    for p, y in [(0.0, 0), (0.1, 1), (0.5, 0), (0.9, 1), (1.0, 1)]:
        reference = math.exp(2.4092 - p * (1 + y)) - math.cos(math.cos(math.sin(p)))
        assert evaluate(derivation.formula, p, y) == pytest.approx(reference, rel=1e-14)


@pytest.mark.parametrize(
    "text",
    [
        "exp(-y_pred*(1 + y_true))",
        "-y_true*log(y_pred)",
        "-y_true*y_pred",
        "exp(0.7*log(y_pred))*y_true",
        NGL,
    ],
)
def test_known_losses_are_in_the_default_grammar(text: str) -> None:
    derivation = derive(load_grammar("default"), parse_formula(text))
    assert derivation is not None
    assert to_text(derivation.formula) == text


@pytest.mark.parametrize("name", ["default", "ngl"])
def test_every_draw_is_derivable(name: str) -> None:
    grammar = load_grammar(name)
    sampler, rng = Sampler(grammar), random.Random(11)
    for _ in range(300):
        drawn = sampler.sample(rng)
        assert drawn is not None
        derived = derive(grammar, drawn.formula)
        assert derived is not None
        assert derived.formula == drawn.formula


def swapped(formula: Formula) -> Formula:
    """Return the formula with the arguments of every commuting node exchanged."""
    args = [swapped(arg) for arg in formula.args]
    return call(formula.op, *(args[::-1] if formula.op in ("add", "mul") else args)) if args else formula


def test_commuted_draws_are_derivable() -> None:
    grammar = load_grammar("default")
    sampler, rng = Sampler(grammar), random.Random(12)
    for _ in range(200):
        drawn = sampler.sample(rng)
        assert drawn is not None
        assert derive(grammar, swapped(drawn.formula)) is not None


@pytest.mark.parametrize(
    ("text", "member"),
    [
        ("y_pred + 0.5", True),
        ("0.5 + y_pred", True),
        ("y_pred + 0.25", False),  # one decimal only
        ("y_pred + 1.5", False),  # outside the support
        ("y_true - y_pred", True),
        ("y_pred - y_true", False),  # subtraction does not commute
        ("2*exp(y_true)", True),
        ("exp(y_true)*2", True),
        ("3*exp(y_true)", False),  # another literal
        ("max(y_pred, min(y_true, y_pred))", True),
        ("max(min(y_pred, y_true), y_pred)", True),
        ("max(y_pred, max(y_true, y_pred))", False),
        ("y_true", False),
    ],
)
def test_matching(text: str, member: bool) -> None:
    grammar = Grammar.from_dict(
        {
            "name": "matching",
            "start": "e",
            "rules": {
                "e": ["y_pred + c", "y_true - y_pred", "2*exp(y_true)", "max(y_pred, min(y_true, y_pred))"],
                "c": [{"constant": {"distribution": "uniform", "low": 0, "high": 1, "decimals": 1}}],
            },
        }
    )
    assert (derive(grammar, parse_formula(text)) is not None) == member


def test_formula_beyond_the_limits_is_not_derived() -> None:
    grammar = load_grammar("default")
    assert derive(grammar, parse_formula("exp(" * 6 + "y_pred" + ")" * 6)) is not None
    assert derive(grammar, parse_formula("exp(" * 7 + "y_pred" + ")" * 7)) is None
