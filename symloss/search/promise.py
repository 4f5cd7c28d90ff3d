"""Who climbs to the next rung, learned from the profiles of those that have.

The first rung is short, so what learns fast leads there; and all rungs' scores have noise. Among losses that climbed,
the first rung's score says next to nothing of the second's (Spearman's rho -.2 to .4 on digits with 100 images, or with
100:1 imbalance), while even trees that see nothing but response curves predict it with .4 to .7. And where a loss has
been, what such trees say of it without having seen it corrects its own score: with 100 images the second rung's score
and theirs together agree with the third's by .5 to .7, where the score alone does by .3 to .6.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import rankdata

from symloss.search.candidate import Candidate
from symloss.search.surrogate import MIN_TRAINED

_TREES = 200

#: The share of the places on the next rung that goes by promise; the others go by score, so that what the trees have
#: not learned to like still gets its chance.
BY_PROMISE = 0.75


def promises(candidates: Sequence[Candidate], rung: int, seed: int) -> dict[str, float] | None:
    """Return what candidates promise on the rung after this one, by id, higher is better; None if too little is known.

    On the first rung those that were on the second teach it. Candidates below the median of the first generation, of
    which none climbed, promise nothing and are left out. On a later rung all teach it, and a candidate's promise is its
    merit's standardised rank plus what the trees that did not see it say.

    Args:
        candidates: all that were trained on the rung, with their merits there and their profiles.
        rung: its number.
        seed: of the trees' randomness.
    """
    from sklearn.ensemble import ExtraTreesRegressor  # imported here: it takes a second

    teacher = max(rung, 1)
    known = [candidate for candidate in candidates if teacher in candidate.merits]
    if len(known) < MIN_TRAINED:
        return None
    ranks = rankdata(np.nan_to_num([c.merits[teacher] for c in known], nan=-np.inf))
    trees = ExtraTreesRegressor(
        _TREES, min_samples_leaf=2, bootstrap=True, oob_score=rung > 0, random_state=seed % 2**32, n_jobs=1
    )
    trees.fit(np.stack([c.profile for c in known]), ranks)
    if rung > 0:
        promise = standardised(ranks) + standardised(trees.oob_prediction_)
        return {c.id: float(value) for c, value in zip(known, promise, strict=True)}
    merits = np.nan_to_num([c.merits[0] for c in candidates], nan=-np.inf)
    first = [merit for c, merit in zip(candidates, merits, strict=True) if c.generation == 0]
    able = [c for c, merit in zip(candidates, merits, strict=True) if merit >= np.median(first)]
    guesses = trees.predict(np.stack([c.profile for c in able]))
    return {c.id: float(value) for c, value in zip(able, guesses, strict=True)}


def by_promise(ranked: Sequence[str], places: int, promise: Mapping[str, float]) -> list[str]:
    """Return whom a rung promotes: three quarters by promise, and the others by score.

    Args:
        ranked: ids of those that wait, best score first.
        places: how many climb.
        promise: from :func:`promises`.
    """
    waiting = [name for name in ranked if name in promise]
    chosen = sorted(waiting, key=lambda name: -promise[name])[: math.ceil(BY_PROMISE * places)]
    taken = set(chosen)
    return (chosen + [name for name in ranked if name not in taken])[:places]


def standardised(values: np.ndarray) -> np.ndarray:
    """Return values with mean 0 and standard deviation 1, or all 0 where they are equal."""
    deviation = values.std()
    return (values - values.mean()) / deviation if deviation > 0 else np.zeros_like(values)
