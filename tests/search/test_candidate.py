"""Ordering candidates, the hall of fame and the Pareto front."""

from __future__ import annotations

import numpy as np

from symloss.formula import parse_formula
from symloss.grammar import derive, load_grammar
from symloss.search import Candidate, best_first, hall_of_fame, pareto_front
from symloss.search.candidate import choose_finalists


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


def turned(angle: float) -> np.ndarray:
    return np.array([np.cos(angle), np.sin(angle)])


def test_finalists_are_of_many_families_and_none_is_near_to_another() -> None:
    """Eight members of the leading family, two near to each other, and four other families far behind."""
    family = [candidate(f"family{n}", 5 + n, {2: (0.9 - n / 1000,)}) for n in range(8)]
    others = [candidate(f"other{n}", 20 + n, {2: (0.5 - n / 1000,)}) for n in range(4)]
    angles = [0.0, 0.01, *(0.1 * n for n in range(1, 7)), 1.5, 2.0, 2.5, 3.0]
    for c, angle in zip(family + others, angles, strict=True):
        c.profile = turned(angle)

    def names(places: int, *, families: bool = True) -> list[str]:
        return [c.id for c in choose_finalists(family + others, places, families=families)]

    assert names(8, families=False) == [f"family{n}" for n in range(8)]
    # family0, family4 and family7 are 0, 0.3 and 0.6 from the first.
    assert names(8) == [f"family{n}" for n in (0, 4, 7)] + ["other0"] + [f"family{n}" for n in (2, 3, 5, 6)]
    assert names(12)[-1] == "family1"
    assert len(names(99)) == 12


def test_of_the_best_of_each_size_some_are_finalists() -> None:
    small = candidate("small", 3, {2: (0.4,)})
    large = [candidate(f"large{n}", 9, {2: (0.9 - n / 1000,)}) for n in range(8)]
    for n, c in enumerate([*large, small]):
        c.profile = turned(n)
    assert [c.id for c in choose_finalists([*large, small], 8, families=True)][:3] == ["large0", "small", "large1"]


def test_without_candidates_there_are_no_finalists() -> None:
    assert choose_finalists([], 8, families=True) == []
