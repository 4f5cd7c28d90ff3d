"""Is a formula in a grammar's language? Memoised matching of templates against the tree."""

from __future__ import annotations

from symloss.formula import Formula
from symloss.grammar.derivation import Derivation
from symloss.grammar.grammar import Grammar
from symloss.grammar.tables import Rules

COMMUTATIVE = frozenset({"add", "mul", "max", "min"})


def derive(grammar: Grammar, formula: Formula) -> Derivation | None:
    """Return a derivation of ``formula``, up to the order of commuting arguments, or ``None``.

    Matching follows the tree's structure: it does no algebra. A number matches an equal literal, or a
    constant whose distribution can draw it. A formula beyond the grammar's limits has no derivation.

    Args:
        grammar: the grammar.
        formula: a formula without holes.
    """
    if formula.depth > grammar.limits.depth or formula.size > grammar.limits.nodes:
        return None
    return derive_symbol(grammar.rules, grammar.start, formula)


def derive_symbol(rules: Rules, symbol: str, formula: Formula) -> Derivation | None:
    """As :func:`derive`, from any nonterminal and without limits. The rules must have no unit cycle."""
    return _Matcher(rules).nonterminal(symbol, formula)


class _Matcher:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._known: dict[tuple[str, Formula], Derivation | None] = {}

    def nonterminal(self, name: str, formula: Formula) -> Derivation | None:
        key = (name, formula)
        if key not in self._known:
            self._known[key] = self._search(name, formula)
        return self._known[key]

    def _search(self, name: str, formula: Formula) -> Derivation | None:
        for item in self._rules[name]:
            if item.distribution is not None:
                if formula.op == "const" and item.distribution.contains(float(formula.value or 0.0)):
                    return item.apply((), float(formula.value or 0.0))
            elif item.template is not None:
                children = self._template(item.template, formula)
                if children is not None:
                    return item.apply(tuple(children))
        return None

    def _template(self, template: Formula, formula: Formula) -> list[Derivation] | None:
        """Return derivations for the template's holes, left to right, that make it equal to the formula."""
        if template.op == "hole":
            found = self.nonterminal(str(template.value), formula)
            return None if found is None else [found]
        if template.op != formula.op or template.value != formula.value:
            return None
        orders = [formula.args, formula.args[::-1]] if template.op in COMMUTATIVE else [formula.args]
        for arguments in orders:
            children: list[Derivation] = []
            for part, argument in zip(template.args, arguments, strict=True):
                matched = self._template(part, argument)
                if matched is None:
                    break
                children.extend(matched)
            else:
                return children
        return None
