"""A guess, from the response curves alone, of which candidates will train well.

Screening is far cheaper than training, so many more candidates can pass the screens than there are places to train. The
curves decide what training does, hence they predict it; extra-trees (Geurts, Ernst and Wehenkel 2006, "Extremely
randomized trees", Machine Learning 63) learn how from the candidates trained so far.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symloss.search.candidate import Candidate, best_first

#: Points of each curve that the trees see.
_POINTS = 64

#: With fewer trained candidates than this the guess is worth nothing.
MIN_TRAINED = 64


class Surrogate:
    """Ranks candidates by their curves.

    Args:
        candidates: trained ones.
        fingerprints: their normalised curves ``[2 * G]``, in the same order.
        seed: of the trees' randomness.
    """

    def __init__(self, candidates: Sequence[Candidate], fingerprints: Sequence[np.ndarray], seed: int) -> None:
        from sklearn.ensemble import ExtraTreesRegressor  # imported here: it takes a second

        order = {candidate.id: place for place, candidate in enumerate(reversed(best_first(candidates)))}
        # What is learned is the place in the order of merit: the rungs' scores are not on one scale.
        merit = np.array([order[candidate.id] / max(len(order) - 1, 1) for candidate in candidates])
        self._trees = ExtraTreesRegressor(n_estimators=100, min_samples_leaf=2, random_state=seed % 2**32, n_jobs=1)
        self._trees.fit(_features(fingerprints), merit)

    def predict(self, fingerprints: Sequence[np.ndarray]) -> np.ndarray:
        """Return each candidate's predicted place among those trained, from 0 (worst) to 1 (best)."""
        return np.asarray(self._trees.predict(_features(fingerprints)))


def spread(promise: np.ndarray, fingerprints: Sequence[np.ndarray], wanted: int) -> list[int]:
    """Return the places of the most promising candidates, best first, but of similar curves only the best.

    What promises most is often one loss in many spellings, and training its second teaches a search little. So of twice
    as many as are wanted those are passed over that are too near to a better one, with the largest distance for "too
    near" that leaves enough.

    Args:
        promise: ``[K]``, higher is better.
        fingerprints: the K candidates' normalised curves.
        wanted: how many places.
    """
    top = [int(place) for place in np.argsort(-promise, kind="stable")[: 2 * wanted]]
    if len(top) <= wanted:
        return top
    curves = _features([fingerprints[place] for place in top]).astype(float)
    squares = (curves**2).sum(1)
    distance = np.maximum(squares[:, None] + squares - 2 * curves @ curves.T, 0)
    steps = np.unique(distance)
    low, high = 0, len(steps)  # low leaves enough, if need be by what fills up below; high does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if len(_apart(distance, steps[middle], wanted)) == wanted else (low, middle)
    chosen = _apart(distance, steps[low], wanted)
    chosen += [row for row in range(len(top)) if row not in set(chosen)]
    return [top[row] for row in sorted(chosen[:wanted])]


def _apart(distance: np.ndarray, radius: float, wanted: int) -> list[int]:
    """Return the first rows, at most as many as wanted, that are farther than a radius from all before them."""
    chosen: list[int] = []
    for row in range(len(distance)):
        if not chosen or distance[row, chosen].min() > radius:
            chosen.append(row)
            if len(chosen) == wanted:
                break
    return chosen


def _features(fingerprints: Sequence[np.ndarray]) -> np.ndarray:
    curves = np.stack(fingerprints)
    half = curves.shape[1] // 2
    points = np.linspace(0, half - 1, _POINTS).round().astype(int)
    return curves[:, np.concatenate([points, half + points])].astype(np.float32)
