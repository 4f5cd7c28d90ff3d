"""Whether two formulas are one loss, by mpmath at 50 digits; written apart from symloss's own machinery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from random import Random

import mpmath
import numpy as np
from curves import Undefined, evaluate, real, response
from mpmath import mpf
from scipy import special

from symloss.formula import Formula, call

SWITCHES = ("abs", "sign", "relu", "max", "min", "i0e")
DIGITS = 50
_GUARD = 60  # digits beyond those compared, for what cancels near an end

#: Values in float64, to find where a switch lies.
_FLOATS: dict[str, Callable[..., np.ndarray]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "neg": np.negative,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "max": np.maximum,
    "min": np.minimum,
    "sigmoid": special.expit,
    "relu": lambda a: np.maximum(a, 0),
    "softplus": lambda a: np.logaddexp(a, 0),
    **{
        name: getattr(np, name)
        for name in ("exp", "log", "sqrt", "square", "abs", "sign", "sin", "cos", "tan", "sinh", "cosh", "tanh")
    },
    **{name: getattr(special, name) for name in ("erf", "erfc", "i0", "i0e", "i1", "i1e")},
}


def floats(node: Formula, p: np.ndarray, label: int) -> np.ndarray:
    """Return the values of a formula in float64."""
    if not node.args:
        return p if node.op == "y_pred" else np.full(p.shape, float(label if node.op == "y_true" else node.value))
    with np.errstate(all="ignore"):
        return _FLOATS[node.op](*(floats(arg, p, label) for arg in node.args))


def switches(formula: Formula, label: int, grid: np.ndarray | None = None) -> Iterator[mpf]:
    """Yield the places where an argument of abs, sign, relu, max or min changes sign, to the working precision."""
    grid = _GRID if grid is None else grid
    for node in set(formula.walk()):
        if node.op not in SWITCHES:
            continue
        inside = call("sub", *node.args) if len(node.args) == 2 else node.args[0]
        signs = np.sign(floats(inside, grid, label))
        for place in np.flatnonzero(signs[:-1] * signs[1:] <= 0):
            low, high = mpf(float(grid[place])), mpf(float(grid[place + 1]))
            root = _root(partial(_value, inside, label), low, high)
            if root is not None:
                yield root


def _value(formula: Formula, label: int, p: mpf) -> mpf:
    return real(evaluate(formula, p, label)[0])


def _root(function: Callable[[mpf], mpf], low: mpf, high: mpf) -> mpf | None:
    """Return where a function changes sign, a zero or a jump; None if it does not."""
    try:
        before, after = function(low), function(high)
        if before * after >= 0:
            return None
        root = mpmath.findroot(function, (low, high), solver="illinois", maxsteps=40, verify=False)
        near = (high - low) * mpf(10) ** (-DIGITS - 20)
        if low < root < high and function(root - near) * function(root + near) <= 0:
            return root
        while high - low > near:
            root = (low + high) / 2
            low, high = (root, high) if function(root) * before > 0 else (low, root)
    except (Undefined, ZeroDivisionError):
        return None
    return (low + high) / 2


_GRID = np.unique(np.concatenate([(np.arange(4000) + 0.3719) / 4000, special.expit(np.linspace(-60.017, 36, 1537))]))


def probes(formulas: tuple[Formula, ...], rng: Random, number: int) -> list[mpf]:
    """Return random points of (0, 1), neighbourhoods of both ends, and a point in every piece between switches."""
    points = [mpf(rng.random()) + mpf(rng.random()) / 2**53 for _ in range(number)]
    for digits in (2, 4, 8, 16, 40):
        near = mpf(1 + rng.random()) / mpf(10) ** digits
        points += [near, 1 - near]
    if any(node.op in SWITCHES for formula in formulas for node in formula.walk()):
        found = {place for formula in formulas for label in (0, 1) for place in switches(formula, label)}
        edges = [mpf(0), *sorted(found), mpf(1)]
        # Switches as close as this are one place that was computed twice.
        pieces = [(a, b) for a, b in pairwise(edges) if b - a > mpf(10) ** -DIGITS]
        for a, b in pieces:
            points += [a + (b - a) * rng.uniform(0.01, 0.99), (a + b) / 2]
    return [p for p in points if 0 < p < 1]


def differs(one: Formula, other: Formula, rng: Random) -> str:
    """Return where two losses differ for C >= 3, or an empty string if they agree to 50 digits at every test point.

    The two freedoms, a positive factor and a common multiple of p, are fitted where the curves are largest.
    """
    for digits in (DIGITS + _GUARD, 2 * DIGITS + 3 * _GUARD):  # a second look, if rounding alone could be to blame
        with mpmath.workdps(digits):
            verdict = _compare(one, other, probes((one, other), Random(rng.random()), 8))
        if not verdict:
            return ""
    return verdict


def _compare(one: Formula, other: Formula, points: list[mpf]) -> str:
    rows = []
    for p in points:
        curves = []
        for formula in (one, other):
            try:
                curves.append([response(formula, p, label) for label in (0, 1)])
            except Undefined:
                curves.append([])
        if bool(curves[0]) != bool(curves[1]):
            return f"only one has a gradient at p = {mpmath.nstr(p, 15)}"
        if curves[0]:
            rows.append((p, *curves[0], *curves[1]))
    if not rows:
        return "no gradient at any test point"
    peak = max(rows, key=lambda row: abs(row[4] - row[3]))
    if peak[4] == peak[3]:
        return "the label does not matter"
    factor = (peak[2] - peak[1]) / (peak[4] - peak[3])
    if factor <= 0:
        return f"the factor is {mpmath.nstr(factor, 5)}"
    share = (peak[1] - factor * peak[3]) / peak[0]
    largest = max(abs(value) for row in rows for value in (row[1], row[2]))
    for p, a0, a1, b0, b1 in rows:
        for a, b in ((a0, b0), (a1, b1)):
            size = abs(a) + abs(factor * b) + abs(share * p)
            if abs(a - factor * b - share * p) > mpf(10) ** (5 - DIGITS) * size + mpf(10) ** (-DIGITS - 20) * largest:
                return (
                    f"at p = {mpmath.nstr(p, 15)}: {mpmath.nstr(a, 20)} and {mpmath.nstr(factor * b + share * p, 20)}"
                )
    return ""
