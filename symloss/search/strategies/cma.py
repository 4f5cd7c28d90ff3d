"""CMA-ES over the constants of a formula: as a strategy for grammars of one form, and to tune what others found.

Hansen and Ostermeier 2001, "Completely derandomized self-adaptation in evolution strategies", Evolutionary Computation
9(2), through the library ``cmaes`` (Nomura and Shibata 2024, arXiv 2402.01373): NumPy alone, and small. Its state is
rebuilt from the archive for every generation, so nothing but the archive has to survive a kill.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np

from symloss.errors import SymlossError
from symloss.grammar import Derivation, Grammar, Sampler
from symloss.grammar.constants import Choice, LogUniform, Normal, Uniform
from symloss.grammar.production import Production
from symloss.runtime import keyed_random, keyed_seed
from symloss.search.candidate import Candidate, best_first
from symloss.search.config import SearchConfig
from symloss.search.draw import Breeder, Draw
from symloss.search.profile import profile
from symloss.search.spacing import NEAR
from symloss.search.strategies.base import seeded
from symloss.symbolic import same_loss

#: The first step of a whole search, in units of :meth:`~symloss.grammar.constants.Uniform.scale`: TaylorGLO's.
_SEARCH_STEP = 1.0
#: How far constants are moved to see whether they change their loss at all.
_PROBE = 0.15
#: How far the first step of tuning is to move the profile, as a share of its norm: farther than noise hides.
_MOVE = 2 * NEAR
#: By how many samples that is judged, the least step, and how often the interval from there to the longest is halved.
_SAMPLES, _SMALLEST_STEP, _HALVINGS = 400, 1e-4, 10

#: How many losses are tuned at a time, and the smallest population that CMA-ES works with.
_TUNED, _SMALLEST = 4, 4


class Constants:
    """The constants of one form of formula as a vector of real numbers.

    Args:
        grammar: of the derivation.
        template: a derivation; its constants are left out of the form.
    """

    def __init__(self, grammar: Grammar, template: Derivation) -> None:
        self._grammar = grammar
        self._template = template
        self._distributions: list[Uniform | Normal | LogUniform] = []
        for node in template.walk():
            if node.value is not None:
                distribution = _production(grammar, node).distribution
                assert isinstance(distribution, Uniform | Normal | LogUniform)  # tunable() said so
                self._distributions.append(distribution)

    @property
    def size(self) -> int:
        """How many constants there are."""
        return len(self._distributions)

    def encode(self, derivation: Derivation) -> np.ndarray:
        """Return a derivation's constants ``[size]`` in units of their distributions."""
        values = [node.value for node in derivation.walk() if node.value is not None]
        pairs = zip(self._distributions, values, strict=True)
        return np.array([distribution.encode(value) for distribution, value in pairs])

    def decode(self, vector: Iterable[float]) -> Derivation:
        """Return the derivation whose constants are the nearest that the grammar has to a vector's."""
        pairs = zip(self._distributions, vector, strict=True)
        numbers = iter([distribution.decode(float(x)) for distribution, x in pairs])

        def build(node: Derivation) -> Derivation:
            production = _production(self._grammar, node)
            if node.value is not None:
                return production.apply((), next(numbers))
            return production.apply(tuple([build(child) for child in node.children]))

        return build(self._template)


class _Asker:
    """The draws of one generation of one CMA-ES: number i is its i-th sample."""

    def __init__(
        self,
        constants: Constants,
        start: Derivation,
        step: float,
        places: int,
        seed: int,
        told: Sequence[Sequence[Candidate]],
    ) -> None:
        from cmaes import CMA  # imported here: only these strategies need it

        self._constants = constants
        self._cma = CMA(mean=constants.encode(start), sigma=step, seed=seed % 2**32, population_size=places)
        for generation in told:
            # CMA-ES is told whole populations. Of a generation with more, its first; where screens left a few less,
            # the worst stands in for them; where they left few, nothing was learned.
            solutions = [(constants.encode(c.derivation), _cost(c)) for c in generation[:places]]
            if len(solutions) > places // 2:
                worst = max(solutions, key=lambda solution: solution[1])
                self._cma.tell(solutions + [worst] * (places - len(solutions)))
        self._asked: list[Derivation] = []

    def __call__(self, index: int) -> Derivation:
        while len(self._asked) <= index:
            self._asked.append(self._constants.decode(self._cma.ask()))
        return self._asked[index]


class ConstantSearch:
    """CMA-ES for grammars whose form is fixed and only constants vary, such as ``taylorglo``.

    Raises:
        SymlossError: the grammar has other choices than constants, none at all, or constants from a list.
    """

    learns: ClassVar[bool] = True
    uses_surrogate: ClassVar[bool] = False

    def __init__(self, config: SearchConfig, sampler: Sampler) -> None:
        self._config = config
        self._sampler = sampler
        grammar = sampler.grammar
        for name, rule in grammar.rules.items():
            if len(rule) > 1:
                raise SymlossError(
                    f"the strategy cmaes needs a grammar of one form, and the rule {name} of {grammar.name} has "
                    f"{len(rule)} alternatives; use the strategy gp, or a grammar such as taylorglo"
                )
        start = sampler.sample(keyed_random(config.seed, "cmaes start"))
        assert start is not None
        if config.size < _SMALLEST:
            raise SymlossError(
                f"the generation size is {config.size}; the strategy cmaes needs at least {_SMALLEST} candidates"
            )
        if not tunable(grammar, start):
            raise SymlossError(
                f"the strategy cmaes needs constants that vary continuously, and {grammar.name} has none; use gp"
            )
        # The middle of every distribution: where a search that knows nothing begins.
        form = Constants(grammar, start)
        self._constants, self._start = form, form.decode(np.zeros(form.size))

    def breeder(self, generation: int, archive: Sequence[Candidate]) -> Breeder:
        """See :meth:`Strategy.breeder`."""
        generations = [[c for c in archive if c.generation == number] for number in range(generation)]
        asker = _Asker(
            self._constants,
            self._start,
            _SEARCH_STEP,
            self._config.size,
            keyed_seed(self._config.seed, "cmaes", generation),
            generations,
        )
        return seeded(self._sampler.grammar.seeds, generation, lambda index: Draw(asker(index), "draw"))


class Tuning:
    """Tunes the constants of the best losses found so far, a few at a time, side by side.

    The losses are chosen once: a later generation goes on with those of the one before.
    """

    uses_surrogate: ClassVar[bool] = False

    def __init__(self, config: SearchConfig, sampler: Sampler, classes: Iterable[int]) -> None:
        self._config = config
        self._grammar = sampler.grammar
        self._classes = sorted(set(classes), reverse=True)

    def breeder(self, generation: int, archive: Sequence[Candidate], places: int) -> Breeder | None:
        """See :meth:`Strategy.breeder`; None where no loss has a constant to tune.

        Args:
            generation: its number.
            archive: every candidate trained before it.
            places: how many it will train.
        """
        byname = {c.id: c for c in archive}
        begun = [c.parents[0] for c in archive if c.origin == "tuned" and c.generation == generation - 1]
        chosen = [byname[name] for name in dict.fromkeys(begun)] or self._choose(archive)
        if not chosen:
            return None
        share = max(_SMALLEST, places // len(chosen))
        askers = [self._asker(base, generation, share, archive) for base in chosen]

        def breed(index: int) -> Draw:
            which, number = index % len(chosen), index // len(chosen)
            return Draw(askers[which](number), "tuned", (chosen[which].id,))

        return breed

    def _choose(self, archive: Sequence[Candidate]) -> list[Candidate]:
        """Return the best losses with constants, no two of one form."""
        chosen: dict[str, Candidate] = {}
        for candidate in best_first(archive):
            if len(chosen) == max(1, min(_TUNED, self._config.size // _SMALLEST)):
                break
            if tunable(self._grammar, candidate.derivation) and self._matters(candidate.derivation):
                chosen.setdefault(_form(candidate.derivation), candidate)
        return list(chosen.values())

    def _matters(self, derivation: Derivation) -> bool:
        """Whether the constants change the loss. One that is added to it, or a factor of all of it, does not."""
        form = Constants(self._grammar, derivation)
        moved = form.decode(form.encode(derivation) + _PROBE * np.arange(1, form.size + 1) / form.size)
        return not same_loss(derivation.formula, moved.formula)

    def _asker(self, base: Candidate, generation: int, places: int, archive: Sequence[Candidate]) -> _Asker:
        tuned = [c for c in archive if c.origin == "tuned" and c.parents == (base.id,)]
        numbers = sorted({c.generation for c in tuned})
        told = [[c for c in tuned if c.generation == number] for number in numbers]
        seed = keyed_seed(self._config.seed, "tuning", generation, base.id)
        constants = Constants(self._grammar, base.derivation)
        step = first_step(constants, base.derivation, self._classes)
        return _Asker(constants, base.derivation, step, places, seed, told)


def first_step(constants: Constants, start: Derivation, classes: Iterable[int]) -> float:
    """Return the step with which samples around a derivation move its profile by :data:`_MOVE` in the median.

    It is found by halving an interval, as profiles do not move in proportion: where a constant passes through 0 a small
    gradient appears, and that counts. It is at most that of a whole search: some constants hardly matter.
    """
    here, before = constants.encode(start), profile(start.formula, classes)
    before /= np.linalg.norm(before)
    samples = np.random.default_rng(0).normal(size=(_SAMPLES, constants.size))

    def distance(derivation: Derivation) -> float:
        moved = profile(derivation.formula, classes)
        norm = np.linalg.norm(moved)
        # A sample that no screen would pass, such as one that overflows, has no profile.
        return float(np.linalg.norm(moved / norm - before)) if norm > 0 else np.inf

    def move(step: float) -> float:
        return float(np.median([distance(constants.decode(row)) for row in here + step * samples]))

    low, high = _SMALLEST_STEP, _SEARCH_STEP
    if move(high) <= _MOVE:
        return high
    for _ in range(_HALVINGS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if move(middle) < _MOVE else (low, middle)
    return low


def tunable(grammar: Grammar, derivation: Derivation) -> bool:
    """Whether a derivation has constants and all of them vary continuously."""
    found = [_production(grammar, node).distribution for node in derivation.walk() if node.value is not None]
    return bool(found) and not any(isinstance(distribution, Choice) for distribution in found)


def _production(grammar: Grammar, node: Derivation) -> Production:
    return grammar.rules[node.nonterminal][node.production]


def _form(derivation: Derivation) -> str:
    """Return a name of the derivation without its constants."""
    return " ".join(f"{node.nonterminal}:{node.production}" for node in derivation.walk())


def _cost(candidate: Candidate) -> float:
    """Return what CMA-ES minimises: all of a generation were trained on the first rung."""
    merit = candidate.entry(0).score
    return 1e9 if np.isnan(merit) else -merit
