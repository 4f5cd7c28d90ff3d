"""Variation stays inside the grammar and its limits, and does what it says."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symloss.formula import parse_formula, to_text
from symloss.grammar import Derivation, Grammar, Sampler, crossover, derive, load_grammar, mutate, vary

SAMPLERS = {name: Sampler(load_grammar(name)) for name in ("default", "ngl")}
TIGHT = Sampler(
    Grammar.from_dict(
        {
            "name": "tight",
            "start": "a",
            "rules": {
                "a": ["b + c", "c - b", "exp(b)*exp(exp(c))", "d"],
                "b": ["y_pred", "a*a", "y_true"],
                "c": ["-b", {"constant": {"distribution": "loguniform", "low": 0.1, "high": 9, "digits": 2}}],
                "d": ["sqrt(a)", "log(b)"],
            },
            "limits": {"depth": 6, "nodes": 12},
        }
    )
)
SAMPLERS["tight"] = TIGHT
names = st.sampled_from(sorted(SAMPLERS))
seeds = st.integers(0, 2**32)


def draw(sampler: Sampler, rng: random.Random) -> Derivation:
    drawn = sampler.sample(rng)
    assert drawn is not None
    return drawn


def check(sampler: Sampler, derivation: Derivation) -> None:
    """Rebuild from JSON, which checks every production, constant and limit."""
    again = sampler.grammar.derivation_from_json(derivation.to_json())
    assert again == derivation
    assert again.formula == derivation.formula


@settings(max_examples=200, deadline=None)
@given(name=names, seed=seeds)
def test_crossover_stays_inside(name: str, seed: int) -> None:
    sampler, rng = SAMPLERS[name], random.Random(seed)
    a, b = draw(sampler, rng), draw(sampler, rng)
    before = a.to_json(), b.to_json()
    child = crossover(a, b, rng, sampler)
    check(sampler, child)
    assert (a.to_json(), b.to_json()) == before


@settings(max_examples=60, deadline=None)
@given(name=names, seed=seeds, operator=st.sampled_from(sorted(vary.MUTATIONS)))
def test_mutations_stay_inside(name: str, seed: int, operator: str) -> None:
    sampler, rng = SAMPLERS[name], random.Random(seed)
    derivation = draw(sampler, rng)
    before = derivation.to_json()
    for _ in range(5):
        mutant = vary.MUTATIONS[operator][0](derivation, rng, sampler)
        if mutant is not None:
            check(sampler, mutant)
            if operator in ("hoist", "shrink"):
                assert mutant.formula.size < derivation.formula.size
            else:
                assert mutant.formula != derivation.formula
    assert derivation.to_json() == before


@settings(max_examples=100, deadline=None)
@given(name=names, seed=seeds)
def test_mutate_always_changes_the_formula(name: str, seed: int) -> None:
    sampler, rng = SAMPLERS[name], random.Random(seed)
    derivation = draw(sampler, rng)
    for _ in range(10):
        mutant = mutate(derivation, rng, sampler)
        check(sampler, mutant)
        assert mutant.formula != derivation.formula
        derivation = mutant


def of(text: str, name: str = "ngl") -> Derivation:
    derivation = derive(SAMPLERS[name].grammar, parse_formula(text))
    assert derivation is not None
    return derivation


def outcomes(operator: vary.Mutation, text: str, draws: int = 300) -> set[str]:
    rng = random.Random(0)
    found = [operator(of(text), rng, SAMPLERS["ngl"]) for _ in range(draws)]
    return {"None" if mutant is None else to_text(mutant.formula) for mutant in found}


def test_hoist_lifts_every_inner_expression() -> None:
    assert outcomes(vary.hoist, "exp(y_pred*y_true)") == {
        "y_pred*y_true",
        "y_pred",
        "y_true",
        "exp(y_pred)",
        "exp(y_true)",
    }
    assert outcomes(vary.hoist, "y_pred", 5) == {"None"}


def test_point_keeps_the_children() -> None:
    assert outcomes(vary.point, "exp(y_pred)") >= {"sin(y_pred)", "cos(y_pred)", "exp(y_true)", "exp(1)"}
    drawn = outcomes(vary.point, "y_pred + y_true")
    assert {"y_pred - y_true", "y_pred*y_true"} <= drawn
    assert all(parse_formula(text).size == 3 for text in drawn)


def test_point_rearranges_children_of_different_nonterminals() -> None:
    start = of("y_pred + 2", "tight")
    rng = random.Random(0)
    found = {to_text(m.formula) for _ in range(200) if (m := vary.point(start, rng, TIGHT))}
    assert "2 - y_pred" in found
    assert "exp(y_pred)*exp(exp(2))" in found


def test_constant_moves_only_a_constant() -> None:
    assert outcomes(vary.constant, "exp(y_pred)", 5) == {"None"}
    moved = outcomes(vary.constant, "exp(0.5*y_pred)")
    assert len(moved) > 200
    for text in moved:
        value = parse_formula(text).args[0].args[0].value
        assert text == f"exp({to_text(parse_formula(text).args[0].args[0])}*y_pred)"
        assert isinstance(value, float)
        assert -3 <= value <= 3


def test_shrink_leaves_leaves() -> None:
    assert outcomes(vary.shrink, "y_pred", 5) == {"None"}
    shrunk = outcomes(vary.shrink, "exp(y_pred*y_true)")
    assert any(text.startswith("exp(") for text in shrunk)
    assert all(parse_formula(text).size in (1, 2) for text in shrunk)


def test_crossover_takes_from_both_parents() -> None:
    rng = random.Random(0)
    a, b = of("exp(y_pred)"), of("sin(y_true*y_true)")
    children = {to_text(crossover(a, b, rng, SAMPLERS["ngl"]).formula) for _ in range(300)}
    assert children == {"exp(sin(y_true*y_true))", "exp(y_true*y_true)", "exp(y_true)"}


def test_crossover_without_a_fitting_exchange_returns_the_parent() -> None:
    a = of("y_pred")
    assert crossover(a, a, random.Random(0), SAMPLERS["ngl"]) is a


def test_mutate_uses_every_operator_at_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    tally: Counter[str] = Counter()

    def counting(name: str) -> vary.Mutation:
        operator = vary.MUTATIONS[name][0]

        def wrapped(derivation: Derivation, rng: random.Random, sampler: Sampler) -> Derivation | None:
            tally[name] += 1
            return operator(derivation, rng, sampler)

        return wrapped

    shares = {name: share for name, (_, share) in vary.MUTATIONS.items()}
    monkeypatch.setattr(vary, "MUTATIONS", {name: (counting(name), share) for name, share in shares.items()})
    rng, start = random.Random(0), of("exp(0.5*y_pred) + sin(y_true)")
    for _ in range(2000):
        mutate(start, rng, SAMPLERS["ngl"])
    assert sum(shares.values()) == pytest.approx(1)
    for name, share in shares.items():
        assert tally[name] / 2000 == pytest.approx(share, abs=0.035)


def test_mutate_where_there_is_one_formula() -> None:
    sampler = Sampler(Grammar.from_dict({"name": "one", "start": "e", "rules": {"e": ["y_pred*y_true"]}}))
    only = draw(sampler, random.Random(0))
    assert mutate(only, random.Random(0), sampler) is only


def test_a_seed_gives_the_same_offspring() -> None:
    def run(seed: int) -> list[str]:
        rng, sampler = random.Random(seed), SAMPLERS["default"]
        population = [draw(sampler, rng) for _ in range(10)]
        for _ in range(50):
            a, b = (population[int(rng.random() * 10)] for _ in range(2))
            population[int(rng.random() * 10)] = mutate(crossover(a, b, rng, sampler), rng, sampler)
        return [to_text(member.formula) for member in population]

    assert run(1) == run(1) != run(2)
