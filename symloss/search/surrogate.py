"""A guess, from profiles alone, of which candidates will train well.

Screening is far cheaper than training, so many more candidates can pass the screens than there are places to train.
What a loss does to logits decides what training does, hence its profile predicts that; extra-trees (Geurts, Ernst and
Wehenkel 2006, "Extremely randomized trees", Machine Learning 63) learn how from the candidates trained so far.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symloss.search.candidate import Candidate, best_first

#: What is learned is the share of the trained candidates that one beats, to this power: which of two bad ones is worse
#: is no matter. And where the trees do not agree they have seen little like it, so their spread counts in its favour.
#: What these two are worth is measured by experiments/quality/surrogate.py: from 512 losses trees learn to find 87 % of
#: the best hundredth of others by their profiles, and without both 52 % (40 % label noise; one of ten is chosen).
_POWER, _CURIOSITY = 12, 2.0

#: With fewer trained candidates than this the guess is worth nothing.
MIN_TRAINED = 64


class Surrogate:
    """Ranks candidates by their profiles.

    Args:
        candidates: trained ones, with their profiles.
        seed: of the trees' randomness.
    """

    def __init__(self, candidates: Sequence[Candidate], seed: int) -> None:
        from sklearn.ensemble import ExtraTreesRegressor  # imported here: it takes a second

        order = {candidate.id: place for place, candidate in enumerate(reversed(best_first(candidates)))}
        # What is learned is the place in the order of merit: the rungs' scores are not on one scale.
        merit = np.array([order[candidate.id] / max(len(order) - 1, 1) for candidate in candidates])
        self._trees = ExtraTreesRegressor(n_estimators=100, min_samples_leaf=2, random_state=seed % 2**32, n_jobs=1)
        self._trees.fit(np.stack([candidate.profile for candidate in candidates]), merit**_POWER)

    def predict(self, profiles: Sequence[np.ndarray]) -> np.ndarray:
        """Return what each candidate promises: the higher, the more it is worth training."""
        seen = np.stack(profiles).astype(np.float32)
        guesses = np.stack([tree.predict(seen) for tree in self._trees.estimators_])
        promise: np.ndarray = guesses.mean(0) + _CURIOSITY * guesses.std(0)
        return promise
