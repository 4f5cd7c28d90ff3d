"""The genotype: a derivation tree, which says which production expanded each nonterminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symloss.formula import Formula


class Derivation:
    """An immutable derivation tree. Build one through :meth:`Production.apply`, the sampler or ``derive``.

    Attributes:
        nonterminal: the rule it starts from.
        production: the index of the production used, from 0.
        children: one derivation for each nonterminal of the production, left to right.
        value: the number drawn where the production is a constant; otherwise ``None``.
        formula: the formula it stands for; ``formula.size`` and ``formula.depth`` are what limits apply to.
    """

    __slots__ = ("children", "formula", "nonterminal", "production", "value")

    nonterminal: str
    production: int
    children: tuple[Derivation, ...]
    value: float | None
    formula: Formula

    def __init__(
        self,
        nonterminal: str,
        production: int,
        children: tuple[Derivation, ...],
        value: float | None,
        formula: Formula,
    ) -> None:
        self.nonterminal = nonterminal
        self.production = production
        self.children = children
        self.value = value
        self.formula = formula

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Derivation):
            return NotImplemented
        return (
            self.production == other.production
            and self.nonterminal == other.nonterminal
            and self.value == other.value
            and self.children == other.children
        )

    def __hash__(self) -> int:
        return hash((self.nonterminal, self.production, self.formula))

    def __repr__(self) -> str:
        from symloss.formula import to_text

        return f"Derivation({self.nonterminal!r}, {to_text(self.formula)!r})"

    def walk(self) -> Iterator[Derivation]:
        """Yield every derivation of the tree, parents before children, left to right."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))

    def to_json(self) -> list[Any]:
        """Return ``[nonterminal, production, [children], value]``, nested; the formula is implied.

        ``grammar.derivation_from_json`` reads it back.
        """
        return [self.nonterminal, self.production, [child.to_json() for child in self.children], self.value]
