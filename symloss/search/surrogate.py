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

#: What is learned is the share of the trained candidates that one beats, to this power: which of two bad ones is worse
#: is no matter. And where the trees do not agree they have seen little like it, so their spread counts in its favour.
#: What these two are worth is measured by experiments/quality/surrogate.py.
_POWER, _CURIOSITY = 12, 2.0

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
        self._trees.fit(features(fingerprints), merit**_POWER)

    def predict(self, fingerprints: Sequence[np.ndarray]) -> np.ndarray:
        """Return what each candidate promises: the higher, the more it is worth training."""
        seen = features(fingerprints)
        guesses = np.stack([tree.predict(seen) for tree in self._trees.estimators_])
        promise: np.ndarray = guesses.mean(0) + _CURIOSITY * guesses.std(0)
        return promise


def features(fingerprints: Sequence[np.ndarray]) -> np.ndarray:
    """Return what trees see of normalised curves: some points of each, ``[K, 128]`` float32."""
    curves = np.stack(fingerprints)
    half = curves.shape[1] // 2
    points = np.linspace(0, half - 1, _POINTS).round().astype(int)
    return curves[:, np.concatenate([points, half + points])].astype(np.float32)
