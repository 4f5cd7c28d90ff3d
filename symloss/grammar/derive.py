"""Is a formula in a grammar's language? Memoised matching of templates against the tree."""

from __future__ import annotations

from symloss.formula import Formula, to_text
from symloss.grammar.derivation import Derivation
from symloss.grammar.errors import GrammarError, shown
from symloss.grammar.grammar import Grammar
from symloss.grammar.tables import Rules
from symloss.limits import GRAMMAR_MATCHING

COMMUTATIVE = frozenset({"add", "mul", "max", "min"})


def derive(grammar: Grammar, formula: Formula) -> Derivation | None:
    """Return a derivation of ``formula``, up to the order of commuting arguments, or ``None``.

    Matching follows the tree's structure: it does no algebra. A number matches an equal literal, or a
    constant whose distribution can draw it. A formula beyond the grammar's limits has no derivation.

    Args:
        grammar: the grammar.
        formula: a formula without holes.

    Raises:
        GrammarError: it takes more than a million steps to find out.
    """
    if formula.depth > grammar.limits.depth or formula.size > grammar.limits.nodes:
        return None
    return derive_symbol(grammar.rules, grammar.start, formula)


def derive_symbol(rules: Rules, symbol: str, formula: Formula) -> Derivation | None:
    """As :func:`derive`, from any nonterminal and without limits. The rules must have no unit cycle."""
    return Matcher(rules).nonterminal(symbol, formula)


class Matcher:
    """Finds derivations of formulas, and remembers those of their parts.

    Args:
        rules: productions without unit cycles.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._known: dict[tuple[str, Formula], Derivation | None] = {}
        self._steps = 0

    def nonterminal(self, name: str, formula: Formula) -> Derivation | None:
        """Return a derivation of the formula from a nonterminal, or None.

        Raises:
            GrammarError: all calls together took more steps than :data:`~symloss.limits.GRAMMAR_MATCHING`.
        """
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
        self._steps += 1
        if self._steps > GRAMMAR_MATCHING:
            raise GrammarError(
                f"to find {shown(to_text(formula))} in the rules takes more than {GRAMMAR_MATCHING:,} steps; shorten "
                "the productions, or have fewer seeds"
            )
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
