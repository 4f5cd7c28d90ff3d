"""Exact random derivations of a wanted size, by dynamic programming and without rejection.

The recursive method of Nijenhuis and Wilf, "Combinatorial Algorithms" (1978), and Flajolet, Zimmermann and
Van Cutsem, "A calculus for the random generation of labelled combinatorial structures" (1994), with weights.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate
from random import Random

import numpy as np

from symloss.errors import unknown
from symloss.grammar.derivation import Derivation
from symloss.grammar.errors import GrammarError
from symloss.grammar.grammar import Grammar
from symloss.grammar.production import Production
from symloss.grammar.tables import Table, build_table, product


class _Cell:
    """The derivations of one nonterminal of formula depth <= ``depth`` and ``nodes`` nodes."""

    __slots__ = ("cuts", "depth", "nodes", "options", "symbol", "total")

    def __init__(self, symbol: str, depth: int, nodes: int) -> None:
        self.symbol = symbol
        self.depth = depth
        self.nodes = nodes
        self.options: list[tuple[Production, _Cell | _Split | None]] = []
        self.cuts: list[float] = []
        self.total = 0.0


class _Split:
    """The ways to share nodes between the next hole of a production and the holes after it."""

    __slots__ = ("cuts", "options", "total")

    def __init__(self) -> None:
        self.options: list[tuple[_Cell, _Cell | _Split]] = []
        self.cuts: list[float] = []
        self.total = 0.0


def _set_weights(target: _Cell | _Split, weights: list[float]) -> None:
    # Without the last sum: bisect then never points past the end, whatever the rounding.
    *target.cuts, target.total = accumulate(weights)


class Sampler:
    """Draws derivations of a grammar.

    A draw first takes the formula's size uniformly among the sizes that exist within the limits, then a
    derivation from the grammar's weights, conditioned exactly on that size and on the depth limit. So drawing
    is neither biased towards tiny trees nor ever rejected.

    Args:
        grammar: the grammar; its limits bound every draw.

    Example:
        >>> sampler = Sampler(load_grammar("ngl"))
        >>> sampler.sample(random.Random(0)).formula
    """

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        limits = grammar.limits
        self._table = build_table(grammar.rules, limits.depth, limits.nodes, lambda item: item.probability)
        self._cells: dict[tuple[str, int, int], _Cell] = {}
        self._splits: dict[tuple[str, int, int, int, int], _Cell | _Split] = {}
        self._sizes: dict[tuple[str, int], list[int]] = {}
        self._counts: Table | None = None

    def __reduce__(self) -> tuple[Callable[..., Sampler], tuple[Grammar]]:
        return Sampler, (self.grammar,)

    def sample(
        self,
        rng: Random,
        symbol: str | None = None,
        max_depth: int | None = None,
        max_nodes: int | None = None,
    ) -> Derivation | None:
        """Return a random derivation.

        Args:
            rng: the source; only its ``random()`` is called.
            symbol: the nonterminal to derive; by default the grammar's start.
            max_depth: the largest formula depth; by default, and at most, the grammar's limit.
            max_nodes: the largest formula size; by default, and at most, the grammar's limit.

        Returns:
            The derivation, or ``None`` when none is that small.

        Raises:
            GrammarError: ``symbol`` is no nonterminal of the grammar.
        """
        symbol, depth = self._bounds(symbol, max_depth)
        sizes = self._feasible(symbol, depth)
        number = len(sizes) if max_nodes is None else bisect_right(sizes, max_nodes)
        if not number:
            return None
        nodes = sizes[int(rng.random() * number)]
        return self._grow(self._cell(symbol, depth, nodes), rng)

    def sizes(self, symbol: str | None = None, max_depth: int | None = None) -> list[int]:
        """Return the formula sizes that exist within the limits, ascending."""
        return list(self._feasible(*self._bounds(symbol, max_depth)))

    def count(self, symbol: str, depth: int) -> list[int]:
        """Return the number of distinct derivations of ``symbol`` with formula depth <= ``depth``, by size.

        Drawing a constant counts as one way. Entry n is for n nodes, from 0 to the grammar's limit.
        """
        symbol, depth = self._bounds(symbol, depth)
        if self._counts is None:
            limits = self.grammar.limits
            self._counts = build_table(self.grammar.rules, limits.depth, limits.nodes, lambda item: 1, np.dtype(object))
        return [int(number) for number in self._counts[symbol][depth]]

    def counts(self) -> list[int]:
        """Return the number of distinct derivations of the start within the limits, by size."""
        return self.count(self.grammar.start, self.grammar.limits.depth)

    def _bounds(self, symbol: str | None, depth: int | None) -> tuple[str, int]:
        symbol = self.grammar.start if symbol is None else symbol
        if symbol not in self.grammar.rules:
            raise GrammarError(unknown("nonterminal", symbol, self.grammar.rules))
        limit = self.grammar.limits.depth
        return symbol, limit if depth is None else max(0, min(depth, limit))

    def _feasible(self, symbol: str, depth: int) -> list[int]:
        sizes = self._sizes.get((symbol, depth))
        if sizes is None:
            sizes = [int(size) for size in np.flatnonzero(self._table[symbol][depth])]
            self._sizes[symbol, depth] = sizes
        return sizes

    def _cell(self, symbol: str, depth: int, nodes: int) -> _Cell:
        key = (symbol, depth, nodes)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = _Cell(symbol, depth, nodes)
        return cell

    def _grow(self, cell: _Cell, rng: Random) -> Derivation:
        if not cell.options:
            self._fill(cell)
        production, part = cell.options[bisect_right(cell.cuts, rng.random() * cell.total)]
        if part is None:
            value = None if production.distribution is None else production.distribution.draw(rng)
            return production.apply((), value)
        children = []
        while type(part) is _Split:
            first, part = part.options[bisect_right(part.cuts, rng.random() * part.total)]
            children.append(self._grow(first, rng))
        assert type(part) is _Cell
        children.append(self._grow(part, rng))
        return production.apply(tuple(children))

    def _fill(self, cell: _Cell) -> None:
        """List the productions that can head the cell, with their weights in it."""
        weights = []
        for item in self.grammar.rules[cell.symbol]:
            rest = cell.nodes - item.nodes
            if rest < 0 or item.depth > cell.depth or (rest > 0) != bool(item.holes):
                continue
            parts = [
                self._table[hole][cell.depth - offset] for hole, offset in zip(item.holes, item.offsets, strict=True)
            ]
            weight = item.probability * float(product(parts, rest)[rest])
            if weight > 0:
                weights.append(weight)
                cell.options.append((item, self._split(item, cell.depth, 0, rest) if item.holes else None))
        _set_weights(cell, weights)

    def _split(self, item: Production, depth: int, number: int, nodes: int) -> _Cell | _Split:
        """Return how the holes of ``item`` from ``number`` on share ``nodes`` nodes below ``depth``."""
        below = depth - item.offsets[number]
        if number == len(item.holes) - 1:
            return self._cell(item.holes[number], below, nodes)
        key = (item.nonterminal, item.index, depth, number, nodes)
        split = self._splits.get(key)
        if split is None:
            split = _Split()
            first = self._table[item.holes[number]][below]
            later = zip(item.holes[number + 1 :], item.offsets[number + 1 :], strict=True)
            after = product([self._table[hole][depth - offset] for hole, offset in later], nodes)
            weights = first[: nodes + 1] * after[::-1]
            chosen = [int(size) for size in np.flatnonzero(weights)]
            for size in chosen:
                cell = self._cell(item.holes[number], below, size)
                split.options.append((cell, self._split(item, depth, number + 1, nodes - size)))
            _set_weights(split, [float(weights[size]) for size in chosen])
            self._splits[key] = split
        return split
