"""Predicting from curves which candidates are worth training."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from symloss.formula import parse_formula
from symloss.grammar import Derivation
from symloss.search import Candidate, Draw
from symloss.search.screening import _order_of_trial, _Passed
from symloss.search.surrogate import Surrogate, spread


def curves(count: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Return random curves, and a merit that depends on one place of them."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, 480)).cumsum(axis=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return list(vectors), vectors[:, 300]


def trained(merit: np.ndarray) -> list[Candidate]:
    derivation = Derivation("expr", 0, (), None, parse_formula("-y_true*y_pred"))
    return [
        Candidate(f"{place:04d}", derivation, 5, 0, place, "draw", scores={0: (((float(value),),),)})
        for place, value in enumerate(merit)
    ]


def test_it_learns_an_order_that_the_curves_decide_and_forgets_nothing_between_processes() -> None:
    vectors, merit = curves(300, 1)
    fresh, truth = curves(200, 2)
    surrogate = Surrogate(trained(merit), vectors, 7)
    guess = surrogate.predict(fresh)
    assert spearmanr(guess, truth).statistic > 0.7
    assert np.array_equal(guess, Surrogate(trained(merit), vectors, 7).predict(fresh))
    assert ((guess >= 0) & (guess <= 1)).all()


def test_three_quarters_of_the_places_go_to_the_most_promising_and_the_rest_stay_in_order() -> None:
    vectors, merit = curves(300, 1)
    fresh, _ = curves(40, 2)
    surrogate = Surrogate(trained(merit), vectors, 7)
    derivation = Derivation("expr", 0, (), None, parse_formula("-y_true*y_pred"))
    pool = [_Passed(place, Draw(derivation, "draw"), vector) for place, vector in enumerate(fresh)]
    order = [passed.index for passed in _order_of_trial(pool, 8, surrogate)]
    guess = surrogate.predict(fresh)
    assert sorted(order) == list(range(40))
    assert order[:6] == spread(guess, fresh, 6)
    assert order[6:] == sorted(order[6:])
    assert [passed.index for passed in _order_of_trial(pool, 8, None)] == list(range(40))


def test_of_candidates_with_almost_the_same_curves_only_the_best_gets_a_place() -> None:
    rng = np.random.default_rng(0)
    families = rng.normal(size=(6, 128))
    # Family f has four spellings; the first family promises most, then the second, ...
    vectors = [families[place // 4] + 1e-6 * rng.normal(size=128) for place in range(24)]
    promise = 1 - np.arange(24) / 24
    assert {place // 4 for place in np.argsort(-promise)[:3]} == {0}
    # Of twice as many as are wanted, 12 of 3 families, each one's best comes first.
    found = spread(promise, vectors, 6)
    assert {0, 4, 8} < set(found)
    assert len(set(found)) == 6


def test_spread_takes_all_where_all_are_wanted_and_the_best_where_one_is() -> None:
    vectors = list(np.random.default_rng(1).normal(size=(5, 128)))
    promise = np.array([0.1, 0.5, 0.3, 0.9, 0.2])
    assert sorted(spread(promise, vectors, 5)) == [0, 1, 2, 3, 4]
    assert spread(promise, vectors, 1) == [3]
    assert spread(promise, [vectors[0]] * 5, 2) == [3, 1]
    assert spread(promise[:1], vectors[:1], 1) == [0]
