"""Whether minimising the expected loss finds the most probable class."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from symloss.formula import Formula
from symloss.formula.differentiate import build
from symloss.symbolic.analysis.one_hot import REST, OneHot, floats_at, limit, near_end
from symloss.symbolic.analysis.property import Property, no, unknown, yes
from symloss.symbolic.proofs.signs import prove_sign

_GRID = 60
_ZOOMS = 12
#: A wrong minimum must lie below the right one by this, relative to a typical distance from it, to count.
_MARGIN = 1e-6
_EDGE = 1e-9
_MIDDLES = (0.625, 0.53125)


def classification_calibrated(loss: OneHot) -> Property:
    """Say whether the argmax of every minimiser of the expected loss is an argmax of the class probabilities.

    Defined in Bartlett, Jordan & McAuliffe, "Convexity, Classification, and Risk Bounds", JASA 101 (2006) for two
    classes and in Tewari & Bartlett, "On the Consistency of Multiclass Classification Methods", JMLR 8 (2007) for more.

    Sufficient: with G = f1 - f0, G' < 0 on (0, 1/2], G(p) < G(1-p) on (1/2, 1], and f1, f0 bounded below. For let
    q_i > q_j. Where p_i < p_j, swapping the two changes the expected loss by ``(q_i - q_j)*(G(p_j) - G(p_i))``. As p_i
    <= 1 - p_j, this is negative: for p_j <= 1/2 since G falls there, else since G(p_j) < G(1 - p_j) <= G(p_i). Where
    p_i = p_j = t, which is at most 1/2, moving mass from j to i changes it at the rate ``(q_i - q_j)*G'(t) < 0``. So at
    a minimum p_i > p_j, unless both are 0 and hence no argmax. Where G' > 0 everywhere the same swaps show the
    opposite.

    Otherwise predictions for three classes are searched for a minimiser with the wrong argmax.
    """
    slope = prove_sign(loss.gap_slope, high=0.5)
    falls = slope.everywhere == -1
    if falls and _bounded_below(loss):
        if prove_sign(loss.gap_slope, low=0.5).everywhere == -1:
            return yes("G = L(p, 1) - L(p, 0) falls on all of (0, 1)")
        if _lower_than_mirrored(loss):
            return yes("G = L(p, 1) - L(p, 0) falls on (0, 1/2] and G(p) < G(1-p) above")
    if slope.everywhere == 1 and prove_sign(loss.gap_slope, low=0.5).everywhere == 1:
        return no("L(p, 1) - L(p, 0) grows on all of (0, 1), so that the least probable class wins")
    witness = _search(loss)
    if witness is not None:
        q, p = (", ".join(f"{x:.4g}" for x in place) for place in witness)
        return no(f"class probabilities ({q}): the least expected loss that was found is at ({p})", exact=False)
    return unknown("no proof, and no counterexample among three classes")


def _lower_than_mirrored(loss: OneHot) -> bool:
    """Whether ``G(p) < G(1-p)`` is proven for p in (1/2, 1]: near 1/2, where both are close, by G' < 0."""
    difference = build("sub", loss.gap, _mirror(loss.gap))
    at_one = near_end(difference, 1)
    if not (at_one < 0 if at_one is not None else limit(difference, 1) == -math.inf):
        return False  # at p = 1 itself the two may be equal
    return any(
        prove_sign(loss.gap_slope, 0.5, middle).everywhere == -1
        and prove_sign(difference, middle, 1.0).everywhere == -1
        for middle in _MIDDLES
    )


def _mirror(node: Formula) -> Formula:
    if node == REST:
        return REST.args[1]
    if node == REST.args[1]:
        return REST
    return build(node.op, *map(_mirror, node.args)) if node.args else node


def _bounded_below(loss: OneHot) -> bool:
    ends = [limit(f, side) for f in (loss.f0, loss.f1) for side in (0, 1)]
    return all(end is not None and end != -math.inf for end in ends)


@cache
def _simplex() -> tuple[np.ndarray, np.ndarray]:
    """Return predictions ``[G, 3]`` and class probabilities ``[Q, 3]``, the first class being the most probable."""
    steps = np.arange(_GRID + 1)
    i, j = (part.ravel() for part in np.meshgrid(steps, steps, indexing="ij"))
    inside = i + j <= _GRID
    grid = np.stack([i, j, _GRID - i - j], axis=-1)[inside] / _GRID
    coarse = 20
    q = [(a, b, coarse - a - b) for a in range(coarse) for b in range(a) if 0 <= coarse - a - b <= b]
    return grid, np.array(q) / coarse


def _values(formula: Formula, p: np.ndarray) -> np.ndarray:
    return floats_at(formula, np.clip(p, _EDGE, 1 - _EDGE))


def _expected(loss: OneHot, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Return the expected loss ``[...]`` of predictions ``[..., 3]``."""
    with np.errstate(all="ignore"):
        total: np.ndarray = (_values(loss.f0, p) + q * _values(loss.gap, p)).sum(axis=-1)
    return total


def _search(loss: OneHot) -> tuple[Any, Any] | None:
    """Return class probabilities and a prediction with another argmax that has the least expected loss found."""
    grid, q = _simplex()
    with np.errstate(all="ignore"):
        base, gap = _values(loss.f0, grid).sum(axis=-1), _values(loss.gap, grid)
        table = base + np.einsum("gc,qc->qg", gap, q)
    if not np.isfinite(table).all():
        return None
    right = grid[:, 0] >= grid[:, 1:].max(axis=1)
    best_right, best_wrong = table[:, right].min(axis=1), table[:, ~right].min(axis=1)
    spread = np.median(table, axis=1) - table.min(axis=1) + 1e-300
    for place in np.argsort((best_wrong - best_right) / spread)[:4]:
        found = {}
        for side in (True, False):
            start = grid[right == side][np.argmin(table[place, right == side])]
            found[side] = _refine(loss, q[place], start, side)
        if found[False][0] < found[True][0] - _MARGIN * spread[place]:
            return q[place], found[False][1]
    return None


def _refine(loss: OneHot, q: np.ndarray, start: np.ndarray, right: bool) -> tuple[float, np.ndarray]:
    """Return the least expected loss around a start, and where, on one side of the argmax."""
    best, width = start, 1.0 / _GRID
    offsets = np.linspace(-1, 1, 9)
    moves = np.stack([part.ravel() for part in np.meshgrid(offsets, offsets)], axis=-1)
    value = float(_expected(loss, best, q))
    for _ in range(_ZOOMS):
        first = np.clip(best[:2] + width * moves, 0, 1)
        places = np.concatenate([first, 1 - first.sum(axis=1, keepdims=True)], axis=1)
        places = places[(places[:, 2] >= 0) & ((places[:, 0] >= places[:, 1:].max(axis=1)) == right)]
        if len(places):
            values = _expected(loss, places, q)
            lowest = int(np.argmin(values))
            if values[lowest] < value:
                best, value = places[lowest], float(values[lowest])
        width *= 0.5
    return value, best
