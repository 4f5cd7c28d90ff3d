"""Variation operators: crossover and mutations that never leave the grammar or its limits.

They exchange subtrees of the same nonterminal, as in grammar-guided genetic programming (Whigham,
"Grammatically-based genetic programming", 1995), and check the size and depth of what they put in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple, TypeVar

from symloss.grammar.derivation import Derivation
from symloss.grammar.grammar import Grammar
from symloss.grammar.production import Production
from symloss.grammar.sampler import Sampler

T = TypeVar("T")
Mutation = Callable[[Derivation, Random, Sampler], "Derivation | None"]

_TRIES = 20
# A fresh subtree may be this much larger than the one it replaces, so that formulas do not bloat.
_GROWTH = 4


class _Place(NamedTuple):
    """A subtree and where it stands.

    Attributes:
        path: child indices from the root.
        node: the subtree.
        above: levels of the formula above it.
    """

    path: tuple[int, ...]
    node: Derivation
    above: int


def crossover(a: Derivation, b: Derivation, rng: Random, sampler: Sampler) -> Derivation:
    """Return ``a`` with one of its subtrees replaced by a subtree of ``b`` of the same nonterminal.

    Returns:
        The child, within the limits; ``a`` itself when no exchange fits or changes anything.
    """
    grammar = sampler.grammar
    donors: dict[str, list[Derivation]] = {}
    for node in b.walk():
        donors.setdefault(node.nonterminal, []).append(node)
    places = _places(a, grammar)
    # Replacing the root copies a part of b: only when a is nothing but its root.
    for place in _shuffled(places[1:] or places, rng)[:_TRIES]:
        depth, nodes = _room(a, place, grammar)
        fitting = [
            donor
            for donor in donors.get(place.node.nonterminal, ())
            if donor.formula.depth <= depth and donor.formula.size <= nodes and donor.formula != place.node.formula
        ]
        if fitting:
            return _replace(a, place.path, _pick(fitting, rng), grammar)
    return a


def subtree(derivation: Derivation, rng: Random, sampler: Sampler) -> Derivation | None:
    """Return the derivation with a random subtree drawn anew, at most a few nodes larger than before."""
    for _ in range(_TRIES):
        place = _pick(_places(derivation, sampler.grammar), rng)
        depth, nodes = _room(derivation, place, sampler.grammar)
        new = sampler.sample(rng, place.node.nonterminal, depth, min(nodes, place.node.formula.size + _GROWTH))
        if new is not None and new.formula != place.node.formula:
            return _replace(derivation, place.path, new, sampler.grammar)
    return None


def point(derivation: Derivation, rng: Random, sampler: Sampler) -> Derivation | None:
    """Return the derivation with another production at one node, which keeps the node's children."""
    grammar = sampler.grammar
    for place in _shuffled(_places(derivation, grammar), rng):
        node = place.node
        room = _room(derivation, place, grammar)
        for production in _shuffled(_alternatives(node, grammar), rng):
            value = None if production.distribution is None else production.distribution.draw(rng)
            new = production.apply(_arranged(node.children, production.holes), value)
            if new.formula.depth <= room[0] and new.formula.size <= room[1] and new.formula != node.formula:
                return _replace(derivation, place.path, new, grammar)
    return None


def constant(derivation: Derivation, rng: Random, sampler: Sampler) -> Derivation | None:
    """Return the derivation with one constant moved: mostly a little, at times in sign, or drawn anew."""
    grammar = sampler.grammar
    places = [place for place in _places(derivation, grammar) if place.node.value is not None]
    for place in _shuffled(places, rng):
        production = grammar.rules[place.node.nonterminal][place.node.production]
        old = place.node.value
        assert production.distribution is not None
        assert old is not None
        for _ in range(_TRIES):
            new = production.distribution.nudge(old, rng)
            if new != old:
                return _replace(derivation, place.path, production.apply((), new), grammar)
    return None


def hoist(derivation: Derivation, rng: Random, sampler: Sampler) -> Derivation | None:
    """Return the derivation with a subtree replaced by a smaller one of its nonterminal from inside it."""
    for place in _shuffled(_places(derivation, sampler.grammar), rng):
        inner = [
            node
            for node in place.node.walk()
            if node.nonterminal == place.node.nonterminal and node.formula.size < place.node.formula.size
        ]
        if inner:
            return _replace(derivation, place.path, _pick(inner, rng), sampler.grammar)
    return None


def shrink(derivation: Derivation, rng: Random, sampler: Sampler) -> Derivation | None:
    """Return the derivation with a subtree replaced by a random one of the least size."""
    for place in _shuffled(_places(derivation, sampler.grammar), rng):
        symbol = place.node.nonterminal
        depth = sampler.grammar.limits.depth - place.above
        least = sampler.sizes(symbol, depth)[0]
        if least < place.node.formula.size:
            new = sampler.sample(rng, symbol, depth, least)
            assert new is not None
            return _replace(derivation, place.path, new, sampler.grammar)
    return None


#: The mutations and how often :func:`mutate` tries each first.
MUTATIONS: dict[str, tuple[Mutation, float]] = {
    "subtree": (subtree, 0.35),
    "point": (point, 0.2),
    "constant": (constant, 0.25),
    "hoist": (hoist, 0.1),
    "shrink": (shrink, 0.1),
}


def mutate(derivation: Derivation, rng: Random, sampler: Sampler) -> Derivation:
    """Return a mutant: one of :data:`MUTATIONS`, at its stated probability among those that apply.

    Returns:
        A derivation of another formula, within the limits; the same derivation when there is no other.
    """
    left = dict(MUTATIONS)
    while left:
        draw = rng.random() * sum(share for _, share in left.values())
        for name in left:
            draw -= left[name][1]
            if draw < 0:
                break
        operator, _ = left.pop(name)
        mutant = operator(derivation, rng, sampler)
        if mutant is not None and mutant.formula != derivation.formula:
            return mutant
    for _ in range(_TRIES):  # a formula that only a different tree from the root up can change
        fresh = sampler.sample(rng, derivation.nonterminal)
        if fresh is not None and fresh.formula != derivation.formula:
            return fresh
    return derivation


def _places(derivation: Derivation, grammar: Grammar) -> list[_Place]:
    """Return every subtree, the root first."""

    def visit(path: tuple[int, ...], node: Derivation, above: int) -> None:
        found.append(_Place(path, node, above))
        offsets = grammar.rules[node.nonterminal][node.production].offsets
        for index, child in enumerate(node.children):
            visit((*path, index), child, above + offsets[index])

    found: list[_Place] = []
    visit((), derivation, 0)
    return found


def _room(root: Derivation, place: _Place, grammar: Grammar) -> tuple[int, int]:
    """Return the largest depth and size that a formula in this place may have."""
    limits = grammar.limits
    return limits.depth - place.above, limits.nodes - root.formula.size + place.node.formula.size


def _replace(root: Derivation, path: tuple[int, ...], new: Derivation, grammar: Grammar) -> Derivation:
    chain = [root]
    for index in path[:-1]:
        chain.append(chain[-1].children[index])
    for node, index in zip(reversed(chain if path else []), reversed(path), strict=True):
        children = (*node.children[:index], new, *node.children[index + 1 :])
        new = grammar.rules[node.nonterminal][node.production].apply(children)
    return new


def _alternatives(node: Derivation, grammar: Grammar) -> list[Production]:
    productions = grammar.rules[node.nonterminal]
    needs = sorted(productions[node.production].holes)
    return [item for item in productions if item.index != node.production and sorted(item.holes) == needs]


def _arranged(children: Sequence[Derivation], holes: Sequence[str]) -> tuple[Derivation, ...]:
    """Return the children in the order of the holes' nonterminals."""
    rest = list(children)
    arranged = []
    for name in holes:
        index = next(index for index, child in enumerate(rest) if child.nonterminal == name)
        arranged.append(rest.pop(index))
    return tuple(arranged)


def _pick(items: Sequence[T], rng: Random) -> T:
    return items[int(rng.random() * len(items))]


def _shuffled(items: Sequence[T], rng: Random) -> list[T]:
    order = list(items)
    for last in range(len(order) - 1, 0, -1):
        other = int(rng.random() * (last + 1))
        order[last], order[other] = order[other], order[last]
    return order
