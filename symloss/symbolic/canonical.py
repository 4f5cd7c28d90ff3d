"""The canonical form: one formula that stands for all that train alike, as far as SymPy's rules can tell.

Written as ``y_true*G + g``: the one-hot split with its freedoms divided out. G is L(p, 1) - L(p, 0) without constants,
g is L(p, 0) without constants and multiples of p (they have no effect through a softmax), both expanded, and the first
term of G, or of g where G is 0, has the factor 1 or -1. Whether two losses are one is not decided by this form but by
``loss_id``.
"""

from __future__ import annotations

from typing import Any

import sympy

from symloss.formula import Y_TRUE, Formula, at_label, call, fold
from symloss.formula.fold import ZERO
from symloss.symbolic.proofs.signs import resolve_switches
from symloss.symbolic.simplify import reduce_formula, sign_inward
from symloss.symbolic.sympy_bridge import from_sympy, to_sympy, y_pred


def canonical_form(formula: Formula, output: str = "softmax") -> Formula:
    """Return the canonical form. SymPy may take long over it: see ``canonical`` for one with a time limit.

    Args:
        formula: a loss with a finite value at both labels.
        output: ``"softmax"``, or ``"sigmoid"``, where multiples of p count.

    Raises:
        SymlossError: a label has no finite value, or SymPy leaves the whitelist.
    """
    positive, negative = (to_sympy(fold(resolve_switches(at_label(formula, label)))) for label in (1, 0))
    gap = _active(_expanded(positive - negative), multiples=True)
    rest = _active(_expanded(negative), multiples=output == "sigmoid")
    first = _terms(gap) or _terms(rest)
    if not first:
        return ZERO
    factor = sympy.Abs(first[0].as_independent(y_pred, as_Add=False)[0])
    gap, rest = (_expanded(part / factor) for part in (gap, rest))
    parts = []
    if gap != 0:
        parts.append(call("mul", Y_TRUE, from_sympy(gap)))
    if rest != 0:
        parts.append(from_sympy(rest))
    if not parts:
        return ZERO
    whole = parts[0] if len(parts) == 1 else call("add", *parts)
    return sign_inward(reduce_formula(whole) if output == "softmax" else fold(whole))


def _expanded(expression: Any) -> Any:
    if expression.count_ops() > 200:  # a product of many sums would fill the memory
        return expression
    return sympy.expand(expression)


def _active(expression: Any, multiples: bool) -> Any:
    """Return a sum without its terms that have no effect."""
    kept = []
    for term in sympy.Add.make_args(expression):
        if not term.has(y_pred):
            continue
        if not multiples and not (term / y_pred).has(y_pred):
            continue
        kept.append(term)
    return sympy.Add(*kept)


def _terms(expression: Any) -> list[Any]:
    return [] if expression == 0 else sympy.Add(expression).as_ordered_terms()
