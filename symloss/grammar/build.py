"""Data of the right shape -> a checked grammar."""

from __future__ import annotations

import re
from keyword import iskeyword
from pathlib import Path
from types import MappingProxyType

from symloss.formula import FUNCTIONS, FormulaError, parse_formula, parse_template
from symloss.grammar.check import check_rules
from symloss.grammar.derivation import Derivation
from symloss.grammar.derive import Matcher
from symloss.grammar.errors import GrammarError, Problems, shown
from symloss.grammar.grammar import Grammar, Limits
from symloss.grammar.production import Production
from symloss.grammar.schema import GrammarShape, read_shape
from symloss.limits import GRAMMAR_HOLES, GRAMMAR_PRODUCTIONS

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,49}")


def build(data: object, problems: Problems, source: Path | None = None) -> Grammar:
    """Return the grammar that plain data describe.

    Args:
        data: mappings, lists, text and numbers, as YAML or JSON gives them.
        problems: collects the mistakes, and knows how to name their places.
        source: the file, if any.

    Raises:
        GrammarError: the data break a rule; all mistakes that could be found are in the message.
    """
    shape = read_shape(data, problems)
    problems.raise_any()
    assert shape is not None
    limits = Limits(shape.limits.depth, shape.limits.nodes)
    _check_names(shape, problems)
    rules = _productions(shape, problems)
    problems.raise_any()
    check_rules(rules, shape.start, limits, problems)
    problems.raise_any()
    seeds = _seeds(shape, rules, limits, problems)
    problems.raise_any()
    return Grammar(
        name=shape.name,
        description=shape.description,
        output=shape.loss.output,
        class_reduction=shape.loss.class_reduction,
        start=shape.start,
        rules=MappingProxyType(rules),
        limits=limits,
        seeds=tuple(seeds),
        source=source,
    )


def _check_names(shape: GrammarShape, problems: Problems) -> None:
    for name, items in shape.rules.items():
        if name in ("y_pred", "y_true"):
            problems.add(("rules", name), f"the nonterminal {name!r} has the name of a variable; rename it")
        elif name in FUNCTIONS:
            problems.add(("rules", name), f"the nonterminal {name!r} has the name of a function; rename it")
        elif not _NAME.fullmatch(name) or iskeyword(name):
            problems.add(
                ("rules", name),
                f"{shown(name)} is no name for a nonterminal; use at most 50 letters, digits or _, not "
                "starting with a digit, and no Python keyword",
            )
        if not items:
            problems.add(("rules", name), f"the rule {shown(name)} has no productions; add one or remove the rule")
    total = sum(map(len, shape.rules.values()))
    if total > GRAMMAR_PRODUCTIONS:
        problems.add(("rules",), f"{total} productions; the limit is {GRAMMAR_PRODUCTIONS}")


def _productions(shape: GrammarShape, problems: Problems) -> dict[str, tuple[Production, ...]]:
    rules: dict[str, tuple[Production, ...]] = {}
    for name, items in shape.rules.items():
        total = sum(item.weight for item in items)
        made: dict[object, Production] = {}
        for index, item in enumerate(items):
            place = ("rules", name, index)
            template = None
            if item.rhs is not None:
                try:
                    template = parse_template(item.rhs, shape.rules)
                except FormulaError as error:
                    problems.add((*place, "rhs"), str(error))
                    continue
            production = Production(name, index, item.weight, item.weight / total, template, item.constant)
            if len(production.holes) > GRAMMAR_HOLES:
                problems.add(
                    place,
                    f"{len(production.holes)} nonterminals in one production; the limit is {GRAMMAR_HOLES}",
                )
            content = template if template is not None else repr(item.constant)
            if content in made:
                problems.add(
                    place,
                    f"production {index + 1} of {name!r} repeats an earlier one; raise its weight instead",
                )
            made[content] = production
        rules[name] = tuple(made.values())
    return rules


def _seeds(
    shape: GrammarShape, rules: dict[str, tuple[Production, ...]], limits: Limits, problems: Problems
) -> list[Derivation]:
    found = []
    matcher = Matcher(rules)
    for index, text in enumerate(shape.seeds):
        try:
            formula = parse_formula(text)
        except FormulaError as error:
            problems.add(("seeds", index), str(error))
            continue
        if formula.depth > limits.depth or formula.size > limits.nodes:
            problems.add(
                ("seeds", index),
                f"the seed {shown(text)} has depth {formula.depth} and {formula.size} nodes; the limits are "
                f"depth {limits.depth} and {limits.nodes} nodes; raise the limits or remove the seed",
            )
            continue
        try:
            derivation = matcher.nonterminal(shape.start, formula)
        except GrammarError as error:
            problems.add(("seeds", index), str(error))
            break
        if derivation is None:
            problems.add(
                ("seeds", index),
                f"the seed {shown(text)} cannot be derived from {shape.start!r}; add the productions it "
                "needs or remove it",
            )
        else:
            found.append(derivation)
    return found
