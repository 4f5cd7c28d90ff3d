"""Who climbs by what profiles promise."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from symloss.formula import parse_formula
from symloss.grammar import derive, load_grammar
from symloss.search import Candidate
from symloss.search.promise import by_promise, promises

DERIVATION = derive(load_grammar("ngl"), parse_formula("exp(2 - y_pred*(1 + y_true))"))


def archive(count: int, seed: int) -> tuple[list[Candidate], np.ndarray]:
    """Return candidates with a first rung that says nothing, and the truth, which one place of their profiles decides.

    The worse half by the first rung is of the first generation, as is some of the better; the best quarter climbed.
    """
    assert DERIVATION is not None
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, 125)).cumsum(axis=1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    truth, first = vectors[:, 75], rng.permutation(count) / count
    found = []
    for place in range(count):
        merits = {0: float(first[place])}
        if first[place] >= 0.75:
            merits[1] = float(truth[place] + rng.normal() * 0.02)
        scores = {rung: ((((merit,),),)) for rung, merit in merits.items()}
        found.append(
            Candidate(f"{place:04d}", DERIVATION, 5, place % 2, place, "draw", (), scores, merits, vectors[place])
        )
    return found, truth


def test_on_the_first_rung_profiles_say_who_does_well_on_the_second() -> None:
    found, truth = archive(600, 1)
    promise = promises(found, 0, 7)
    assert promise is not None
    waiting = [c for c in found if c.rung == 0 and c.id in promise]
    goal = [truth[c.index] for c in waiting]
    assert spearmanr([promise[c.id] for c in waiting], goal).statistic > 0.6
    assert abs(spearmanr([c.merits[0] for c in waiting], goal).statistic) < 0.2
    assert promises(found, 0, 7) == promise
    # Below the median of the first generation there is no promise.
    median = np.median([c.merits[0] for c in found if c.generation == 0])
    assert {c.id for c in found if c.merits[0] >= median} == set(promise)


def test_on_a_later_rung_a_score_is_corrected_by_what_others_with_its_profile_have() -> None:
    found, truth = archive(600, 2)
    noisy = [c for c in found if 1 in c.merits]
    rng = np.random.default_rng(3)
    for candidate in noisy:
        candidate.merits[1] = float(truth[candidate.index] + rng.normal() * np.std(truth))
    promise = promises(noisy, 1, 7)
    assert promise is not None
    goal = [truth[c.index] for c in noisy]
    alone = spearmanr([c.merits[1] for c in noisy], goal).statistic
    assert spearmanr([promise[c.id] for c in noisy], goal).statistic > alone + 0.05


def test_with_little_known_and_with_equal_scores_nothing_is_promised_or_all_the_same() -> None:
    found, _ = archive(200, 4)
    assert promises(found, 0, 7) is None  # 50 climbed
    found, _ = archive(400, 4)
    for candidate in found:
        if 1 in candidate.merits:
            candidate.merits[1] = float("nan")
    promise = promises(found, 0, 7)
    assert promise is not None
    assert len(set(promise.values())) == 1
    known = [c for c in found if 1 in c.merits]
    assert set((promises(known, 1, 7) or {}).values()) == {0.0}


def test_three_quarters_climb_by_promise_and_the_others_by_score() -> None:
    ranked = list("abcdefgh")
    assert by_promise(ranked, 4, {"h": 3.0, "b": 2.0, "g": 1.0, "a": 0.0}) == ["h", "b", "g", "a"]
    assert by_promise(ranked, 4, {"h": 3.0}) == ["h", "a", "b", "c"]
    assert by_promise(ranked, 0, {"h": 3.0}) == []
    assert by_promise(list("ab"), 4, {"b": 1.0}) == ["b", "a"]
