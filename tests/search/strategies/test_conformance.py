"""What every strategy must do, whatever it searches by. A new one is tested by being registered."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest

from symloss.formula import to_text
from symloss.grammar import Grammar, Sampler, load_grammar
from symloss.search import STRATEGIES, Candidate, Draw, SearchConfig, Strategy
from symloss.search.config import STRATEGY_GENERATIONS

#: Each with a grammar that it can search.
CASES = [(name, "taylorglo" if name == "cmaes" else "default") for name in STRATEGIES]


def archive(grammar: Grammar, strategy: Strategy, generations: int, size: int) -> list[Candidate]:
    """Return what a strategy would have drawn, with scores that fall with the formula's size."""
    found: list[Candidate] = []
    for generation in range(generations):
        breeder = strategy.breeder(generation, found)
        drawn = [breeder(index) for index in range(size)]
        found += [
            Candidate(
                id=f"{generation}-{index}",
                derivation=draw.derivation,
                size=draw.derivation.formula.size,
                generation=generation,
                index=index,
                origin=draw.origin,
                parents=draw.parents,
                scores={0: (((1 / draw.derivation.formula.size + Random(index).random() / 100,),),)},
            )
            for index, draw in enumerate(drawn)
        ]
    return found


def built(name: str, grammar: str, **settings: object) -> tuple[Strategy, Grammar]:
    loaded = load_grammar(grammar)
    config = SearchConfig.from_dict({"seed": 3, "generation_size": 12, "strategy": name} | settings)
    return STRATEGIES[name](config, Sampler(loaded)), loaded


def draws(strategy: Strategy, generation: int, found: Sequence[Candidate], order: Sequence[int]) -> list[Draw]:
    breeder = strategy.breeder(generation, found)
    by_index = {index: breeder(index) for index in order}
    return [by_index[index] for index in sorted(by_index)]


def test_every_strategy_has_a_generation_size() -> None:
    assert set(STRATEGIES) == set(STRATEGY_GENERATIONS)


@pytest.mark.parametrize(("name", "grammar"), CASES)
@pytest.mark.parametrize("generation", [0, 1, 3])
def test_draws_depend_on_seed_generation_index_and_archive_alone(name: str, grammar: str, generation: int) -> None:
    strategy, loaded = built(name, grammar)
    found = archive(loaded, strategy, generation, 12)
    forward = draws(strategy, generation, found, range(20))
    assert draws(strategy, generation, found, list(reversed(range(20)))) == forward
    again, _ = built(name, grammar)
    assert draws(again, generation, found, range(20)) == forward
    other, _ = built(name, grammar, seed=4)
    assert draws(other, generation, found, range(20)) != forward


@pytest.mark.parametrize(("name", "grammar"), CASES)
def test_draws_stay_in_the_grammar_and_its_limits(name: str, grammar: str) -> None:
    strategy, loaded = built(name, grammar)
    found = archive(loaded, strategy, 3, 12)
    for draw in draws(strategy, 3, found, range(30)):
        assert loaded.derivation_from_json(draw.derivation.to_json()) == draw.derivation
        assert draw.derivation.formula.size <= loaded.limits.nodes
        assert draw.derivation.formula.depth <= loaded.limits.depth


@pytest.mark.parametrize(("name", "grammar"), CASES)
def test_parents_are_in_the_archive(name: str, grammar: str) -> None:
    strategy, loaded = built(name, grammar)
    found = archive(loaded, strategy, 2, 12)
    known = {candidate.id for candidate in found}
    for draw in draws(strategy, 2, found, range(30)):
        assert set(draw.parents) <= known
        assert bool(draw.parents) == (draw.origin in ("mutation", "crossover", "tuned"))


@pytest.mark.parametrize(("name", "grammar"), CASES)
def test_the_grammars_own_seeds_come_first_and_only_once(name: str, grammar: str) -> None:
    loaded = load_grammar(grammar)
    seed = Sampler(loaded).sample(Random(8))
    assert seed is not None
    data = loaded.to_dict()
    seeded = Grammar.from_dict(data | {"seeds": [to_text(seed.formula)]})
    strategy = STRATEGIES[name](SearchConfig(strategy=name), Sampler(seeded))
    first = strategy.breeder(0, [])
    assert first(0).origin == "seed"
    assert first(0).derivation.formula == seed.formula
    assert first(1).origin == "draw"
    assert strategy.breeder(1, [])(0).origin != "seed"


@pytest.mark.parametrize(("name", "grammar"), [case for case in CASES if case[0] not in ("random",)])
def test_a_strategy_that_learns_finds_smaller_formulas_or_better_constants(name: str, grammar: str) -> None:
    """On a merit that anything that selects can climb: the size, or the distance of the constants from 1."""
    strategy, _ = built(name, grammar, immigrants=0.25)  # for few draws the mean of fresh ones would decide
    found: list[Candidate] = []
    means = []
    for generation in range(8):
        breeder = strategy.breeder(generation, found)
        new = []
        for index in range(12):
            draw = breeder(index)
            values = [node.value for node in draw.derivation.walk() if node.value is not None]
            merit = -sum(abs(v - 1) for v in values) if name == "cmaes" else -float(draw.derivation.formula.size)
            candidate = Candidate(
                f"{generation}-{index}", draw.derivation, draw.derivation.formula.size, generation, index, draw.origin
            )
            candidate.scores[0] = (((merit,),),)
            new.append(candidate)
        found += new
        means.append(sum(c.score for c in new) / len(new))
    assert means[-1] > means[0] + abs(means[0]) / 6  # a quarter of gp's draws is fresh
