"""Draws candidates and puts them through every screen until a generation is full."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from symloss.codegen.gradients import MAX_TABLE_ERROR, tabulate
from symloss.errors import SymlossError
from symloss.fitness import free_logits_accuracy
from symloss.fitness.free_logits import PASS
from symloss.formula import Formula, to_text
from symloss.search.candidate import Candidate
from symloss.search.draw import FRESH, Draw
from symloss.search.journal import Generation, Rejection
from symloss.search.profile import profile
from symloss.search.spacing import NEAR, Spacing
from symloss.search.surrogate import Surrogate
from symloss.symbolic import (
    HARD_SOFTMAX,
    Identity,
    IdentityIndex,
    Screener,
    Verdict,
    loss_id,
    reduce_formula,
    response_curves,
    same_loss,
)
from symloss.symbolic import SCREENS as SYMBOLIC_SCREENS

#: All screens in order, each with what it demands.
SCREENS = {
    **SYMBOLIC_SCREENS,
    "unresolved": f"a response table represents the curves to {MAX_TABLE_ERROR:g}",
    "free-logits": f"gradient descent sorts unconstrained logits to {PASS:.0%} accuracy",
    "identical": "no candidate has the same name: the curves to 48 digits",
    "similar": f"what it does to logits differs by {NEAR:.0%} or more from each good candidate, where enough pass",
    "surrogate": "what it does to logits promises to train well, where more pass than can be trained",
}


#: Screens after which a rejected loss stays known, so that it is not drawn again.
LATE_SCREENS = ("unresolved", "free-logits", "identical", "similar", "surrogate")


@dataclass(frozen=True)
class _Passed:
    """A draw that passed the symbolic screens, with its profile."""

    index: int
    draw: Draw
    profile: np.ndarray

    @property
    def formula(self) -> Formula:
        return self.draw.derivation.formula


class Screening:
    """The screens of one search, with all the losses it has seen.

    Args:
        classes: C of the task, or of each of several tasks: a loss must pass for all of them.
        identity: what makes two losses one for the task.
    """

    #: A search gives up on a generation after this many draws for each place.
    MAX_DRAWS = 400

    def __init__(self, classes: int | Sequence[int], identity: Identity = HARD_SOFTMAX) -> None:
        self._classes = sorted({classes} if isinstance(classes, int) else set(classes), reverse=True)
        self._index = IdentityIndex(identity)
        self._screener = Screener(self._classes[0], self._index)
        self._ids: dict[str, Formula] = {}

    def reserve(self, formula: Formula) -> None:
        """Take in a loss that must not be found, such as a baseline."""
        self.know(formula)
        self._ids[loss_id(formula, self._index.identity)] = formula

    def know(self, formula: Formula) -> None:
        """Take a loss into the identity index, so that a candidate equal to it is a duplicate."""
        self._meet(formula)

    def judge(self, formulas: Sequence[Formula]) -> list[Verdict]:
        """Return what the screens say of each formula, and take in those that pass.

        The verdicts are those of a search's first generation that draws these formulas in this order: there, no
        surrogate chooses among them. So a verdict does not depend on how the formulas are split over calls.
        """
        verdicts = [self._meet(formula) for formula in formulas]
        passed = [place for place, verdict in enumerate(verdicts) if verdict.screen is None]
        late = self._late([formulas[place] for place in passed])
        for place, (screen, reason) in zip(passed, late, strict=True):
            if screen is not None:
                verdicts[place] = Verdict(screen, reason, verdicts[place].fingerprint)
        return verdicts

    def replay(self, generation: Generation) -> None:
        """Take in a generation that an earlier process drew."""
        for formula in generation.known:
            self.know(formula)
        for candidate in generation.candidates:
            formula = candidate.derivation.formula
            self.know(formula)
            candidate.profile = profile(formula, self._classes)
            self._ids[candidate.id] = formula

    def fill(
        self,
        number: int,
        places: int,
        draw: Callable[[int], Draw],
        progress: Callable[[Generation], None],
        *,
        surplus: int = 1,
        surrogate: Surrogate | None = None,
        apart_from: Sequence[np.ndarray] | None = None,
    ) -> Generation:
        """Draw candidates 0, 1, 2, ... of a generation until ``places`` of them have passed every screen.

        Args:
            number: the generation.
            places: how many are wanted. Fewer come back when the grammar has no more to offer.
            draw: the draw of an index; it must not depend on anything this generation finds.
            progress: called now and then with what there is so far.
            surplus: with a surrogate, how many candidates pass the symbolic screens for each place.
            surrogate: chooses among them. A quarter of the places goes to candidates in the order they were drawn,
                so that what it has not learned to like still gets its chance.
            apart_from: profiles that no new candidate's may be near to, nor to that of another one chosen from the same
                pool; None where they may.
        """
        generation = Generation(number)
        limit = self.MAX_DRAWS * places
        while len(generation.candidates) < places and generation.drawn < limit:
            # Without a surrogate never more at once than there are places left: every loss that passes is trained.
            wanted = places - len(generation.candidates)
            pool = self._draw_pool(generation, wanted * (surplus if surrogate else 1), limit, draw, progress)
            # Where the grammar has little left nothing is lost: near losses are trained too, and what finds no place
            # may be drawn again.
            scarce = generation.scarce
            known = None if scarce else apart_from
            order = _order_of_trial(pool, wanted, surrogate, Spacing([passed.profile for passed in pool], known))
            trainable = {passed.index for passed in order}
            for passed in pool:
                if passed.index not in trainable:
                    self._reject(generation, passed.formula, "similar", "it trains like another candidate")
                    generation.known.append(passed.formula)
            while order and len(generation.candidates) < places:
                size = places - len(generation.candidates)
                batch, order = order[:size], order[size:]
                self._admit(generation, batch)
                progress(generation)
            for passed in order:
                self._reject(generation, passed.formula, "surrogate", "it promises less than those trained")
                if scarce:
                    self._index.forget(passed.formula)
                else:
                    generation.known.append(passed.formula)
        generation.candidates.sort(key=lambda candidate: candidate.index)
        progress(generation)
        return generation

    def _draw_pool(
        self,
        generation: Generation,
        size: int,
        limit: int,
        draw: Callable[[int], Draw],
        progress: Callable[[Generation], None],
    ) -> list[_Passed]:
        """Draw until ``size`` candidates have passed the symbolic screens."""
        pool: list[_Passed] = []
        while len(pool) < size and generation.drawn < limit:
            item = draw(generation.drawn)
            formula = item.derivation.formula
            verdict = self._meet(formula)
            if verdict.screen is None:
                pool.append(_Passed(generation.drawn, item, profile(formula, self._classes)))
            else:
                self._reject(generation, formula, verdict.screen or "", verdict.reason)
            generation.drawn += 1
            if generation.drawn % 500 == 0:
                progress(generation)
        return pool

    def _meet(self, formula: Formula) -> Verdict:
        """Put a formula through the symbolic screens, and take it into the identity index if it passes."""
        verdict = self._screener(formula)
        if verdict.screen is None and len(self._classes) > 1:
            verdict = self._elsewhere(formula) or verdict
        if verdict.screen is None and verdict.fingerprint is not None:
            self._index.add(formula, verdict.fingerprint)
        return verdict

    def _elsewhere(self, formula: Formula) -> Verdict | None:
        """Return why a formula does not start to learn with another task's number of classes, or None."""
        uniform = 1 / np.array(self._classes[1:], dtype=float)
        r0, r1 = response_curves(formula, uniform, 1 - uniform)
        for classes, start in zip(self._classes[1:], r1 - r0, strict=True):
            if not start < 0:
                return Verdict("null-epoch", f"r1 - r0 = {start:.3g} at p = 1/{classes}; it must be negative")
        return None

    def _admit(self, generation: Generation, batch: Sequence[_Passed]) -> None:
        """Put a batch through the late screens and take in what passes."""
        for passed, (screen, text) in zip(batch, self._late([passed.formula for passed in batch]), strict=True):
            if screen is not None:
                self._reject(generation, passed.formula, screen, text)
                generation.known.append(passed.formula)
                continue
            generation.candidates.append(
                Candidate(
                    id=text,
                    derivation=passed.draw.derivation,
                    size=reduce_formula(passed.formula).size,
                    generation=generation.number,
                    index=passed.index,
                    origin=passed.draw.origin,
                    parents=passed.draw.parents,
                    profile=passed.profile,
                )
            )

    def _late(self, formulas: Sequence[Formula]) -> list[tuple[str | None, str]]:
        """Put formulas through the late screens: ``(screen, reason)`` of those rejected, ``(None, id)`` of the others.

        An id is taken from then on.
        """
        failed = {place: (screen, reason) for place, screen, reason in self._trial(formulas)}
        results: list[tuple[str | None, str]] = []
        for place, formula in enumerate(formulas):
            if place in failed:
                results.append(failed[place])
                continue
            name = loss_id(formula, self._index.identity)
            known = self._ids.get(name)
            # Rounding may keep the float64 curves of equal losses apart; the name alone decides nothing.
            if known is not None and same_loss(known, formula, self._index.identity):
                results.append(("identical", f"the same loss as candidate {name}"))
                continue
            self._ids[name] = formula
            results.append((None, name))
        return results

    def _trial(self, formulas: Sequence[Formula]) -> list[tuple[int, str, str]]:
        """Return ``(place, screen, reason)`` for what the two screens that need tables reject; they run in batches."""
        rejected: dict[int, tuple[str, str]] = {}
        for classes in self._classes:
            tables, places = [], []
            for place, formula in enumerate(formulas):
                if place in rejected:
                    continue
                try:
                    tabulated = tabulate(formula, classes)
                except SymlossError as error:
                    rejected[place] = "unresolved", str(error)
                    continue
                if not tabulated.resolved:
                    rejected[place] = "unresolved", f"the table is off by {tabulated.error:.2g}"
                    continue
                tables.append(tabulated.table)
                places.append(place)
            if not tables:
                continue
            accuracies = free_logits_accuracy(torch.stack(tables), classes)
            for place, accuracy in zip(places, accuracies, strict=True):
                if accuracy < PASS:
                    rejected[place] = "free-logits", f"free logits reach {accuracy:.0%}"
        return [(place, *found) for place, found in sorted(rejected.items())]

    @staticmethod
    def _reject(generation: Generation, formula: Formula, screen: str, reason: str) -> None:
        generation.rejections.append(Rejection(to_text(formula), screen, reason))


def _order_of_trial(
    pool: Sequence[_Passed], wanted: int, surrogate: Surrogate | None, spacing: Spacing
) -> list[_Passed]:
    """Return those of a pool that may be trained: the most promising for three quarters of the wanted places first.

    Fresh draws and offspring are ranked apart and keep their shares: offspring look like what is known to be good, and
    would take all the places, but the best of many fresh draws is often better than they become.
    """
    chosen: list[int] = []
    if surrogate is not None and len(pool) > wanted:
        promise = surrogate.predict([passed.profile for passed in pool])
        places = math.ceil(0.75 * wanted)
        drawn = [place for place, passed in enumerate(pool) if passed.draw.origin == FRESH]
        bred = [place for place, passed in enumerate(pool) if passed.draw.origin != FRESH]
        share = round(places * len(drawn) / len(pool))
        for group, count in ((drawn, share), (bred, places - share)):
            chosen += spacing.pick(sorted(group, key=lambda place: (-promise[place], place)), count)
    chosen += spacing.pick(range(len(pool)))
    return [pool[place] for place in chosen]
