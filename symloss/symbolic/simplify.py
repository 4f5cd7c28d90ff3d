"""The displayed form: the shortest formula for the same loss that our rules find.

Rules never have to be trusted: whatever they propose is kept only if its response curves stay within 1e-6 of the
original's. All of them are cheap, unlike ``sympy.simplify``; as even SymPy's cheap ones can hang on some formulas, runs
use them through ``worker``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import sympy

from symloss.errors import SymlossError
from symloss.formula import Formula, at_label, call, constant, fold
from symloss.formula.fold import ONE, ZERO, number, substitute
from symloss.formula.tree import Y_PRED, Y_TRUE
from symloss.symbolic.labels import affine_in_label, has_p, signed_terms, sum_of
from symloss.symbolic.proofs.signs import resolve_switches
from symloss.symbolic.response import response_curves
from symloss.symbolic.sympy_bridge import from_sympy, to_sympy

#: How far the curves of a displayed form may be from the original's, relative to the gradient's largest value.
TOLERANCE = 1e-6

_U = np.linspace(-14.0, 12.0, 160)
_P, _Q = 1 / (1 + np.exp(-_U)), 1 / (1 + np.exp(_U))
#: A shorter form may open the way to another.
_ROUNDS = 3
_IDEMPOTENT = ("square", "sqrt", "abs", "sign", "relu")


def simplify(formula: Formula, use_sympy: bool = True) -> Formula:
    """Return the shortest equivalent formula found: equivalent for hard labels, a softmax output and C >= 3.

    Additive terms without ``y_pred``, common multiples of ``y_pred`` and positive factors have no effect on training
    and are dropped; constants are rounded to the fewest digits that keep the curves within :data:`TOLERANCE`.

    Args:
        formula: the loss.
        use_sympy: use SymPy's rules too. They find more, and may hang: see ``displayed_form``.
    """
    target = _normalised(formula)
    if target is None:
        return formula
    best = formula
    rules: list[Callable[[Formula], Formula | Iterator[Formula]]]
    rules = [reduce_formula, affine_in_label, _without_a_term]
    if use_sympy:
        rules += [_from_split, _from_sympy_rules]
    for _ in range(_ROUNDS):
        before = best
        for propose in rules:
            for proposal in propose_all(propose, best):
                if proposal.size < best.size and _close(proposal, target):
                    best = proposal
        if best == before:
            break
    written = sign_inward(reduce_formula(round_constants(best, target)))
    return written if written.size <= best.size and _close(written, target) else best


def sign_inward(node: Formula) -> Formula:
    """Write ``-a*b`` instead of ``-(a*b)``, and y_true first: the same size, and what a person would write."""
    if node.op == "mul" and node.args[1] == Y_TRUE and node.args[0].op not in ("const", "mul", "div", "neg"):
        node = call("mul", Y_TRUE, node.args[0])
    if node.op == "neg" and node.args[0].op in ("mul", "div"):
        first, second = node.args[0].args
        if second == Y_TRUE and first.op not in ("const", "mul", "div", "neg"):
            first, second = second, first
        negative = constant(-number(first)) if first.op == "const" else sign_inward(call("neg", first))
        return call(node.args[0].op, negative, sign_inward(second))
    return call(node.op, *map(sign_inward, node.args)) if node.args else node


def propose_all(propose: Callable[[Formula], Formula | Iterator[Formula]], formula: Formula) -> Iterator[Formula]:
    """Yield a rule's proposals, each reduced; a rule that leaves the formula's domain proposes nothing."""
    try:
        proposals = propose(formula)
        for proposal in (proposals,) if isinstance(proposals, Formula) else proposals:
            yield reduce_formula(proposal)
    except (SymlossError, ArithmeticError, ValueError, TypeError, RecursionError):
        return  # SymPy raises these on what has no real value


def reduce_formula(formula: Formula) -> Formula:
    """Return the formula after the cheap rules: folding, labels, inverse functions and inert terms (about 0.1 ms)."""
    for _ in range(4):
        shorter = _drop_inert(fold(_rewrite(fold(formula))))
        if shorter == formula:
            break
        formula = shorter
    return formula


def _rewrite(node: Formula) -> Formula:
    """Apply the local rules bottom-up."""
    if not node.args:
        return node
    args = tuple(_rewrite(arg) for arg in node.args)
    node = call(node.op, *args)
    first = args[0]
    if first == Y_TRUE and (node.op in _IDEMPOTENT or (node.op == "pow" and _positive(args[1]))):
        return Y_TRUE
    if node.op == "mul":
        for one, other in (args, args[::-1]):
            # A factor y_true makes the rest matter at y_true = 1 only.
            if one == Y_TRUE and any(part == Y_TRUE for part in other.walk()):
                return call("mul", Y_TRUE, substitute(other, ONE))
        if args[0] == args[1]:
            return call("square", first)
    if node.op == "div" and first == Y_TRUE and any(part == Y_TRUE for part in args[1].walk()):
        return call("div", Y_TRUE, substitute(args[1], ONE))
    if (node.op, first.op) in (("exp", "log"), ("log", "exp")):
        return first.args[0]
    if node.op == "log" and first.op in ("pow", "div"):  # logarithms of powers of p, which is positive
        a, b = first.args
        if first.op == "pow" and a == Y_PRED:
            return call("mul", b, call("log", Y_PRED))
        if a == ONE and b == Y_PRED:
            return call("neg", call("log", Y_PRED))
    if (node.op, first.op) == ("sqrt", "square"):
        return call("abs", first.args[0])
    return node


def _positive(node: Formula) -> bool:
    return node.op == "const" and number(node) > 0


def _is_multiple_of_p(node: Formula) -> bool:
    if node == Y_PRED:
        return True
    return node.op == "mul" and (
        (node.args[0].op == "const" and _is_multiple_of_p(node.args[1]))
        or (node.args[1].op == "const" and _is_multiple_of_p(node.args[0]))
    )


def _drop_inert(formula: Formula) -> Formula:
    """Drop what cannot change training: terms without p, multiples of p alone, and positive factors."""
    active = [(sign, term) for sign, term in signed_terms(formula) if has_p(term) and not _is_multiple_of_p(term)]
    if not active:
        return formula
    if len(active) == 1:
        sign, term = active[0]
        bare, factor_sign = _without_factor(term)
        return bare if sign * factor_sign > 0 else call("neg", bare)
    return sum_of(active)


def _without_factor(term: Formula) -> tuple[Formula, int]:
    """Return the term without its constant factor, and the sign of that factor."""
    if term.op == "neg":
        bare, sign = _without_factor(term.args[0])
        return bare, -sign
    if term.op == "mul":
        for one, other in (term.args, term.args[::-1]):
            if one.op == "const" and one != ZERO:
                bare, sign = _without_factor(other)
                return bare, sign if number(one) > 0 else -sign
        (left, left_sign), (right, right_sign) = map(_without_factor, term.args)
        return call("mul", left, right), left_sign * right_sign
    if term.op == "div":
        above, below = term.args
        if below.op == "const" and below != ZERO:
            bare, sign = _without_factor(above)
            return bare, sign if number(below) > 0 else -sign
        if above.op == "const" and above != ZERO:
            return call("div", ONE, below), 1 if number(above) > 0 else -1
        (left, left_sign), (right, right_sign) = map(_without_factor, term.args)
        return call("div", left, right), left_sign * right_sign
    if term.op == "exp":  # exp(a + c) = exp(c) * exp(a)
        parts = [(sign, part) for sign, part in signed_terms(term.args[0]) if part.op != "const"]
        if parts:
            return call("exp", sum_of(parts)), 1
    return term, 1


def _without_a_term(formula: Formula) -> Iterator[Formula]:
    """Propose to drop one side of a sum: it may be too small to matter."""
    if formula.op in ("add", "sub"):
        yield formula.args[0]
        yield formula.args[1] if formula.op == "add" else call("neg", formula.args[1])
    for place, arg in enumerate(formula.args):
        for shorter in _without_a_term(arg):
            yield call(formula.op, *formula.args[:place], shorter, *formula.args[place + 1 :])


def _from_split(formula: Formula) -> Iterator[Formula]:
    """Propose forms built anew from L(p, 1) and L(p, 0)."""
    positive, negative = (reduce_formula_at(formula, label) for label in (1, 0))
    yield call("add", negative, call("mul", Y_TRUE, call("sub", positive, negative)))
    yield call("mul", Y_TRUE, positive)
    yield call("mul", Y_TRUE, call("sub", positive, negative))


def reduce_formula_at(formula: Formula, label: int) -> Formula:
    """Return L(p, label) folded, with SymPy's automatic cancellation where that is shorter."""
    plain = fold(resolve_switches(at_label(formula, label)))
    tidy = from_sympy(to_sympy(plain))
    return tidy if tidy.size < plain.size else plain


def _from_sympy_rules(formula: Formula) -> Iterator[Formula]:
    expression = to_sympy(formula)
    yield from_sympy(expression)
    if formula.size > 40:
        return
    rules = (
        sympy.factor_terms,
        lambda e: sympy.expand(e, power_base=False, power_exp=False, log=False, multinomial=False),
        lambda e: sympy.collect(sympy.expand(e, power_exp=False, multinomial=False), Y),
        sympy.powsimp,
    )
    for rule in rules:
        yield from_sympy(rule(expression))


Y = to_sympy(Y_TRUE)


def round_constants(formula: Formula, target: np.ndarray) -> Formula:
    """Return the formula with each constant at the fewest significant digits that keep the curves close."""
    for digits in (2, 3, 4, 5, 6, 8, 10):
        rounded = _rounded(formula, digits)
        if rounded == formula or _close(rounded, target):
            return rounded
    return formula


def _rounded(node: Formula, digits: int) -> Formula:
    if node.op == "const":
        return constant(float(f"{number(node):.{digits}g}"))
    return call(node.op, *(_rounded(arg, digits) for arg in node.args)) if node.args else node


def _normalised(formula: Formula) -> np.ndarray | None:
    """Return the curves with both freedoms divided out, largest value 1; None if they are not finite."""
    r0, r1 = response_curves(formula, _P, _Q)
    if not (np.isfinite(r0).all() and np.isfinite(r1).all()):
        return None
    middle = _P.size // 2
    curves = np.stack([r1 - r0, r0 - _P * (r0[middle] / _P[middle])])
    largest = float(np.abs(curves).max())
    return curves / largest if largest > 0 else None


def _close(formula: Formula, target: np.ndarray) -> bool:
    curves = _normalised(formula)
    return curves is not None and float(np.abs(curves - target).max()) <= TOLERANCE
