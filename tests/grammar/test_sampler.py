"""The sampler against brute-force enumeration."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import product
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from symloss.formula import to_text
from symloss.grammar import Derivation, Grammar, GrammarError, Sampler, load_grammar

# Unit productions two deep, two and three holes, holes at different levels, and unequal weights.
TINY = {
    "name": "tiny",
    "start": "e",
    "rules": {
        "e": [
            {"rhs": "t", "weight": 3},
            {"rhs": "e + t", "weight": 2},
            {"rhs": "max(exp(t), e)*v", "weight": 0.5},
            "sin(e)",
        ],
        "t": [{"rhs": "v", "weight": 2}, "-v", "y_true*exp(v)"],
        "v": [
            {"rhs": "y_pred", "weight": 5},
            "y_true",
            {"constant": {"distribution": "choice", "values": [2]}},
        ],
    },
    "limits": {"depth": 4, "nodes": 8},
}
SHIPPED = {name: Sampler(load_grammar(name)) for name in ("default", "ngl")}


@pytest.fixture(scope="module")
def tiny() -> Grammar:
    return Grammar.from_dict(TINY)


def enumerate_all(grammar: Grammar, symbol: str, depth: int, nodes: int) -> Iterator[Derivation]:
    """Yield every derivation within the bounds, by trying all productions and children."""
    for item in grammar.rules[symbol]:
        if item.distribution is not None:
            yield item.apply((), 2.0)
            continue
        if item.nodes > nodes:
            continue
        below = [
            list(enumerate_all(grammar, hole, depth - offset, nodes - item.nodes)) if depth > offset else []
            for hole, offset in zip(item.holes, item.offsets, strict=True)
        ]
        for children in product(*below):
            made = item.apply(children)
            if made.formula.depth <= depth and made.formula.size <= nodes:
                yield made


def weight(grammar: Grammar, derivation: Derivation) -> float:
    """Return the product of the normalised weights, recomputed from the rules' own numbers."""
    return prod(
        grammar.rules[node.nonterminal][node.production].weight
        / sum(item.weight for item in grammar.rules[node.nonterminal])
        for node in derivation.walk()
    )


@pytest.mark.parametrize(("symbol", "depth"), [("e", 4), ("e", 3), ("t", 4), ("v", 1), ("e", 0)])
def test_counts_equal_enumeration(tiny: Grammar, symbol: str, depth: int) -> None:
    found = set(enumerate_all(tiny, symbol, depth, 8))
    sizes = Counter(derivation.formula.size for derivation in found)
    sampler = Sampler(tiny)
    assert sampler.count(symbol, depth) == [sizes[size] for size in range(9)]
    assert sampler.sizes(symbol, depth) == sorted(sizes)
    if (symbol, depth) == ("e", 4):
        assert sampler.counts() == sampler.count("e", 4)
        assert len(found) > 1000


def test_draws_follow_the_weights_exactly(tiny: Grammar) -> None:
    everything = list(enumerate_all(tiny, "e", 4, 6))
    by_size = {size: [d for d in everything if d.formula.size == size] for size in range(1, 7)}
    expected: dict[Derivation, float] = {}
    for members in by_size.values():
        total = sum(weight(tiny, member) for member in members)
        for member in members:
            expected[member] = weight(tiny, member) / total / len(by_size)
    assert sum(expected.values()) == pytest.approx(1)
    sampler, rng, draws = Sampler(tiny), random.Random(7), 60_000
    seen = Counter(sampler.sample(rng, max_nodes=6) for _ in range(draws))
    assert set(seen) <= set(expected)
    # Chi-square needs several expected draws in each bin: the rarest derivations share one.
    common = [member for member in expected if expected[member] * draws >= 8]
    assert len(common) > 100
    observed = [seen[member] for member in common]
    wanted = [expected[member] * draws for member in common]
    observed.append(draws - sum(observed))
    wanted.append(draws - sum(wanted))
    assert chisquare(observed, wanted).pvalue > 1e-3


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(SHIPPED)),
    seed=st.integers(0, 2**32),
    depth=st.integers(-1, 9),
    nodes=st.integers(-1, 30),
)
def test_limits_are_respected(name: str, seed: int, depth: int, nodes: int) -> None:
    sampler = SHIPPED[name]
    drawn = sampler.sample(random.Random(seed), max_depth=depth, max_nodes=nodes)
    if depth < 1 or nodes < 1:
        assert drawn is None
        return
    assert drawn is not None
    assert drawn.formula.depth <= min(depth, 7)
    assert drawn.formula.size <= min(nodes, 25)
    assert all(node.op != "hole" for node in drawn.formula.walk())


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_size_is_equally_likely(name: str) -> None:
    sampler, rng = SHIPPED[name], random.Random(3)
    sizes = Counter(drawn.formula.size for _ in range(10_000) if (drawn := sampler.sample(rng)))
    assert sorted(sizes) == sampler.sizes() == list(range(1, 26))
    assert chisquare(list(sizes.values())).pvalue > 1e-3


def test_a_seed_gives_the_same_stream() -> None:
    def texts(seed: int) -> list[str]:
        sampler, rng = Sampler(load_grammar("default")), random.Random(seed)
        return [to_text(drawn.formula) for _ in range(200) if (drawn := sampler.sample(rng))]

    assert texts(5) == texts(5)
    assert texts(5) != texts(6)
    # What was drawn before must not change what a generator gives.
    warm = SHIPPED["default"]
    assert [to_text(warm.sample(random.Random(s)).formula) for s in range(20)] == [  # type: ignore[union-attr]
        to_text(Sampler(warm.grammar).sample(random.Random(s)).formula)  # type: ignore[union-attr]
        for s in range(20)
    ]


def test_only_random_is_called(tiny: Grammar) -> None:
    class Bare:
        def __init__(self) -> None:
            self.source = random.Random(1)

        def random(self) -> float:
            return self.source.random()

    bare, full = Bare(), random.Random(1)
    sampler = SHIPPED["default"]
    for _ in range(100):
        assert sampler.sample(bare) == sampler.sample(full)  # type: ignore[arg-type]


@pytest.mark.parametrize("edge", [0.0, 1 - 2.0**-53])
def test_extreme_draws(edge: float) -> None:
    class Edge(random.Random):
        def random(self) -> float:
            return edge

    drawn = SHIPPED["default"].sample(Edge())
    assert drawn is not None
    assert drawn.formula.size == (1 if edge == 0 else 25)


def test_unknown_symbol() -> None:
    with pytest.raises(GrammarError, match=r"unknown nonterminal 'expt'.*did you mean 'expr'"):
        SHIPPED["default"].sample(random.Random(0), "expt")
