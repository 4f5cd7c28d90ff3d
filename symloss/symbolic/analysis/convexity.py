"""Whether the loss of one sample is convex in the logits."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from flint import arb, ctx

from symloss.formula import Formula, constant
from symloss.formula.differentiate import build, differentiate
from symloss.symbolic.analysis.one_hot import REST, OneHot, balls_at, floats_at, limit
from symloss.symbolic.analysis.property import Property, no, unknown, yes
from symloss.symbolic.balls import PRECISION, ball
from symloss.symbolic.proofs.program import Program
from symloss.symbolic.proofs.ranges import prove_range
from symloss.symbolic.proofs.signs import prove_sign

_TRIES = 5
#: Witnesses have probabilities in these parts of 1: a loss may bend the wrong way only where a class has nearly none.
_PARTS = 10**9
#: How far above the largest value found a bound is tried.
_SLACK = 1e-6


def convex_in_logits(loss: OneHot) -> Property:
    """Say whether ``z -> L`` is convex for one sample (Boyd & Vandenberghe, "Convex Optimization", 2004, section 3.1).

    Along a direction d, with ``m = sum p_k*d_k`` and ``v = sum p_k*(d_k - m)**2``, the second derivative is

        sum_k  p_k*r_k'(p_k)*(d_k - m)**2 - v*r_k(p_k).

    Where L(p, 0) has no effect only the true class counts. As ``v >= (d_y - m)**2 * p_y/(1-p_y)``, an equality when the
    other classes move together, the loss is convex exactly when r1 <= 0 and ``(1-p)*r1' - r1 >= 0`` on (0, 1): for two
    classes this is convexity in the margin. (r1 > 0 fails with d_y = m, for three classes or more.) Otherwise it is
    enough that no r_k' is below ``sum_j r_j``, which numbers that no r1 and no r0 exceed show. A kink is harmless where
    the curves are continuous. If neither holds a witness is sought: a prediction and a direction, both rational, along
    which the second derivative is negative in balls.
    """
    try:
        rate1, rate0 = differentiate(loss.r1), differentiate(loss.r0)
    except KeyError:  # the second derivative of i1e has no name
        return unknown("no formula for the second derivative")
    curves = (loss.r1, loss.r0)
    kinks = any(node.op == "sign" for curve in curves for node in curve.walk()) and not all(
        prove_range(Program(curve)).proven for curve in curves
    )
    if loss.wrong_inert:
        falls, bends = prove_sign(loss.r1), prove_sign(build("sub", build("mul", REST, rate1), loss.r1))
        if not kinks and bends.never(-1) and (falls.never(1) or _ends_falling(loss)):
            return yes("r1 <= 0 and (1-p)*r1' >= r1 on (0, 1)")
        if bends.negative is not None:
            return no(f"(1-p)*r1' - r1 is negative at p = {bends.negative:.6g}")
        if falls.positive is not None and loss.classes > 2:
            return no(f"r1 is positive at p = {falls.positive:.6g}")
    elif not kinks and (text := _by_bounds(loss, rate1, rate0)):
        return yes(text)
    witness = _witness(loss, rate1, rate0)
    if witness is not None:
        return witness
    if kinks:
        return unknown("the loss has kinks, where the second derivative says nothing")
    return unknown("no proof, and no direction with a negative second derivative")


def _ends_falling(loss: OneHot) -> bool:
    """Whether (1-p)*r1 has a limit of at most 0 at p = 1: where it grows with the margin it is nowhere above that."""
    end = limit(build("mul", REST, loss.r1), 1)
    return end is not None and bool(end <= 0)


def _by_bounds(loss: OneHot, rate1: Formula, rate0: Formula) -> str:
    """Return why no r_k' is below the sum of all r, empty if that is not shown."""
    t = np.concatenate([np.geomspace(1e-9, 0.01, 60), np.linspace(0.01, 0.5, 120)[1:]])
    p = np.concatenate([t, 1 - t])
    bounds = []
    for curve in (loss.r1, loss.r0):
        with np.errstate(all="ignore"):
            values = floats_at(curve, p)
        if not np.isfinite(values).all():
            return ""
        bounds.append(float(values.max() + _SLACK * (1 + abs(values.max()))))
        if not prove_sign(build("sub", constant(bounds[-1]), curve)).never(-1):
            return ""
    total = bounds[0] + (loss.classes - 1) * bounds[1]
    if not all(prove_sign(build("sub", rate, constant(total))).never(-1) for rate in (rate1, rate0)):
        return ""
    return f"r1 and r0 sum to at most {total * float(loss.scale):.6g}, which neither r1' nor r0' is below"


@cache
def _cases(classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities ``[N, 3]`` and directions ``[N, 3]`` of three groups of classes and the groups' sizes
    ``[3]``.

    The groups are the true class, one wrong class, and all others, which share their part evenly. In :data:`_PARTS`.
    """
    tiny = [1, 1000]
    levels = [*tiny, *(10**6 * part for part in (1, 10, 50, 100, 200, 350, 500, 650, 800, 900, 950, 990, 999))]
    levels += [_PARTS - part for part in reversed(tiny)]
    p = [(a, b, _PARTS - a - b) for a in levels for b in levels if a + b < _PARTS or (classes == 2 and a + b == _PARTS)]
    if classes == 2:
        p = [place for place in p if place[2] == 0]
    d = [(1, 0, 0), (0, 1, 0), (1, -1, 0), (0, 1, -1), (1, 2, 0), (2, 1, 0), (1, 0, -1)]
    places, directions = np.array([a for a in p for _ in d]), np.array([b for _ in p for b in d])
    return places, directions, np.array([1, 1, max(classes - 2, 0)])


def _witness(loss: OneHot, rate1: Formula, rate0: Formula) -> Property | None:
    places, directions, sizes = _cases(loss.classes)
    mass = places / _PARTS
    p = np.clip(mass / np.maximum(sizes, 1), 1e-9, 1 - 1e-9)
    mean = (mass * directions).sum(axis=1, keepdims=True)
    spread = (directions - mean) ** 2
    variance = (mass * spread).sum(axis=1)
    with np.errstate(all="ignore"):
        bend = np.zeros(len(p))
        for group, (rate, r) in enumerate(((rate1, loss.r1), (rate0, loss.r0), (rate0, loss.r0))):
            own = p[:, group]
            value = own * floats_at(rate, own) * spread[:, group] - variance * floats_at(r, own)
            bend += sizes[group] * value
    bend = np.where(np.isfinite(bend), bend, np.inf)
    for place in np.argsort(bend)[:_TRIES]:
        if not bend[place] < 0:
            break
        found = _bend(loss, rate1, rate0, places[place], directions[place], sizes)
        if found is not None and found < 0:
            shares = ", ".join(f"{x / _PARTS:.9g}" for x in places[place])
            way = ", ".join(str(x) for x in directions[place])
            where = f"true, one wrong and all other classes with p = ({shares}), along ({way})"
            return no(f"second derivative {float(found.mid()) * float(loss.scale):.4g}: {where}")
    return None


def _bend(loss: OneHot, rate1: Formula, rate0: Formula, places: Any, directions: Any, sizes: Any) -> Any:
    """Return the second derivative as a ball, None where it has no finite value."""
    with ctx.workprec(PRECISION):
        mass = [Fraction(int(place), _PARTS) for place in places]
        mean = sum((m * int(d) for m, d in zip(mass, directions, strict=True)), Fraction(0))
        spread = [(int(d) - mean) ** 2 for d in directions]
        variance = sum((m * s for m, s in zip(mass, spread, strict=True)), Fraction(0))
        total = arb(0)
        for group, (rate, r) in enumerate(((rate1, loss.r1), (rate0, loss.r0), (rate0, loss.r0))):
            size = int(sizes[group])
            if size == 0:
                continue
            own = mass[group] / size
            found = balls_at(own, rate, r)
            if found is None:
                return None
            total += size * (ball(own * spread[group]) * found[0] - ball(variance) * found[1])
        return total
