"""Dynamic programming over a grammar: how much there is of every nonterminal, by formula depth and size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from symloss.grammar.production import Production

Rules = Mapping[str, tuple[Production, ...]]
Vector = npt.NDArray[Any]
#: ``table[nonterminal][depth][nodes]``, for depth 0 to the limit and nodes 0 to the limit.
Table = dict[str, list[Vector]]

# Above the range where floats lose digits (2.2e-308), with room for one more product.
_TINY = 1e-290


def find_unit_cycle(rules: Rules) -> list[str] | None:
    """Return nonterminals ``[a, b, ..., a]`` that rename each other without adding a node, or ``None``."""
    done: set[str] = set()
    for root in rules:
        path: list[str] = []
        stack = [(root, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                path.pop()
                done.add(name)
            elif name in path:
                return [*path[path.index(name) :], name]
            elif name not in done:
                path.append(name)
                stack.append((name, True))
                stack.extend((hole, False) for hole in _units(rules, name))
    return None


def unit_order(rules: Rules) -> list[str]:
    """Return the nonterminals so that each comes after those it can be renamed to. No unit cycles."""
    order: list[str] = []
    seen: set[str] = set()
    for root in rules:
        stack = [(root, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                order.append(name)
            elif name not in seen:
                seen.add(name)
                stack.append((name, True))
                stack.extend((hole, False) for hole in _units(rules, name))
    return order


def longest_renaming(rules: Rules) -> int:
    """Return the most nonterminals that can stand at one place of a formula; 1 without unit productions."""
    longest: dict[str, int] = {}
    for name in unit_order(rules):
        longest[name] = 1 + max((longest[hole] for hole in _units(rules, name)), default=0)
    return max(longest.values())


def _units(rules: Rules, name: str) -> list[str]:
    return [item.holes[0] for item in rules[name] if item.is_unit]


def build_table(
    rules: Rules,
    depth: int,
    nodes: int,
    weigh: Callable[[Production], float | int],
    dtype: Any = np.float64,
    presence: bool = False,
    until: str | None = None,
) -> Table:
    """Return the total weight of derivations of each nonterminal with formula depth <= d and exactly n nodes.

    A derivation weighs the product of its productions' weights; drawing a constant counts as one way. The
    cost is ``depth`` times the number of holes in the grammar, in convolutions of length ``nodes``; of presence it is
    less, since from some level on nothing new appears.

    Args:
        rules: productions without unit cycles.
        depth: the largest depth d.
        nodes: the largest size n.
        weigh: a production's weight; 0 leaves it out.
        dtype: ``object`` counts with exact integers.
        presence: give 1 where there is any derivation and 0 elsewhere, instead of the total.
        until: stop at the level at which there is any of this nonterminal; the levels beyond are missing.
    """
    order = unit_order(rules)
    weights = {(item.nonterminal, item.index): weigh(item) for items in rules.values() for item in items}
    table: Table = {name: [np.zeros(nodes + 1, dtype)] for name in rules}
    # A level that is like those that it is made of, and these alike, is like all that follow.
    deepest = max((item.depth for items in rules.values() for item in items), default=1)
    alike = 0
    for level in range(1, depth + 1):
        if presence and alike > deepest:
            for rows in table.values():
                rows.append(rows[-1])
            continue
        products: dict[tuple[int, tuple[tuple[str, int], ...]], Vector] = {}
        for name in order:
            total = np.zeros(nodes + 1, dtype)
            for item in rules[name]:
                weight = weights[name, item.index]
                if weight == 0 or item.depth > level or item.nodes > nodes:
                    continue
                places = _places(item)
                key = (item.nodes, places)
                if key not in products:  # productions such as a + b and a * b have one
                    parts = [table[hole][level - offset] for hole, offset in places]
                    products[key] = product(parts, nodes - item.nodes, dtype)
                total[item.nodes :] += weight * products[key]
            table[name].append((total > 0).astype(dtype) if presence else total)
        alike = alike + 1 if presence and all(np.array_equal(rows[-1], rows[-2]) for rows in table.values()) else 0
        if until is not None and table[until][-1].any():
            break
    return table


def lost_to_rounding(rules: Rules, table: Table, depth: int, nodes: int) -> str | None:
    """Return a nonterminal with derivations whose weight in ``table`` is too small for a float, if any."""
    present = build_table(rules, depth, nodes, lambda item: 1, presence=True)
    for name, levels in table.items():
        for weights, ways in zip(levels, present[name], strict=True):
            if np.any((ways > 0) & (weights < _TINY)):
                return name
    return None


def product(parts: Sequence[Vector], nodes: int, dtype: Any = np.float64) -> Vector:
    """Return the size distribution of independent ``parts`` together, for 0 to ``nodes`` nodes in total."""
    result = np.zeros(nodes + 1, dtype)
    result[0] = 1
    for part in parts:
        result = np.convolve(result, part[: nodes + 1])[: nodes + 1]
    return result


def _places(item: Production) -> tuple[tuple[str, int], ...]:
    return tuple(zip(item.holes, item.offsets, strict=True))
