"""A loss as its two functions of one probability, with the freedoms that no property may depend on divided out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from flint import arb, ctx

from symloss.formula import Y_PRED, Formula, call, constant, exact
from symloss.formula.differentiate import build, differentiate, specialise, times_p
from symloss.formula.fold import ONE, ZERO
from symloss.symbolic.analysis.polynomial import constant_value, polynomial
from symloss.symbolic.balls import PRECISION, ball
from symloss.symbolic.dual import evaluate
from symloss.symbolic.labels import has_p
from symloss.symbolic.proofs.cells import END_BITS
from symloss.symbolic.proofs.expansions import FLAT, End, OutOfDomain, Undecided
from symloss.symbolic.proofs.functions import expand
from symloss.symbolic.proofs.intervals import enclose
from symloss.symbolic.proofs.program import Program
from symloss.symbolic.proofs.ranges import Range, prove_range
from symloss.symbolic.proofs.signs import resolve_switches

Ball = Any

_MINUS_ONE = constant(-1.0)
#: 1 - y_pred, which programs compute to its own precision.
REST = build("sub", ONE, Y_PRED)

#: So many switches at one place are tried one way and the other.
_MAX_SWITCHES = 4
_LIMIT_ATTEMPTS = ((10, 2), (10, 5), (40, 8), (160, 4), (1000, 2))


class OneHot:
    """``f1(p) = L(p, 1)`` and ``f0(p) = L(p, 0)``, without constants, a common factor and multiples of p in f0.

    A common multiple of p in both adds a constant to the loss of a sample, because the probabilities of a softmax sum
    to 1. So f0's multiple of p is taken off both, as far as it is written as a term of its own. MAE's f0 is 0 then, and
    its f1 is ``-2*p``. The factor that is divided out is the first term's, where that leaves only exact numbers: a
    decimal factor in every term would hide which terms cancel.

    Args:
        formula: the loss of one class.
        classes: C, at least 2.

    Raises:
        SymlossError: a constant part has no finite value at a label.
    """

    def __init__(self, formula: Formula, classes: int) -> None:
        self.classes = classes
        #: L(p, 0) and L(p, 1) as they are.
        self.plain = tuple(resolve_switches(specialise(formula, label)) for label in (0, 1))
        at_0, at_1 = map(_terms_of, self.plain)
        if Y_PRED in at_0:
            at_1[Y_PRED] = build("sub", at_1.get(Y_PRED, ZERO), at_0.pop(Y_PRED))
        #: What f0, f1 and all that is made of them are to be multiplied by.
        self.scale = _common_factor([*at_1.values(), *at_0.values()])
        at_0, at_1 = ({term: _over(factor, self.scale) for term, factor in at.items()} for at in (at_0, at_1))
        self.f0, self.f1 = _sum_of(at_0), _sum_of(at_1)
        differences = {
            term: build("sub", at_1.get(term, ZERO), at_0.get(term, ZERO)) for term in dict.fromkeys((*at_1, *at_0))
        }
        #: G = f1 - f0, in which common terms are cancelled.
        self.gap = _sum_of(differences)

    @cached_property
    def defined(self) -> Range:
        """Whether L is finite and continuous on (0, 1) at both labels, as the range of a program with the value 0."""
        return prove_range(Program(*self.plain, ZERO))

    @cached_property
    def slope0(self) -> Formula:
        """f0'."""
        return resolve_switches(differentiate(self.f0))

    @cached_property
    def slope1(self) -> Formula:
        """f1'."""
        return resolve_switches(differentiate(self.f1))

    @cached_property
    def gap_slope(self) -> Formula:
        """G'."""
        return resolve_switches(differentiate(self.gap))

    @cached_property
    def r0(self) -> Formula:
        """``p*f0'``, cancelled."""
        return times_p(self.slope0)

    @cached_property
    def r1(self) -> Formula:
        """``p*f1'``, cancelled."""
        return times_p(self.slope1)

    @property
    def wrong_inert(self) -> bool:
        """Whether f0 has no effect, so that the loss is a function of the true class's probability."""
        return self.f0 == ZERO

    @cached_property
    def along_true_class(self) -> Formula:
        """``f1'(p) - f0'((1-p)/(C-1))``: the derivative by the true class's p, the rest shared evenly."""
        others = build("div", REST, constant(float(self.classes - 1)))
        return build("sub", self.slope1, _with_p(self.slope0, others))


def _terms(node: Formula, factor: Formula) -> Iterator[tuple[Formula, Formula]]:
    """Yield the terms of a sum as ``(term, constant factor)``."""
    op, args = node.op, node.args
    if op in ("add", "sub"):
        yield from _terms(args[0], factor)
        yield from _terms(args[1], factor if op == "add" else build("neg", factor))
    elif op == "neg":
        yield from _terms(args[0], build("neg", factor))
    elif op == "mul" and not (has_p(args[0]) and has_p(args[1])):
        inert, active = args if has_p(args[1]) else args[::-1]
        yield from _terms(active, build("mul", factor, inert))
    elif op == "div" and not has_p(args[1]):
        yield from _terms(args[0], build("div", factor, args[1]))
    else:
        yield node, factor


def _terms_of(formula: Formula) -> dict[Formula, Formula]:
    """Return the terms that vary, each with its constant factor."""
    result: dict[Formula, Formula] = {}
    for term, factor in _terms(formula, ONE):
        if has_p(term):
            result[term] = build("add", result[term], factor) if term in result else factor
    result = {term: factor for term, factor in result.items() if factor != ZERO}
    if result and any(term != Y_PRED for term in result):
        # Something like p*p - p*(p - 1) is a multiple of p too. A step would seem to be one; ``defined`` rules it out.
        slope = constant_value(polynomial(differentiate(_sum_of(result))))
        if slope is not None and abs(slope) < 1e30 and exact(float(slope)) == slope:
            return {Y_PRED: constant(float(slope))} if slope else {}
    return result


def _common_factor(factors: list[Formula]) -> Fraction:
    """Return the size of the first factor if all are exact multiples of it, else 1."""
    numbers = [exact(factor.value) for factor in factors if factor.op == "const" and isinstance(factor.value, float)]
    if len(numbers) < len(factors) or not numbers or not numbers[0]:
        return Fraction(1)
    first = abs(numbers[0])
    return first if all(exact(float(value / first)) == value / first for value in numbers) else Fraction(1)


def _over(factor: Formula, scale: Fraction) -> Formula:
    if scale == 1:
        return factor
    assert isinstance(factor.value, float)
    return constant(float(exact(factor.value) / scale))


def _sum_of(terms: dict[Formula, Formula]) -> Formula:
    result = ZERO
    for term, factor in terms.items():
        if factor.op == "const" and isinstance(factor.value, float) and factor.value < 0:
            result = build("sub", result, build("mul", build("neg", factor), term))
        else:
            result = build("add", result, build("mul", factor, term))
    return result


def _with_p(node: Formula, value: Formula) -> Formula:
    if node == Y_PRED:
        return value
    return build(node.op, *(_with_p(arg, value) for arg in node.args)) if node.args else node


def balls_at(p: Fraction, *formulas: Formula) -> list[Ball] | None:
    """Return the formulas' values at a probability in (0, 1), None where one has none.

    The balls are narrow: they hold the value to over 50 digits unless the formula itself loses them. On a switch they
    are the values that all its sides have in common, None if these differ.
    """
    program = Program(*formulas)
    with ctx.workprec(PRECISION):
        values: list[Ball] | None
        values, undecided = enclose(program, ball(p), ball(1 - p))
        if undecided:
            values = _common(program, p, undecided)
    return None if values is None or not all(value.is_finite() for value in values) else values


def _common(program: Program, p: Fraction, undecided: list[int]) -> list[Ball] | None:
    """Return the values at a place where signs switch, if they are the same for every value of each sign."""
    if len(undecided) > _MAX_SWITCHES:
        return None
    common: list[Ball] | None = None
    for choice in product((-1, 1, 0), repeat=len(undecided)):
        values, _ = enclose(program, ball(p), ball(1 - p), dict(zip(undecided, choice, strict=True)))
        common = values if common is None else [one.union(other) for one, other in zip(common, values, strict=True)]
        if not all(value.is_finite() and is_sharp(value) for value in common):
            return None
    return common


def floats_at(formula: Formula, p: np.ndarray) -> np.ndarray:
    """Return a formula's values at probabilities ``[...]`` in (0, 1), for finding places; nothing is proven by them."""
    if any(node.op in ("i2", "i3", "i2e") for node in formula.walk()):
        formula = _lower_orders(formula)
    flat = p.ravel()
    value, _ = evaluate(formula, flat, 1 - flat, 0.0)
    return np.broadcast_to(value, flat.shape).reshape(p.shape)


def _lower_orders(node: Formula) -> Formula:
    """Return the formula without the Bessel functions of order 2 and 3 that derivatives have."""
    args = [_lower_orders(arg) for arg in node.args]
    if node.op in ("i2", "i3", "i2e"):
        a, end = args[0], "e" if node.op == "i2e" else ""
        second = call("sub", call("i0" + end, a), call("div", call("mul", constant(2.0), call("i1" + end, a)), a))
        if node.op != "i3":
            return second
        return call("sub", call("i1", a), call("div", call("mul", constant(4.0), second), a))
    return call(node.op, *args) if args else node


def limit(formula: Formula, side: int) -> Ball | float | None:
    """Return the limit at p = ``side``, 0 or 1: a ball that holds it, inf, -inf, or None where it is not known."""
    program = Program(formula)
    for exponent, terms in _LIMIT_ATTEMPTS:
        with ctx.workprec(END_BITS):
            try:
                found = expand(program, side, End(exponent, terms))[-1]
                if found.is_zero:
                    return arb(0)
                value, scale = found.lead()
                if scale > FLAT:
                    return arb(0)
                if scale.grows:
                    return math.inf * found.sign()
                whole = found.ball() if value is None else arb(value)
                if value is not None or is_sharp(whole):  # values that cancel leave a narrow ball
                    return whole
            except Undecided:
                continue
            except OutOfDomain:
                return None
    return None


def near_end(formula: Formula, side: int) -> Ball | None:
    """Return a ball that holds all values from some place on to p = ``side``, None if none is known."""
    program = Program(formula)
    for exponent, terms in _LIMIT_ATTEMPTS:
        with ctx.workprec(END_BITS):
            try:
                return expand(program, side, End(exponent, terms))[-1].ball()
            except Undecided:
                continue
            except OutOfDomain:
                return None
    return None


def number(value: Ball) -> float:
    """Return a ball's middle as a float, or 0 if the ball holds it."""
    return 0.0 if value.contains(0) else float(value.mid())


def is_sharp(value: Ball) -> bool:
    """Whether a ball holds its number to 10 digits."""
    return bool(value.rad() <= 1e-11 * (abs(value.mid()) + 1e-30)) or bool(value.rad() <= 1e-30)
