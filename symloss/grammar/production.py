"""One alternative of a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from operator import itemgetter

from symloss.formula import Formula, constant, to_text
from symloss.grammar.constants import Choice, LogUniform, Normal, Uniform
from symloss.grammar.derivation import Derivation

_Fill = Callable[[tuple[Formula, ...]], Formula]


@dataclass(frozen=True)
class Production:
    """One alternative of a rule: a template with holes for nonterminals, or a constant to be drawn.

    Attributes:
        nonterminal: the rule it belongs to.
        index: its place in the rule, from 0.
        weight: as written in the grammar.
        probability: its share of the rule's weights, in (0, 1].
        template: a formula whose holes name nonterminals; ``None`` for a constant.
        distribution: where the constant is drawn from; ``None`` for a template.
        holes: the nonterminals of the template, left to right.
        offsets: for each hole, the number of template levels above it; 0 when the template is only a hole.
        nodes: the number of nodes that the production itself adds to a formula.
        depth: the fewest levels of a formula that it heads.
    """

    nonterminal: str
    index: int
    weight: float
    probability: float
    template: Formula | None
    distribution: Uniform | Normal | LogUniform | Choice | None
    holes: tuple[str, ...] = field(init=False, compare=False, repr=False)
    offsets: tuple[int, ...] = field(init=False, compare=False, repr=False)
    nodes: int = field(init=False, compare=False, repr=False)
    depth: int = field(init=False, compare=False, repr=False)
    _fill: _Fill = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        assert (self.template is None) != (self.distribution is None)
        found = list(_holes(self.template, 0)) if self.template else []
        put = object.__setattr__
        put(self, "holes", tuple(name for name, _ in found))
        put(self, "offsets", tuple(offset for _, offset in found))
        put(self, "nodes", self.template.size - len(found) if self.template else 1)
        put(self, "depth", self.template.depth if self.template else 1)
        put(self, "_fill", _compile(self.template, count()) if self.template else None)

    @property
    def is_unit(self) -> bool:
        """Whether it only renames: the template is a single nonterminal."""
        return self.template is not None and self.template.op == "hole"

    @property
    def text(self) -> str:
        """The production as a grammar writes it."""
        if self.template is not None:
            return to_text(self.template)
        assert self.distribution is not None
        return f"constant {self.distribution.model_dump()}"

    def apply(self, children: tuple[Derivation, ...] = (), value: float | None = None) -> Derivation:
        """Return the derivation that this production heads.

        Args:
            children: derivations of ``holes``, in order. Not checked: callers draw or validate them.
            value: the constant, when the production is one.
        """
        if value is not None:
            return Derivation(self.nonterminal, self.index, (), value, constant(value))
        formula = self._fill(tuple([child.formula for child in children]))
        return Derivation(self.nonterminal, self.index, children, None, formula)


def _holes(node: Formula, level: int) -> Iterator[tuple[str, int]]:
    if node.op == "hole":
        yield str(node.value), level
    for arg in node.args:
        yield from _holes(arg, level + 1)


def _compile(template: Formula, numbers: Iterator[int]) -> _Fill:
    """Return the function that fills the holes; several times faster than walking the template each time."""
    if template.op == "hole":
        return itemgetter(next(numbers))
    op = template.op
    if template.args and all(arg.op == "hole" for arg in template.args):
        first = next(numbers)
        for _ in template.args[1:]:
            next(numbers)
        last = first + len(template.args)
        return lambda formulas: Formula(op, formulas[first:last])
    if not any(node.op == "hole" for node in template.walk()):
        return lambda formulas: template
    parts = tuple(_compile(arg, numbers) for arg in template.args)
    return lambda formulas: Formula(op, tuple([part(formulas) for part in parts]))
