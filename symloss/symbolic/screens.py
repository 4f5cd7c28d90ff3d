"""Screens that read a candidate's response curves, cheapest first. Each rejects with a name and a reason."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from symloss.formula import Formula, to_text
from symloss.formula.tree import HAS_PRED, HAS_TRUE
from symloss.symbolic.balls import response_balls
from symloss.symbolic.dual import Memory, evaluate_labels
from symloss.symbolic.identity import IdentityIndex, fingerprint, signature
from symloss.symbolic.proofs.regular import is_regular
from symloss.symbolic.response import response_curves

#: The symbolic screens in the order in which they run, each with what it demands.
SCREENS = {
    "dependence": "the gradient depends on the prediction and on the label",
    "finite": "the loss and both response curves are finite inside (0, 1)",
    "null-epoch": "a gradient step from uniform p raises the true class",
    "bounded": "both response curves stay bounded, between p = 0 and p = 1 and towards both",
    "float32": "value and gradient stay finite in single precision",
    "duplicate": "no known candidate is the same loss",
}

#: Curves that exceed the gradient at uniform p by more than this cannot be trained beside it.
MAX_RATIO = 1e6

#: Parts of formulas whose curves are kept, 4 to 16 kB each.
_REMEMBERED = 2048

#: Curves as small as this are computed anew at high precision, to see whether they are more than rounding.
_NOISE = 1e-9

#: The search for poles looks at this many peaks of a curve, this often, each time this much closer.
_PEAKS, _ZOOMS = 3, 4
_ZOOM = np.linspace(-1.0, 1.0, 33)

_U = np.linspace(-20.0, 17.0, 240)
_P = np.concatenate([[1e-80, 1e-40], 1 / (1 + np.exp(-_U)), [1 - 1e-12]])
_Q = np.concatenate([[1.0, 1.0], 1 / (1 + np.exp(_U)), [1e-12]])
_PROBES = Fraction(1, 10**40), 1 - Fraction(1, 10**12)
_INNER = slice(2, 2 + _U.size)
_REFERENCE = 2 + int(np.argmin(np.abs(_U)))
_U32 = np.linspace(-14.0, 10.0, 24)
_P32, _Q32 = (1 / (1 + np.exp(-_U32))).astype(np.float32), (1 / (1 + np.exp(_U32))).astype(np.float32)


#: Without the layers that ``ndarray.max`` puts around it, which cost more than the work on 240 points.
_MAXIMUM = np.maximum.reduce


@dataclass(frozen=True)
class Verdict:
    """What the screens said of a candidate.

    Attributes:
        screen: the name of the screen that rejected it, or None if it passed all.
        reason: one line with the value that decided, empty if it passed.
        fingerprint: the normalised curves, for the identity index; None unless it reached that screen.
    """

    screen: str | None
    reason: str = ""
    fingerprint: np.ndarray | None = None


class Screener:
    """Applies the screens of this module for a task with C classes.

    Args:
        classes: C >= 2, where the null-epoch screen takes its step: p = 1/C.
        index: the losses known so far. Candidates that pass are not added to it; the caller decides.
    """

    def __init__(self, classes: int, index: IdentityIndex) -> None:
        self.classes = classes
        self.index = index
        self._p = np.append(_P, 1.0 / classes)
        self._q = np.append(_Q, 1.0 - 1.0 / classes)
        self._memory, self._memory32 = Memory(_REMEMBERED), Memory(_REMEMBERED)

    def __call__(self, formula: Formula) -> Verdict:
        """Return the verdict of the first screen that rejects, or a passing one."""
        for leaf, kind in (("y_pred", HAS_PRED), ("y_true", HAS_TRUE)):
            if not formula.leaves & kind:
                return Verdict("dependence", f"the formula has no {leaf}")
        values, slopes = evaluate_labels(formula, self._p, self._q, self._memory)
        with np.errstate(all="ignore"):  # the probes beyond the inner grid may still be infinite
            curves = self._p * slopes
            for what, pair in (("r", curves), ("the loss at y = ", values)):
                if not np.isfinite(pair[:, _INNER].sum()) and not np.isfinite(pair[:, _INNER]).all():
                    return Verdict("finite", _where_infinite(what, pair[:, _INNER]))
            return self._judge(formula, *curves)

    def _judge(self, formula: Formula, r0: np.ndarray, r1: np.ndarray) -> Verdict:
        # A common multiple of p has no effect through a softmax, so it must not decide here either.
        gap = r1 - r0
        curve = r0 - self._p * (r0[_REFERENCE] / self._p[_REFERENCE])
        size = max(_largest(r0[_INNER]), _largest(r1[_INNER]))
        widest = _largest(gap[_INNER])
        if widest <= 1e-12 * size:
            return Verdict("dependence", "the label does not change the gradient")
        if widest < _NOISE and signature(formula, self.index.identity) is None:
            return Verdict("dependence", "the gradient is rounding noise, such as of y_pred - exp(log(y_pred))")
        start = float(gap[-1])
        if not start < -1e-9 * size:
            return Verdict("null-epoch", f"r1 - r0 = {start:.3g} at p = 1/{self.classes}; it must be negative")
        growth = _gap_in_domain(formula, gap) or _unbounded(gap, curve, abs(start))
        if growth:
            return Verdict("bounded", growth)
        if not _finite_in_float32(formula, self._memory32):
            return Verdict("float32", "a value or a slope overflows single precision")
        # The dearest check but the last, and needless for most.
        growth = "" if is_regular(formula) else _pole(formula, gap, curve)
        if growth:
            return Verdict("bounded", growth)
        mark = fingerprint(r0[_INNER], r1[_INNER], _P[_INNER], _REFERENCE - _INNER.start)
        known = self.index.find(formula, mark)
        if known is not None:
            return Verdict("duplicate", f"the same loss as {to_text(known)}", mark)
        return Verdict(None, "", mark)


def normalised_curves(formula: Formula) -> np.ndarray | None:
    """Return the curves that a passing :class:`Verdict` has, whatever the screens say; None without finite ones."""
    _, slopes = evaluate_labels(formula, _P, _Q)
    with np.errstate(all="ignore"):
        r0, r1 = (_P * slopes)[:, _INNER]
    if not np.isfinite(r0).all() or not np.isfinite(r1).all() or not np.any(r1 - r0):
        return None
    return fingerprint(r0, r1, _P[_INNER], _REFERENCE - _INNER.start)


def _largest(curve: np.ndarray) -> float:
    return float(_MAXIMUM(np.abs(curve)))


def _where_infinite(what: str, pair: np.ndarray) -> str:
    label, at = np.argwhere(~np.isfinite(pair))[0]
    return f"{what}{label} is {pair[label, at]} at p = {_P[_INNER][at]:.3g}"


def _gap_in_domain(formula: Formula, gap: np.ndarray) -> str:
    """Return why the loss has no value at an end, or an empty string.

    A probe that is nan does not tell: so close to an end, log(p**2 + p - p) has a value but none in float64. Balls do.
    """
    for place, end, point in ((0, 0, _PROBES[0]), (1, 0, _PROBES[0]), (-2, 1, _PROBES[1])):
        if np.isnan(gap[place]) and not all(ball.is_finite() for ball in response_balls(formula, [point])[0]):
            return f"a response has no value towards p = {end}: the loss leaves its domain"
    return ""


def _unbounded(gap: np.ndarray, curve: np.ndarray, start: float) -> str:
    """Return why a curve is not bounded, or an empty string: it is too large, or still grows at an end."""
    for values in (gap, curve):
        low, lower, top, high = np.abs(values[[1, 0, -3, -2]])
        inner = _largest(values[_INNER])
        if start > 0 and not inner <= MAX_RATIO * start:
            return f"a response reaches {inner / start:.3g} times that at uniform p; the limit is {MAX_RATIO:g}"
        slack = 1e-3 * max(start, 1e-3 * inner)
        # A probe that is nan decides nothing here; that it is in the domain is known.
        if lower > 1.2 * low + slack:
            return f"a response grows without bound towards p = 0: {lower:.3g} at p = {_P[0]:g}"
        if high > 1.2 * top + slack:
            return f"a response grows without bound towards p = 1: {high:.3g} at 1 - p = {_Q[-1]:g}"
    return ""


def _pole(formula: Formula, gap: np.ndarray, curve: np.ndarray) -> str:
    """Return why a curve has a pole between grid points, or an empty string: its peaks grow the closer one looks."""
    size = np.abs(gap[_INNER]) + np.abs(curve[_INNER])
    peaks = 1 + np.flatnonzero((size[1:-1] > size[:-2]) & (size[1:-1] >= size[2:]))
    if not peaks.size:
        return ""
    centres = _U[peaks[np.argsort(-size[peaks])[:_PEAKS]]]
    heights = np.zeros(centres.size)
    reach = _U[1] - _U[0]
    for _ in range(_ZOOMS):
        near = centres[:, None] + reach * _ZOOM
        r0, r1 = response_curves(formula, 1 / (1 + np.exp(-near.ravel())), 1 / (1 + np.exp(near.ravel())))
        sizes = (np.abs(r0) + np.abs(r1)).reshape(near.shape)
        sizes = np.where(np.isnan(sizes), np.inf, sizes)
        best = sizes.argmax(axis=1)[:, None]
        centres = np.take_along_axis(near, best, axis=1)[:, 0]
        lower, heights = heights, np.take_along_axis(sizes, best, axis=1)[:, 0]
        reach *= 2 / (_ZOOM.size - 1)
    worst = int(np.argmax(heights / lower))
    if not heights[worst] <= 2 * lower[worst]:
        return f"a response has a pole near p = {1 / (1 + np.exp(-centres[worst])):.6g}"
    return ""


def _finite_in_float32(formula: Formula, memory: Memory) -> bool:
    values, slopes = evaluate_labels(formula, _P32, _Q32, memory)
    return bool(np.isfinite(values).all() and np.isfinite(slopes).all())
