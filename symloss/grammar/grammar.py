"""The validated grammar."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symloss.errors import unknown
from symloss.formula import to_text
from symloss.grammar.derivation import Derivation
from symloss.grammar.errors import GrammarError, shown
from symloss.grammar.production import Production


@dataclass(frozen=True)
class Limits:
    """The largest formula that is drawn.

    Attributes:
        depth: levels, 1 to 50; a leaf has depth 1.
        nodes: nodes, leaves included, 1 to 200.
    """

    depth: int = 7
    nodes: int = 25


@dataclass(frozen=True)
class Grammar:
    """A search space of formulas. Every instance has passed all checks; make one with :func:`load_grammar`.

    Attributes:
        name: as written in the file.
        description: one line for listings.
        output: how logits become ``y_pred``; ``"softmax"``.
        class_reduction: how the classes of a sample are combined: ``"sum"`` or ``"mean"``.
        start: the nonterminal that formulas are derived from.
        rules: for each nonterminal, its productions.
        limits: bounds on the formulas.
        seeds: known losses to start a search from.
        source: the file it was read from; ``None`` when rebuilt from :meth:`to_dict`.
    """

    name: str
    description: str
    output: str
    class_reduction: str
    start: str
    rules: Mapping[str, tuple[Production, ...]]
    limits: Limits
    seeds: tuple[Derivation, ...]
    source: Path | None = field(default=None, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the resolved grammar in the shape of its YAML, fit for JSON; :meth:`from_dict` reads it."""
        return {
            "name": self.name,
            "description": self.description,
            "loss": {"output": self.output, "class_reduction": self.class_reduction},
            "start": self.start,
            "rules": {name: [_described(item) for item in items] for name, items in self.rules.items()},
            "limits": {"depth": self.limits.depth, "nodes": self.limits.nodes},
            "seeds": [to_text(seed.formula) for seed in self.seeds],
        }

    @classmethod
    def from_dict(cls, data: object) -> Grammar:
        """Return the grammar of a :meth:`to_dict` result, checked as a file would be.

        Raises:
            GrammarError: the data break a rule; the message names the key.
        """
        from symloss.grammar.build import build  # `build` makes grammars, so it imports this module
        from symloss.grammar.errors import Problems
        from symloss.grammar.reader import key_path

        return build(data, Problems(lambda location: (0, f"stored grammar, {key_path(location)}")))

    def digest(self) -> str:
        """Return the SHA-256, in hexadecimal, of :meth:`to_dict`: equal for grammars that draw alike."""
        text = json.dumps(self.to_dict(), sort_keys=True, ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def derivation_from_json(self, data: object, symbol: str | None = None) -> Derivation:
        """Return the derivation that :meth:`Derivation.to_json` wrote, checked against this grammar.

        Args:
            data: nested ``[nonterminal, production, [children], value]``.
            symbol: the nonterminal it must derive; by default the start.

        Raises:
            GrammarError: it does not fit the grammar or its limits.
        """
        # Unit productions repeat at one level of the formula, each nonterminal at most once.
        budget = self.limits.depth * len(self.rules)
        derivation = _read(self, data, symbol or self.start, budget)
        formula = derivation.formula
        if formula.depth > self.limits.depth or formula.size > self.limits.nodes:
            raise GrammarError(
                f"the derivation has depth {formula.depth} and {formula.size} nodes; grammar {self.name!r} "
                f"allows depth {self.limits.depth} and {self.limits.nodes} nodes"
            )
        return derivation

    def __hash__(self) -> int:
        return hash((self.name, self.start, self.limits))

    def __reduce__(self) -> tuple[Callable[..., Grammar], tuple[dict[str, Any], Path | None]]:
        return _rebuild, (self.to_dict(), self.source)


def _rebuild(data: dict[str, Any], source: Path | None) -> Grammar:
    grammar = Grammar.from_dict(data)
    object.__setattr__(grammar, "source", source)
    return grammar


def _described(production: Production) -> dict[str, Any]:
    if production.distribution is not None:
        return {"constant": production.distribution.model_dump(mode="json"), "weight": production.weight}
    return {"rhs": production.text, "weight": production.weight}


def _read(grammar: Grammar, data: object, expected: str, budget: int) -> Derivation:
    def fail(reason: str) -> GrammarError:
        return GrammarError(f"not a derivation of grammar {grammar.name!r}: {reason}")

    if budget <= 0:
        raise fail(f"it is deeper than the limit of {grammar.limits.depth} levels allows")
    if not isinstance(data, list | tuple) or len(data) != 4:
        raise fail(f"expected [nonterminal, production, [children], value], got {shown(data)}")
    name, index, children, value = data
    if not isinstance(name, str):
        raise fail(f"the nonterminal must be text, got {shown(name)}")
    if name not in grammar.rules:
        raise fail(unknown("nonterminal", name, grammar.rules))
    if name != expected:
        raise fail(f"expected a derivation of {expected!r}, got one of {name!r}")
    productions = grammar.rules[name]
    if type(index) is not int or not 0 <= index < len(productions):
        raise fail(f"{name!r} has productions 0 to {len(productions) - 1}, got {shown(index)}")
    production = productions[index]
    if not isinstance(children, list | tuple) or len(children) != len(production.holes):
        raise fail(
            f"production {index} of {name!r} needs a list of {len(production.holes)} children, got {shown(children)}"
        )
    if production.distribution is None:
        if value is not None:
            raise fail(f"production {index} of {name!r} has no constant, got the value {shown(value)}")
        pairs = zip(children, production.holes, strict=True)
        return production.apply(tuple(_read(grammar, child, hole, budget - 1) for child, hole in pairs))
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e30:
        raise fail(f"production {index} of {name!r} needs a number as its value, got {shown(value)}")
    if not production.distribution.contains(float(value)):
        raise fail(f"production {index} of {name!r} cannot draw the value {value!r}")
    return production.apply((), float(value) + 0.0)
