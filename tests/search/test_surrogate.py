"""Predicting from curves which candidates are worth training."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from symloss.formula import parse_formula
from symloss.grammar import Derivation
from symloss.search import Candidate, Draw
from symloss.search.screening import _order_of_trial, _Passed
from symloss.search.spacing import NEAR, Spacing
from symloss.search.surrogate import Surrogate


def profiles(count: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Return random profiles, and a merit that depends on one place of them."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, 125)).cumsum(axis=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return list(vectors), vectors[:, 75]


def trained(merit: np.ndarray, vectors: list[np.ndarray]) -> list[Candidate]:
    derivation = Derivation("expr", 0, (), None, parse_formula("-y_true*y_pred"))
    return [
        Candidate(f"{place:04d}", derivation, 5, 0, place, "draw", scores={0: (((float(value),),),)}, profile=vector)
        for place, (value, vector) in enumerate(zip(merit, vectors, strict=True))
    ]


def _anywhere(pool: list[_Passed]) -> Spacing:
    return Spacing([passed.profile for passed in pool], None)


def test_it_learns_an_order_that_profiles_decide_and_forgets_nothing_between_processes() -> None:
    vectors, merit = profiles(300, 1)
    fresh, truth = profiles(200, 2)
    surrogate = Surrogate(trained(merit, vectors), 7)
    guess = surrogate.predict(fresh)
    assert spearmanr(guess, truth).statistic > 0.7
    assert np.isin(np.argsort(-truth)[:10], np.argsort(-guess)[:50]).mean() >= 0.8
    assert np.array_equal(guess, Surrogate(trained(merit, vectors), 7).predict(fresh))


def test_three_quarters_of_the_places_go_to_the_most_promising_and_the_rest_stay_in_order() -> None:
    vectors, merit = profiles(300, 1)
    fresh, _ = profiles(40, 2)
    surrogate = Surrogate(trained(merit, vectors), 7)
    derivation = Derivation("expr", 0, (), None, parse_formula("-y_true*y_pred"))
    pool = [_Passed(place, Draw(derivation, "draw"), vector) for place, vector in enumerate(fresh)]
    order = [passed.index for passed in _order_of_trial(pool, 8, surrogate, _anywhere(pool))]
    guess = surrogate.predict(fresh)
    assert sorted(order) == list(range(40))
    assert order[:6] == list(np.argsort(-guess, kind="stable")[:6])
    assert order[6:] == sorted(order[6:])
    assert [passed.index for passed in _order_of_trial(pool, 8, None, _anywhere(pool))] == list(range(40))


def test_where_nothing_alike_was_trained_a_candidate_is_worth_more() -> None:
    rng = np.random.default_rng(3)
    known = [np.full(480, level) for level in rng.uniform(-1, 1, 200)]
    # Merit is noise at one end and certain at the other, with the same mean.
    merit = np.array([0.5 + (rng.uniform(-0.5, 0.5) if curve[0] > 0 else 0.001 * curve[0]) for curve in known])
    surrogate = Surrogate(trained(merit, known), 7)
    certain, open_question = surrogate.predict([np.full(480, -0.5), np.full(480, 0.5)])
    assert open_question > certain


def test_fresh_draws_and_offspring_keep_their_shares_of_the_places() -> None:
    vectors, merit = profiles(300, 1)
    fresh, _ = profiles(40, 2)
    surrogate = Surrogate(trained(merit, vectors), 7)
    guess = surrogate.predict(fresh)
    derivation = Derivation("expr", 0, (), None, parse_formula("-y_true*y_pred"))
    # All of the promising ones are offspring.
    bred = set(np.argsort(-guess)[:30])
    pool = [
        _Passed(place, Draw(derivation, "mutation" if place in bred else "draw"), vector)
        for place, vector in enumerate(fresh)
    ]
    order = [passed.index for passed in _order_of_trial(pool, 16, surrogate, _anywhere(pool))]
    assert sum(place in bred for place in order[:12]) == 9
    assert {place for place in order[:12] if place not in bred} == set(np.argsort(-guess)[30:33])


def test_what_is_near_to_a_trained_or_a_more_promising_one_is_passed_over() -> None:
    vectors, merit = profiles(300, 1)
    fresh, _ = profiles(12, 2)
    surrogate = Surrogate(trained(merit, vectors), 7)
    twin = fresh[3] + 0.5 * NEAR * (fresh[4] - fresh[3])
    pool_profiles = [*fresh, vectors[5], twin / np.linalg.norm(twin)]
    derivation = Derivation("expr", 0, (), None, parse_formula("-y_true*y_pred"))
    pool = [_Passed(place, Draw(derivation, "draw"), vector) for place, vector in enumerate(pool_profiles)]
    order = [passed.index for passed in _order_of_trial(pool, 8, surrogate, Spacing(pool_profiles, vectors))]
    guess = surrogate.predict(pool_profiles)
    worse = 13 if guess[3] >= guess[13] else 3
    best = [place for place in np.argsort(-guess, kind="stable") if place not in (12, worse)]
    assert order[:6] == best[:6]
    assert sorted(order) == sorted(best)
