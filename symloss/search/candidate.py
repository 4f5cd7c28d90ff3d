"""What a search knows of a loss, and which of two is better."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from symloss.fitness import Entry
from symloss.formula import to_text
from symloss.grammar import Derivation
from symloss.search.spacing import Spacing

#: Profiles nearer than this, as a share of their norm, belong to one family.
FAMILY = 0.25

#: Validation scores of one loss on one rung: for each task, for each metric, one number a seed.
Scores = tuple[tuple[tuple[float, ...], ...], ...]


def means(scores: Scores) -> np.ndarray:
    """Return the mean over the seeds ``[tasks, metrics]`` float64."""
    return np.array([[np.mean(seeds) for seeds in metrics] for metrics in scores])


@dataclass
class Candidate:
    """One loss that passed the screens.

    Attributes:
        id: the content hash of its canonical form.
        derivation: its genotype.
        size: the node count after the cheap simplifications, which selection and the hall of fame count by.
        generation, index: where it was drawn.
        origin: ``"draw"``, ``"seed"``, ``"crossover"``, ``"mutation"`` or ``"tuned"``.
        parents: the ids it was made from.
        scores: its validation scores on each rung that it was trained on; a later generation's on the first rungs at
            the level of the first one's seeds, see :mod:`~symloss.search.anchors`.
        merits: for the same rungs, what its scores are worth among all losses of the rung; see
            :class:`~symloss.search.merit.Merit`. Without an entry the first task's first metric stands in.
        profile: what it does to logits, ``[n]``: see :func:`~symloss.search.profile.profile`. Empty where nobody asked:
            then it is near to nothing.
    """

    id: str
    derivation: Derivation
    size: int
    generation: int
    index: int
    origin: str
    parents: tuple[str, ...] = ()
    scores: dict[int, Scores] = field(default_factory=dict)
    merits: dict[int, float] = field(default_factory=dict)
    profile: np.ndarray = field(default_factory=lambda: np.empty(0), compare=False, repr=False)

    @property
    def expression(self) -> str:
        """Its formula as text."""
        return to_text(self.derivation.formula)

    @property
    def rung(self) -> int:
        """The highest rung it was trained on; -1 if none."""
        return max(self.scores, default=-1)

    @property
    def score(self) -> float:
        """The mean of the first task's first metric on its highest rung; 0 if it was not trained."""
        return float(np.mean(self.scores[self.rung][0][0])) if self.scores else 0.0

    @property
    def merit(self) -> float:
        """What it is worth on its highest rung, higher is better; 0 if it was not trained."""
        return self.merits.get(self.rung, self.score)

    def entry(self, rung: int) -> Entry:
        """Return its result on a rung, for the ladder."""
        return Entry(self.id, self.size, self.merits.get(rung, float(np.mean(self.scores[rung][0][0]))))


def best_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates by the rung they reached, then merit, then size (smaller first), then id; nan comes last."""

    def key(candidate: Candidate) -> tuple[int, bool, float, int, str]:
        missing = np.isnan(candidate.merit)
        return -candidate.rung, bool(missing), 0.0 if missing else -candidate.merit, candidate.size, candidate.id

    return sorted(candidates, key=key)


def choose_finalists(candidates: Sequence[Candidate], places: int, *, families: bool = False) -> list[Candidate]:
    """Return whom to train on the last rung: half the places for the best of each size, half for the best of all.

    Without the first half one large family of near-equal formulas could fill every place.

    Args:
        candidates: to choose from.
        places: how many.
        families: whether profiles are looked at. Then the first half is of as many families, half of it for the best of
            each size, and the second has none near to another finalist while others are left. A family's scores have
            their luck in common, so the one that is ahead may be no better.
    """
    ranked = best_first(candidates)
    if not ranked:
        return []
    position = {candidate.id: place for place, candidate in enumerate(ranked)}
    small = [position[candidate.id] for candidate in hall_of_fame(candidates, ranked[0].rung)]
    everyone, half = range(len(ranked)), places // 2
    if not families:
        chosen = small[:half]
    else:
        pool = [candidate.profile for candidate in ranked]
        apart = Spacing(pool, [], FAMILY)
        chosen = apart.pick(small, half // 2)
        chosen += apart.pick(everyone, half - len(chosen))
        chosen += Spacing(pool, [pool[place] for place in chosen]).pick(everyone, places - len(chosen))
    chosen += [place for place in everyone if place not in chosen][: places - len(chosen)]
    return [ranked[place] for place in chosen]


def hall_of_fame(candidates: Iterable[Candidate], rung: int) -> list[Candidate]:
    """Return the best candidate of each size among those trained on a rung, best first."""
    best: dict[int, Candidate] = {}
    for candidate in best_first(c for c in candidates if rung in c.scores):
        best.setdefault(candidate.size, candidate)
    return best_first(best.values())


def pareto_front(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return those that no other beats in both merit and size, smallest first; none whose merit is nan."""
    front: list[Candidate] = []
    known = [candidate for candidate in candidates if not np.isnan(candidate.merit)]
    for candidate in sorted(known, key=lambda c: (c.size, -c.merit, c.id)):
        if not front or candidate.merit > front[-1].merit:
            front.append(candidate)
    return front
