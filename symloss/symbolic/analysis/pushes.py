"""What the gradient does where training starts, where it is confidently wrong, and where it is done."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from flint import arb, ctx

from symloss.formula import Formula
from symloss.formula.differentiate import build
from symloss.symbolic.analysis.one_hot import REST, OneHot, balls_at, is_sharp, limit, number
from symloss.symbolic.analysis.property import Property, no, unknown, yes
from symloss.symbolic.analysis.taylor import taylor_at_one
from symloss.symbolic.balls import PRECISION, ball, response_balls
from symloss.symbolic.proofs.signs import prove_sign

Ball = Any

#: For these numbers of classes the gradient at uniform p is given.
UNIFORM_CLASSES = (2, 10, 100, 1000)
ORDER = 5


def monotone(loss: OneHot) -> Property:
    """Say whether the loss falls as the true class's probability grows while the others share the rest evenly.

    Its derivative is ``f1'(p) - f0'((1-p)/(C-1))``, to be negative on (0, 1). (The least that "asymmetric", "robust"
    and "calibrated" losses have in common; NGL breaks it on purpose, Akhmedova & Körber, arXiv 2404.12948.)
    """
    signs = prove_sign(loss.along_true_class)
    if signs.positive is not None:
        return no(f"grows at p_true = {signs.positive:.6g}")
    if signs.everywhere == -1:
        return yes("falls on all of (0, 1)")
    if signs.everywhere == 0:
        return no("constant along this line")
    if signs.zero is not None:
        return no(f"constant around p_true = {signs.zero:.6g}")
    return unknown("falls where its derivative's sign is known, which is not everywhere")


def gradient_at_uniform(formula: Formula, reduction: str, loss: OneHot) -> Property:
    """Return the norm of one sample's logit gradient at p = 1/C, for C = 2, 10, 100 and 1000.

    There ``sum_k (e_k - p) = 0``, so the gradient is ``(r1 - r0)*(e_y - p)`` with the norm ``sqrt((C-1)/C)*|r1 - r0|``.
    """
    norms = []
    places = [Fraction(1, classes) for classes in UNIFORM_CLASSES]
    for classes, place, (r0, r1) in zip(UNIFORM_CLASSES, places, response_balls(formula, places), strict=True):
        with ctx.workprec(PRECISION):
            gap = r1 - r0
            if gap.is_finite() and not is_sharp(gap):  # on a switch, perhaps one where nothing changes
                found = balls_at(place, build("sub", loss.r1, loss.r0))
                gap = gap if found is None else found[0] * ball(loss.scale)
            norm = abs(gap) * (arb(classes - 1) / classes).sqrt() / (classes if reduction == "mean" else 1)
        if not norm.is_finite() or not is_sharp(norm):
            return unknown(f"no value at p = 1/{classes}")
        norms.append(number(norm))
    return Property(tuple(norms), True, "for C = 2, 10, 100, 1000, to all digits shown")


def gradient_confidently_wrong(loss: OneHot, factor: float) -> Property:
    """Return the norm of the gradient in the limit where one wrong class has all the mass, the rest shared evenly.

    With a = r1(0), b = r0(0) and ``m = lim (1-p)*r0(p)`` at 1, the gradient's entries are ``a - m/(C-1)`` for the true
    class, ``b - m/(C-1)`` for the C-2 others and the negative of their sum for the wrong one. (Boundedness here is what
    makes a loss mild on wrong labels: Zhang & Sabuncu, NeurIPS 2018.)
    """
    a, b, m = limit(loss.r1, 0), limit(loss.r0, 0), limit(build("mul", REST, loss.r0), 1)
    if a is None or b is None or m is None:
        return unknown("no limit is known for a curve at an end")
    others = loss.classes - 2
    infinite = [isinstance(part, float) for part in (a, b if others else 0, m)]
    if infinite[2] and any(infinite[:2]):
        return unknown("several curves grow without bound")
    if any(infinite):
        return Property("unbounded", True, "a curve grows without bound")
    factor *= float(loss.scale)
    with ctx.workprec(PRECISION):
        shift = m / (loss.classes - 1)
        entries = [a - shift, *([b - shift] * others)]
        total: Any = sum(entries, arb(0)) ** 2
        for entry in entries:
            total += entry * entry
        norm = total.sqrt() * factor
    if not is_sharp(norm):
        return unknown("limits are not known to 10 digits")
    return Property(number(norm), True, "limit as one wrong class takes all the mass")


def pull_at_one(loss: OneHot, factor: float) -> Property:
    """Return the limit of ``-(dL/dz_true)/(1 - p_true)`` as p_true goes to 1, the rest shared evenly.

    It is ``f0'(0) - f1'(1)``: positive for a loss that keeps pushing (cross-entropy: 1), 0 for one that stops, negative
    for one that pushes back from certainty.
    """
    slope = limit(loss.along_true_class, 1)
    if slope is None:
        return unknown("no limit is known at p = 1")
    if isinstance(slope, float):
        return Property("unbounded", True, "pushes back without bound" if slope > 0 else "pushes without bound")
    if not is_sharp(slope):
        return unknown("the limit is not known to 10 digits")
    value = -number(slope) * factor * float(loss.scale) + 0.0
    meaning = "keeps pushing" if value > 0 else "stops" if value == 0 else "pushes back"
    return Property(value, True, f"-(dL/dz_true)/(1-p) as p goes to 1: {meaning}")


def taylor(loss: OneHot, factor: float) -> Property:
    """Return the coefficients of ``(1-p)**k``, k = 1 to 5, in L(p, 1) around p = 1.

    As in Leng et al., "PolyLoss", ICLR 2022 (arXiv 2204.12511), where cross-entropy has 1, 1/2, 1/3, 1/4, 1/5. A common
    multiple of p in L(p, 1) and L(p, 0) has no effect; it is chosen here so that L(p, 0) has the slope 0 at p = 0,
    where the wrong classes end when p_true = 1. So the first coefficient is the pull at 1.
    """
    at_zero = limit(loss.slope0, 0)
    found = taylor_at_one(loss.f1, ORDER)
    if found is None:
        return unknown("L(p, 1) has no Taylor coefficients at p = 1 that are known")
    if at_zero is None or isinstance(at_zero, float):
        return unknown("L(p, 0) has no finite slope at p = 0")
    with ctx.workprec(PRECISION):
        found = [found[1] + at_zero, *found[2:]]
    if not all(is_sharp(value) for value in found):
        return unknown("the coefficients are not known to 10 digits")
    values = tuple(number(value) * factor * float(loss.scale) + 0.0 for value in found)
    if not all(map(math.isfinite, values)):
        return unknown("a coefficient is beyond a float")
    return Property(values, True, "coefficients of (1-p)**k, k = 1 to 5; L(p, 0) made flat at p = 0")
