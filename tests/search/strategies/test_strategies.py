"""What is particular to each strategy."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from symloss.errors import SymlossError
from symloss.formula import parse_formula
from symloss.grammar import Derivation, Grammar, Sampler, derive, load_grammar
from symloss.search import STRATEGIES, Candidate, SearchConfig, Tuning
from symloss.search.profile import profile
from symloss.search.strategies.cma import Constants, first_step, tunable

GRAMMAR = load_grammar("default")


def candidate(
    name: str, text: str, score: float, generation: int = 0, index: int = 0, rung: int = 0, **more: object
) -> Candidate:
    derivation = derive(GRAMMAR, parse_formula(text))
    assert derivation is not None
    scores = dict.fromkeys(range(rung + 1), (((score,),),))
    return Candidate(name, derivation, derivation.formula.size, generation, index, "draw", scores=scores, **more)  # type: ignore[arg-type]


def fixed(*constants: str) -> Grammar:
    return Grammar.from_dict(
        {
            "name": "fixed",
            "description": "one form",
            "loss": {"output": "softmax", "class_reduction": "sum"},
            "start": "loss",
            "rules": {
                "loss": [" + ".join(f"c{k}*y_pred*y_true" for k in range(len(constants)))],
                **{f"c{k}": [{"constant": kind}] for k, kind in enumerate(constants)},
            },
            "limits": {"depth": 20, "nodes": 60},
            "seeds": [],
        }
    )


UNIFORM = {"distribution": "uniform", "low": -2, "high": 6}
NORMAL = {"distribution": "normal", "mean": 1, "std": 2}
LOG = {"distribution": "loguniform", "low": 0.01, "high": 100}


def test_constants_survive_the_way_to_a_vector_and_back() -> None:
    grammar = fixed(UNIFORM, NORMAL, LOG)  # type: ignore[arg-type]
    sampler = Sampler(grammar)
    for seed in range(50):
        derivation = sampler.sample(Random(seed))
        assert derivation is not None
        form = Constants(grammar, derivation)
        assert form.size == 3
        assert form.decode(form.encode(derivation)) == derivation


def test_zero_is_the_middle_and_one_the_width_and_no_vector_leaves_the_support() -> None:
    grammar = fixed(UNIFORM, NORMAL, LOG)  # type: ignore[arg-type]
    start = Sampler(grammar).sample(Random(0))
    assert start is not None
    form = Constants(grammar, start)

    def values(vector: list[float]) -> list[float | None]:
        return [node.value for node in form.decode(vector).walk() if node.value is not None]

    assert values([0, 0, 0]) == [2, 1, 1]
    assert values([1, 1, 1]) == [6, 3, 100]
    assert values([9, 9, 1e9]) == [6, 19, 100]
    assert values([-9, 0, -1e9]) == [-2, 1, 0.01]


@pytest.mark.parametrize(
    ("grammar", "message"),
    [
        (load_grammar("default"), "the rule expr of default has .* alternatives; use the strategy gp"),
        (fixed({"distribution": "choice", "values": [1, 2]}), "constants that vary continuously"),  # type: ignore[arg-type]
    ],
)
def test_cmaes_refuses_grammars_of_another_kind(grammar: Grammar, message: str) -> None:
    with pytest.raises(SymlossError, match=message):
        STRATEGIES["cmaes"](SearchConfig(strategy="cmaes"), Sampler(grammar))


def test_the_tuner_takes_the_best_of_each_form_and_stays_with_them() -> None:
    found = [
        candidate("a", "exp(-2.0*y_pred*y_true)", 0.9, rung=1, index=0),
        candidate("b", "exp(-1.5*y_pred*y_true)", 0.8, rung=1, index=1),  # the same form as a
        candidate("c", "y_pred*y_pred*0.5 - y_pred*y_true", 0.7, rung=1, index=2),
        candidate("d", "-y_pred*y_true", 0.95, rung=1, index=3),  # no constant
        candidate("f", "-0.5*y_pred*y_true", 0.96, rung=1, index=4),  # a factor of the whole
        candidate("g", "0.5 - y_pred*y_true", 0.97, rung=1, index=5),  # no gradient
    ]
    tuning = Tuning(SearchConfig(generation_size=8), Sampler(GRAMMAR), [10])
    first = tuning.breeder(1, found, 8)
    assert first is not None
    drawn = [first(index) for index in range(8)]
    assert [draw.parents for draw in drawn] == [("a",), ("c",)] * 4
    assert {draw.origin for draw in drawn} == {"tuned"}
    assert len({draw.derivation for draw in drawn}) == 8
    shape = [(n.nonterminal, n.production) for n in found[0].derivation.walk()]
    assert [(n.nonterminal, n.production) for n in drawn[0].derivation.walk()] == shape
    # In the next generation c is worse than its rivals, and is tuned all the same.
    found += [
        Candidate(f"t{k}", draw.derivation, 7, 1, k, "tuned", draw.parents, {0: (((0.5 + 0.01 * k,),),)})
        for k, draw in enumerate(drawn)
    ]
    found.append(candidate("e", "exp(-1.1*y_pred*y_true) - y_pred", 0.99, rung=2, index=50))
    second = tuning.breeder(2, found, 8)
    assert second is not None
    assert [second(index).parents for index in range(4)] == [("a",), ("c",)] * 2


def test_there_is_nothing_to_tune_without_constants_that_matter() -> None:
    found = [candidate("d", "-y_pred*y_true", 0.95), candidate("f", "-0.5*y_pred*y_true", 0.9)]
    assert Tuning(SearchConfig(), Sampler(GRAMMAR), [10]).breeder(1, found, 8) is None
    assert not tunable(GRAMMAR, found[0].derivation)


@pytest.mark.parametrize(
    "text",
    [
        "exp(-2.0*y_pred*y_true)",
        "exp(-2.0*y_pred*y_true) - 0.3*y_pred*y_true",
        "(0.5 + y_pred)*(y_true + 0.2)*(-log(y_pred))",
        "y_pred*(y_true - 1.2)*exp(2.0*y_pred)",
    ],
)
def test_the_first_step_of_tuning_moves_the_profile_by_a_tenth(text: str) -> None:
    base = candidate("base", text, 0.5).derivation
    constants = Constants(GRAMMAR, base)
    here, step = constants.encode(base), first_step(constants, base, [10])

    def unit(derivation: Derivation) -> np.ndarray:
        found = profile(derivation.formula, [10])
        return found / np.linalg.norm(found)

    moves = [
        np.linalg.norm(unit(constants.decode(here + step * direction)) - unit(base))
        for direction in np.random.default_rng(1).normal(size=(400, constants.size))
    ]
    assert 0.07 < np.median(moves) < 0.11


@pytest.mark.parametrize("factor", ["0.5", "exp(exp(exp(1.5)))"])  # the second is infinite in some samples
def test_the_first_step_is_no_longer_than_a_whole_searchs(factor: str) -> None:
    base = candidate("base", f"-{factor}*y_pred*y_true", 0.5).derivation  # nothing moves
    assert first_step(Constants(GRAMMAR, base), base, [10]) == 1


def test_tuning_moves_constants_towards_what_scores_better() -> None:
    """The merit is the constant's nearness to 1.9; CMA-ES has to find that from -2."""
    base = candidate("base", "exp(-2.0*y_pred*y_true)", 0.5)
    found: list[Candidate] = [base]
    tuning = Tuning(SearchConfig(generation_size=10, budget=1000), Sampler(GRAMMAR), [10])

    def value(derivation: Derivation) -> float:
        return next(node.value for node in derivation.walk() if node.value is not None)

    start = value(base.derivation)
    for generation in range(1, 12):
        breeder = tuning.breeder(generation, found, 10)
        assert breeder is not None
        drawn = [breeder(index) for index in range(10)]
        found += [
            Candidate(
                f"{generation}-{k}",
                d.derivation,
                7,
                generation,
                k,
                "tuned",
                d.parents,
                {0: (((-abs(value(d.derivation) - 1.9),),),)},
            )
            for k, d in enumerate(drawn)
        ]
    last = [value(c.derivation) for c in found if c.generation == 11]
    assert abs(np.mean(last) - 1.9) < 0.2 < abs(start - 1.9)


def test_islands_breed_apart_until_they_migrate() -> None:
    config = SearchConfig(islands=2, generation_size=10, immigrants=0.0)
    strategy = STRATEGIES["gp"](config, Sampler(GRAMMAR))
    found = [
        candidate(f"{index}", f"exp(-{(index + 1) / 4}*y_pred*y_true)", 0.9 - 0.01 * index, index=index)
        for index in range(8)
    ]

    def mixes(generation: int) -> bool:
        breeder = strategy.breeder(generation, found)
        return any(int(parent) % 2 != index % 2 for index in range(200) for parent in breeder(index).parents)

    assert not mixes(1)
    assert not mixes(2)
    assert mixes(3)


def test_small_formulas_that_nothing_as_small_beats_stay_parents() -> None:
    config = SearchConfig(islands=1, parents=2, immigrants=0.0, crossover=0.0, tournament=1)
    found = [
        candidate("big1", "exp(-2.5*y_pred*y_true) - y_pred", 0.99, index=0),
        candidate("big2", "exp(-2.6*y_pred*y_true) - y_pred", 0.98, index=1),
        candidate("small", "-y_pred*y_true", 0.5, index=2),
        candidate("dull", "exp(-2.5*y_pred*y_true) - y_pred + y_pred", 0.4, index=3),
    ]
    breeder = STRATEGIES["gp"](config, Sampler(GRAMMAR)).breeder(1, found)
    assert {breeder(index).parents[0] for index in range(100)} == {"big1", "big2", "small"}


def test_of_a_family_the_best_alone_is_a_parent() -> None:
    config = SearchConfig(islands=1, parents=3, immigrants=0.0, crossover=0.0, tournament=1)
    texts = [f"exp(-{k}*y_pred*y_true)" for k in (2.0, 2.01, 2.02, 2.03)] + ["-y_true*log(y_pred)"]
    found = [
        candidate(f"{k}", text, 0.9 - 0.1 * k, index=k, profile=profile(parse_formula(text), [10]))
        for k, text in enumerate(texts)
    ]
    breeder = STRATEGIES["gp"](config, Sampler(GRAMMAR)).breeder(1, found)
    parents = {breeder(index).parents[0] for index in range(100)}
    smallest = min(found, key=lambda c: c.size).id
    assert parents == {"0", "4", smallest}


def test_the_oldest_die_however_good_they_are() -> None:
    config = SearchConfig(strategy="regularized-evolution", parents=3, tournament=1)
    found = [
        candidate(f"{generation}", f"exp(-{(generation + 1) / 4}*y_pred*y_true)", 0.9 - 0.1 * generation, generation)
        for generation in range(6)
    ]
    breeder = STRATEGIES["regularized-evolution"](config, Sampler(GRAMMAR)).breeder(6, found)
    assert {breeder(index).parents[0] for index in range(100)} == {"3", "4", "5"}


def test_random_search_reads_no_archive() -> None:
    config = SearchConfig(strategy="random")
    strategy = STRATEGIES["random"](config, Sampler(GRAMMAR))
    found = [candidate("a", "exp(-2.0*y_pred*y_true)", 0.9)]
    assert [strategy.breeder(2, found)(i) for i in range(10)] == [strategy.breeder(2, [])(i) for i in range(10)]
