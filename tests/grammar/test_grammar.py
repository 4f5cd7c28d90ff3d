"""Grammars and derivations as data: JSON, digest, pickle."""

from __future__ import annotations

import json
import pickle
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symloss.formula import parse_template, to_text
from symloss.grammar import Grammar, GrammarError, Production, Sampler, load_grammar

GRAMMARS = {name: load_grammar(name) for name in ("default", "ngl")}
SAMPLERS = {name: Sampler(grammar) for name, grammar in GRAMMARS.items()}

KINDS: dict[str, Any] = {
    "name": "kinds",
    "description": "one of each",
    "loss": {"output": "softmax", "class_reduction": "mean"},
    "start": "e",
    "rules": {
        "e": [{"rhs": "c*y_pred - y_true", "weight": 0.5}, "e/(2 + c**2)"],
        "c": [
            {"constant": {"distribution": "uniform", "low": -1, "high": 1, "decimals": 2}, "weight": 2},
            {"constant": {"distribution": "normal", "mean": 0, "std": 1}},
            {"constant": {"distribution": "loguniform", "low": 0.001, "high": 10}},
            {"constant": {"distribution": "choice", "values": [1, 2.5]}},
        ],
    },
    "limits": {"depth": 9, "nodes": 40},
    "seeds": ["2.5*y_pred - y_true"],
}


@pytest.mark.parametrize("grammar", [*GRAMMARS.values(), Grammar.from_dict(KINDS)], ids=lambda grammar: grammar.name)
def test_a_grammar_survives_json_and_pickle(grammar: Grammar) -> None:
    again = Grammar.from_dict(json.loads(json.dumps(grammar.to_dict(), allow_nan=False)))
    copy = pickle.loads(pickle.dumps(grammar))
    assert again == copy == grammar
    assert again.digest() == copy.digest() == grammar.digest()
    assert copy.source == grammar.source
    rngs = [random.Random(4) for _ in range(3)]
    for _ in range(50):
        drawn = [Sampler(g).sample(rng) for g, rng in zip((grammar, again, copy), rngs, strict=True)]
        assert drawn[0] == drawn[1] == drawn[2]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("limits", "depth"), 8),
        (("loss", "class_reduction"), "sum"),
        (("rules", "c", 3, "constant", "values"), [1, 2.5, 3]),
        (("rules", "c", 0, "weight"), 3),
        (("rules", "e", 1), "e/(3 + c**2)"),
        (("seeds",), []),
    ],
)
def test_the_digest_sees_every_change(path: tuple[str | int, ...], value: object) -> None:
    data = json.loads(json.dumps(KINDS))
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    assert Grammar.from_dict(data).digest() != Grammar.from_dict(KINDS).digest()


def test_a_grammar_cannot_be_changed() -> None:
    grammar = GRAMMARS["default"]
    with pytest.raises(AttributeError):
        grammar.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        grammar.rules["expr"] = ()  # type: ignore[index]


def test_seeds_are_derived() -> None:
    (seed,) = Grammar.from_dict(KINDS).seeds
    assert to_text(seed.formula) == "2.5*y_pred - y_true"


@settings(max_examples=100, deadline=None)
@given(name=st.sampled_from(sorted(GRAMMARS)), seed=st.integers(0, 2**32))
def test_derivations_survive_json(name: str, seed: int) -> None:
    drawn = SAMPLERS[name].sample(random.Random(seed))
    assert drawn is not None
    again = GRAMMARS[name].derivation_from_json(json.loads(json.dumps(drawn.to_json(), allow_nan=False)))
    assert again == drawn
    assert hash(again) == hash(drawn)
    assert again.formula == drawn.formula


LEAF = ["expr", 0, [["leaf", 0, [], None]], None]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "expected [nonterminal"),
        ([], "expected [nonterminal"),
        ("expr", "expected [nonterminal"),
        (["expr", 0, []], "expected [nonterminal"),
        ([1, 0, [], None], "must be text"),
        (["exprs", 0, [], None], "did you mean 'expr'?"),
        (["leaf", 0, [], None], "expected a derivation of 'expr'"),
        (["expr", -1, [], None], "productions 0 to"),
        (["expr", True, [], None], "productions 0 to"),
        (["expr", 99, [], None], "productions 0 to"),
        (["expr", 0, [], None], "needs a list of 1 children"),
        (["expr", 0, None, None], "needs a list of 1 children"),
        (["expr", 0, [["expr", 0, [], None]], None], "expected a derivation of 'leaf'"),
        (["expr", 0, [["leaf", 0, [], 1.0]], None], "has no constant"),
        (["expr", 0, [["leaf", 3, [], None]], None], "needs a number"),
        (["expr", 0, [["leaf", 3, [], True]], None], "needs a number"),
        (["expr", 0, [["leaf", 3, [], 10**400]], None], "needs a number"),
        (["expr", 0, [["leaf", 3, [], 3.5]], None], "cannot draw the value 3.5"),
        (["expr", 0, [["leaf", 3, [], 0.12345]], None], "cannot draw the value 0.12345"),
        (["expr", 0, [["leaf", 3, [], float("nan")]], None], "cannot draw the value nan"),
    ],
)
def test_foreign_derivations_are_refused(data: object, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        GRAMMARS["ngl"].derivation_from_json(data)
    assert message in str(caught.value)


def test_derivations_beyond_the_limits_are_refused() -> None:
    data: list[Any] = LEAF
    for _ in range(6):
        data = ["expr", 4, [data], None]
    assert GRAMMARS["ngl"].derivation_from_json(data).formula.depth == 7
    with pytest.raises(GrammarError, match="depth 8 and 8 nodes; grammar 'ngl' allows depth 7"):
        GRAMMARS["ngl"].derivation_from_json(["expr", 4, [data], None])
    for _ in range(900):
        data = ["expr", 4, [data], None]
    with pytest.raises(GrammarError, match="deeper than the limit"):
        GRAMMARS["ngl"].derivation_from_json(data)


def test_production_measures_its_template() -> None:
    template = parse_template("sin(1 + max(b, c)*a)*(a + exp(b))", ["a", "b", "c"])
    item = Production("a", 0, 1.0, 1.0, template, None)
    assert item.holes == ("b", "c", "a", "a", "b")
    assert item.offsets == (5, 5, 4, 2, 3)
    assert (item.nodes, item.depth, item.is_unit) == (8, 6, False)
    filling = [("b", "-y_true"), ("c", "3"), ("a", "2"), ("a", "y_pred"), ("b", "y_true")]
    leaves = [Production(name, 0, 1.0, 1.0, parse_template(text, []), None).apply() for name, text in filling]
    assert to_text(item.apply(tuple(leaves)).formula) == "sin(1 + max(-y_true, 3)*2)*(y_pred + exp(y_true))"
