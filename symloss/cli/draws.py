"""What `sample` and `grammars check` share: the first draws of a search, judged by its screens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console

from symloss.formula import Formula
from symloss.grammar import Grammar, Sampler
from symloss.losses import find
from symloss.search import SCREENS, Draw, Screening, SearchConfig
from symloss.search.strategies.base import fresh, stream
from symloss.search.strategies.random_search import RandomSearch

#: The screens that judge draws, in order. Two of them look at trained losses, which the first generation has none of.
SAMPLE_SCREENS = tuple(name for name in SCREENS if name not in ("similar", "surrogate"))

#: Draws judged at once, and the most logits that their trial may take if each passes.
_BATCH, _LOGITS = 250, 20_000_000


@dataclass(frozen=True)
class JudgedDraw:
    """A draw and its verdict.

    Attributes:
        formula: what was drawn.
        screen: the screen that rejected it, or None.
        reason: one line, empty if it passed.
    """

    formula: Formula
    screen: str | None
    reason: str


def judged_draws(
    grammar: Grammar, number: int, seed: int, classes: int, *, seeds: bool, progress: Callable[[int, int], None]
) -> Iterator[JudgedDraw]:
    """Yield the first draws of generation 0 of a search with this seed, with what its screens say.

    As in a search with the default baselines, a draw that equals one of these is a duplicate.

    Args:
        grammar: where draws come from.
        number: how many.
        seed: the search's seed.
        classes: C of the task.
        seeds: whether the grammar's own seeds come first, as in a search; else every draw is from its rules.
        progress: called with how many are done, and ``number``.

    Raises:
        SymlossError: the seed is negative.
    """
    config = SearchConfig(seed=seed)
    sampler = Sampler(grammar)
    first = RandomSearch(config, sampler).breeder(0, ())

    def breeder(index: int) -> Draw:
        return first(index) if seeds else fresh(sampler, stream(config, 0, index))

    screening = Screening(classes)
    for name in config.baselines:
        screening.reserve(find(name).plain_formula)
    batch = max(1, min(_BATCH, _LOGITS // (classes * max(classes, 60))))
    for start in range(0, number, batch):
        formulas = [breeder(index).derivation.formula for index in range(start, min(start + batch, number))]
        for formula, verdict in zip(formulas, screening.judge(formulas), strict=True):
            yield JudgedDraw(formula, verdict.screen, verdict.reason)
        progress(start + len(formulas), number)


def progress_console(console: Console) -> Console:
    """Return where progress is shown: standard error if the results go to a file or a pipe."""
    return console if console.is_terminal else Console(stderr=True)
