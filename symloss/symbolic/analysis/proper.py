"""Strict properness and symmetry: two questions that the one-hot split answers by an identity in one variable."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symloss.formula import Formula, constant
from symloss.formula.differentiate import build, differentiate
from symloss.symbolic.analysis.one_hot import REST, OneHot, balls_at, number
from symloss.symbolic.analysis.polynomial import is_constant, polynomial
from symloss.symbolic.analysis.property import Property, no, unknown, yes
from symloss.symbolic.labels import has_p
from symloss.symbolic.proofs.signs import prove_sign

Ball = Any

#: Where identities are tested: no places where formulas switch by habit, and some near the ends.
POINTS = [
    *(Fraction(k, 41) for k in range(1, 41, 3)),
    *(Fraction(1, 10**k) for k in (2, 4, 7, 12)),
    *(1 - Fraction(1, 10**k + 3) for k in (2, 4, 7, 12)),
]
_FEW = 2


def strictly_proper(loss: OneHot) -> Property:
    """Say whether the true class probabilities are the only minimiser of the expected loss, for all of them.

    Defined in Gneiting & Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation", JASA 102 (2007). For
    class probabilities q the expected loss of a prediction p is the sum of ``phi(p_c; q_c)`` over classes, with
    ``phi(p; q) = q*f1(p) + (1-q)*f0(p)``. If p = q is a minimum, then phi'(q_c; q_c) is one Lagrange multiplier for all
    c, so with C >= 3, where any two probabilities can stand beside a third small one,

        q*f1'(q) + (1-q)*f0'(q) = lambda   for all q in (0, 1).

    Given this, ``phi'(p; q) - lambda = (q - p)*G'(p)`` with G = f1 - f0: where G' < 0, ``phi - lambda*p`` has its only
    minimum at p = q, and the sum of ``lambda*p_c`` is a constant. Where G' > 0 at some q < 1/2, two classes with that
    probability are at no minimum: the second derivative from one to the other is -2*G'(q).
    """
    condition = build("add", loss.r1, build("mul", REST, loss.slope0))
    constant_shown = is_constant(polynomial(condition))
    if not constant_shown:
        apart = _apart(condition, loss)
        if isinstance(apart, Property):
            return apart
        if apart is not None:
            if loss.classes < 3:
                return unknown("two classes: only what holds for three or more is examined")
            return no(f"q*f1'(q) + (1-q)*f0'(q) is not constant: {apart}")
    slope = prove_sign(loss.gap_slope)
    if slope.everywhere == -1:
        if constant_shown:
            return yes("q*f1'(q) + (1-q)*f0'(q) is a constant and f1' < f0' on (0, 1)")
        return yes("q*f1'(q) + (1-q)*f0'(q) agrees to 50 digits at all test points; f1' < f0' on (0, 1)", exact=False)
    if slope.everywhere == 0 or (slope.positive is not None and slope.positive < 0.5):
        where = "" if slope.positive is None else f" at p = {slope.positive:.6g}"
        if loss.classes < 3:
            return unknown("two classes: only what holds for three or more is examined")
        return no(f"the true probabilities are no strict minimum: f1' < f0' fails{where}", exact=constant_shown)
    return unknown("the true probabilities are stationary, but f1' < f0' is not decided on all of (0, 1)")


def symmetric(loss: OneHot) -> Property:
    """Say whether the sum of the loss over all labels is the same for every prediction.

    Defined in Ghosh, Kumar & Sastry, "Robust Loss Functions under Label Noise for Deep Neural Networks", AAAI 2017:
    with it, symmetric label noise leaves the minimiser of the expected loss where it is. The sum over labels is the sum
    over classes of ``S(p_c)`` with S = f1 + (C-1)*f0. With C >= 3 that is constant on the simplex exactly when S' is
    the same number everywhere (move mass between two classes while a third keeps the sum), that is, when S is affine.
    """
    total = build("add", loss.f1, build("mul", constant(float(loss.classes - 1)), loss.f0))
    slope = differentiate(total)
    if is_constant(polynomial(slope)):  # and S has no leaps, by OneHot.defined
        return yes("f1 + (C-1)*f0 is affine in p")
    apart = _apart(slope, loss)
    if isinstance(apart, Property):
        return apart
    if apart is None:
        return yes("the derivative of f1 + (C-1)*f0 agrees to 50 digits at all test points", exact=False)
    if loss.classes < 3:
        return unknown("two classes: only what holds for three or more is examined")
    return no(f"the derivative of f1 + (C-1)*f0 is not constant: {apart}")


def _apart(formula: Formula, loss: OneHot) -> str | Property | None:
    """Return two places with provably different values as text, None if all values agree, or that too few are known."""
    seen: list[tuple[Fraction, Ball]] = []
    for point in POINTS if has_p(formula) else POINTS[:_FEW]:
        found = balls_at(point, formula)
        if found is None:
            continue
        for other, value in seen:
            if not value.overlaps(found[0]):
                one, two = (number(ball) * float(loss.scale) for ball in (value, found[0]))
                return f"{one:.6g} at {float(other):.4g}, {two:.6g} at {float(point):.4g}"
        seen.append((point, found[0]))
    if len(seen) < _FEW:
        return unknown("too few points with a finite derivative")
    if any(value.rad() > 1e-50 * (1 + abs(value.mid())) for _, value in seen):
        return unknown("values agree, but not to 50 digits")
    return None
