"""Checks of a whole set of rules: is each rule used, does each formula end, and do any fit the limits?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from symloss.errors import suggest
from symloss.formula import Formula, call, hole
from symloss.grammar.errors import Problems, shown
from symloss.grammar.grammar import Limits
from symloss.grammar.production import Production
from symloss.grammar.tables import Rules, build_table, find_unit_cycle, longest_renaming, lost_to_rounding
from symloss.limits import GRAMMAR_DEPTH, GRAMMAR_LEVELS, GRAMMAR_NODES, GRAMMAR_TABLE


def check_rules(rules: Rules, start: str, limits: Limits, problems: Problems) -> None:
    """Note in ``problems`` everything that would make the rules useless or ambiguous without end.

    Args:
        rules: productions whose holes all name rules.
        start: the wanted start; it may be missing from the rules.
        limits: the wanted limits.
        problems: collects the mistakes.
    """
    if start not in rules:
        problems.add(
            ("start",),
            f"the start {shown(start)} is not a rule; the rules are: {', '.join(rules)}{suggest(start, rules)}",
        )
        return
    reachable = _reachable(rules, start)
    for name in rules:
        if name not in reachable:
            problems.add(("rules", name), f"the rule {name!r} is never reached from {start!r}; use it or remove it")
    depths = _smallest(rules, _depth)
    for name in rules:
        if name not in depths:
            problems.add(
                ("rules", name),
                f"no formula derived from {name!r} ever ends: each production leads back to rules that never "
                "end; add one with only variables, numbers or rules that end",
            )
    cycle = find_unit_cycle(rules)
    if cycle is not None:
        index = next(item.index for item in rules[cycle[0]] if item.is_unit and item.holes[0] == cycle[1])
        problems.add(
            ("rules", cycle[0], index),
            f"these rules only rename each other, without end: {' -> '.join(cycle)}; remove one of the steps",
        )
    if problems:
        return
    longest = longest_renaming(rules)
    if longest * limits.depth > GRAMMAR_LEVELS:
        problems.add(
            ("limits", "depth"),
            f"{longest} rules in a row can rename one place, and {longest} x depth {limits.depth} is more "
            f"than {GRAMMAR_LEVELS} levels; lower depth or merge the rules",
        )
        return
    holes = sum(len(item.holes) for items in rules.values() for item in items)
    if holes * limits.depth * limits.nodes > GRAMMAR_TABLE:
        problems.add(
            ("limits",),
            f"{holes} nonterminals in the productions x depth {limits.depth} x {limits.nodes} nodes is more than "
            f"{GRAMMAR_TABLE:,}, so that to count its formulas would take long; lower the limits or merge rules",
        )
        return
    _check_limits(rules, start, limits, depths[start], problems)
    if not problems:
        _check_variables(rules, start, limits, problems)
    if not problems:
        _check_weights(rules, limits, problems)


def _reachable(rules: Rules, start: str) -> set[str]:
    seen = {start}
    queue = [start]
    while queue:
        for item in rules[queue.pop()]:
            new = set(item.holes) - seen
            seen |= new
            queue.extend(new)
    return seen


def _depth(item: Production, values: list[int]) -> int:
    return max([item.depth, *(offset + value for offset, value in zip(item.offsets, values, strict=True))])


def _nodes(item: Production, values: list[int]) -> int:
    return item.nodes + sum(values)


def _smallest(rules: Rules, combine: Callable[[Production, list[int]], int]) -> dict[str, int]:
    """Return the least depth (or size) of a formula of each nonterminal, without those that never end."""
    best: dict[str, int] = {}
    changed = True
    while changed:
        changed = False
        for name, items in rules.items():
            for item in items:
                if all(need in best for need in item.holes):
                    value = combine(item, [best[need] for need in item.holes])
                    if value < best.get(name, value + 1):
                        best[name] = value
                        changed = True
    return best


def _check_limits(rules: Rules, start: str, limits: Limits, least_depth: int, problems: Problems) -> None:
    least_nodes = _smallest(rules, _nodes)[start]
    if limits.depth < least_depth:
        problems.add(
            ("limits", "depth"),
            f"no formula fits: depth is {limits.depth} and the shallowest formula has depth {least_depth}; raise it",
        )
    if limits.nodes < least_nodes:
        problems.add(
            ("limits", "nodes"),
            f"no formula fits: nodes is {limits.nodes} and the smallest formula has {least_nodes} nodes; raise it",
        )
    if problems:
        return
    fits = build_table(rules, limits.depth, limits.nodes, lambda item: 1, presence=True, until=start)
    if fits[start][-1].any():
        return
    table = build_table(rules, GRAMMAR_DEPTH, GRAMMAR_NODES, lambda item: 1, presence=True)[start]
    sizes = np.flatnonzero(table[limits.depth])
    depths = [level for level, row in enumerate(table) if row[: limits.nodes + 1].any()]
    fixes = []
    if len(sizes):
        fixes.append(f"with depth {limits.depth} the smallest formula has {sizes[0]} nodes")
    if depths:
        fixes.append(f"with {limits.nodes} nodes the shallowest has depth {depths[0]}")
    problems.add(("limits",), f"no formula fits both limits: {', and '.join(fixes)}; raise one of them")


def _check_variables(rules: Rules, start: str, limits: Limits, problems: Problems) -> None:
    for variable in ("y_pred", "y_true"):
        wanted, twins = _marked(start), _containing(rules, variable)
        table = build_table(twins, limits.depth, limits.nodes, lambda item: 1, presence=True, until=wanted)
        if not table[wanted][-1].any():
            problems.add(("rules",), f"no formula within the limits contains {variable}; add it to a rule")


def _marked(name: str) -> str:
    return f"{name} with it"  # no nonterminal has a space in its name


def _containing(rules: Rules, variable: str) -> Rules:
    """Return the rules and, for each nonterminal, a marked twin that derives just what has the variable."""
    result = dict(rules)
    for name, items in rules.items():
        twins: list[Formula] = []
        for item in items:
            if item.template is None:
                continue
            if any(node.op == variable for node in item.template.walk()):
                twins.append(item.template)
            else:
                twins.extend(_mark(item.template))
        result[_marked(name)] = tuple(
            Production(_marked(name), index, 1.0, 1.0, twin, None) for index, twin in enumerate(twins)
        )
    return result


def _mark(template: Formula) -> Iterator[Formula]:
    """Yield the template once for each of its holes, with that hole marked."""
    if template.op == "hole":
        yield hole(_marked(str(template.value)))
    for index, arg in enumerate(template.args):
        for marked in _mark(arg):
            yield call(template.op, *template.args[:index], marked, *template.args[index + 1 :])


def _check_weights(rules: Rules, limits: Limits, problems: Problems) -> None:
    table = build_table(rules, limits.depth, limits.nodes, lambda item: item.probability)
    name = lost_to_rounding(rules, table, limits.depth, limits.nodes)
    if name is not None:
        problems.add(
            ("rules", name),
            f"the weights differ too much to draw {name!r} with up to {limits.nodes} nodes; bring them "
            "closer together or lower the limit",
        )
