"""Ordering candidates, the hall of fame and the Pareto front."""

from __future__ import annotations

from symloss.formula import parse_formula
from symloss.grammar import derive, load_grammar
from symloss.search import Candidate, best_first, hall_of_fame, pareto_front


def candidate(name: str, size: int, scores: dict[int, tuple[float, ...]]) -> Candidate:
    derivation = derive(load_grammar("ngl"), parse_formula("exp(2 - y_pred*(1 + y_true))"))
    assert derivation is not None
    return Candidate(name, derivation, size, 0, 0, "draw", scores={rung: ((seeds,),) for rung, seeds in scores.items()})


def test_the_rung_comes_before_the_score_and_the_score_before_the_size() -> None:
    climbed = candidate("climbed", 9, {0: (0.5,), 1: (0.6,)})
    good = candidate("good", 9, {0: (0.9,)})
    small = candidate("small", 3, {0: (0.8,)})
    large = candidate("large", 4, {0: (0.8,)})
    assert best_first([small, large, good, climbed]) == [climbed, good, small, large]
    assert climbed.score == 0.6
    assert candidate("untrained", 1, {}).score == 0.0
    assert candidate("untrained", 1, {}).rung == -1


def test_hall_of_fame_keeps_the_best_of_each_size_on_the_rung() -> None:
    a = candidate("a", 5, {3: (0.9, 0.8)})
    b = candidate("b", 5, {3: (0.9, 0.9)})
    c = candidate("c", 7, {3: (0.95, 0.95)})
    below = candidate("below", 3, {2: (1.0,)})
    assert hall_of_fame([a, b, c, below], 3) == [c, b]


def test_pareto_front_holds_only_what_nothing_beats_in_both() -> None:
    small = candidate("small", 3, {0: (0.8,)})
    middle = candidate("middle", 5, {0: (0.7,)})
    large = candidate("large", 9, {0: (0.9,)})
    equal = candidate("equal", 11, {0: (0.9,)})
    assert pareto_front([equal, large, middle, small]) == [small, large]
