"""Parts of a formula that depend on the label alone: with labels 0 and 1 each is ``a + b*y_true``."""

from __future__ import annotations

from collections.abc import Iterator

from symloss.formula import Formula, at_label, call, constant
from symloss.formula.fold import number
from symloss.formula.tree import Y_PRED, Y_TRUE


def signed_terms(node: Formula, sign: int = 1) -> Iterator[tuple[int, Formula]]:
    """Yield the terms of a sum, each with its sign."""
    if node.op in ("add", "sub"):
        yield from signed_terms(node.args[0], sign)
        yield from signed_terms(node.args[1], sign if node.op == "add" else -sign)
    elif node.op == "neg":
        yield from signed_terms(node.args[0], -sign)
    else:
        yield sign, node


def sum_of(terms: list[tuple[int, Formula]]) -> Formula:
    """Return the sum of signed terms, beginning with a positive one so that no leading sign is needed."""
    terms = sorted(terms, key=lambda item: item[0] < 0)
    sign, result = terms[0]
    if sign < 0:
        result = call("neg", result)
    for sign, term in terms[1:]:
        result = call("add" if sign > 0 else "sub", result, term)
    return result


def has_p(node: Formula) -> bool:
    """Whether the formula depends on the prediction."""
    return any(part == Y_PRED for part in node.walk())


def affine_in_label(node: Formula) -> Formula:
    """Return the formula with every part that depends on the label alone written as ``a + b*y_true``.

    So ``exp(-y_true) - exp(y_true)`` becomes ``-2.35*y_true``; in a sum all such terms are taken together.

    Raises:
        SymlossError: such a part has no finite value at a label.
    """
    if not node.args:
        return node
    if not has_p(node):
        return _affine([(1, node)])
    terms = list(signed_terms(node))
    if len(terms) == 1:
        return call(node.op, *map(affine_in_label, node.args))
    inert = [item for item in terms if not has_p(item[1])]
    active = [(sign, affine_in_label(term)) for sign, term in terms if has_p(term)]
    return sum_of([*active, (1, _affine(inert))]) if inert else sum_of(active)


def _affine(terms: list[tuple[int, Formula]]) -> Formula:
    """Return a sum of terms without ``y_pred`` as ``b*y_true + a``."""
    values = []
    for label in (0, 1):
        parts = [(sign, at_label(term, label)) for sign, term in terms]
        values.append(sum(sign * number(part) for sign, part in parts))
    a, b = values[0], values[1] - values[0]
    return call("add", call("mul", constant(b), Y_TRUE), constant(a))
