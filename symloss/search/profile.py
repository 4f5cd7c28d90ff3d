"""What a loss does to logits: the part of it that training sees, as numbers that may be compared and learned from.

A network never meets a loss's formula or its response curves, only the gradient at its logits, and that mixes both
curves at several probabilities. Two losses whose curves are within 5 % of each other may train two points of accuracy
apart, because what tells them apart is small where curves are large. A loss's neighbours by profile say better how it
will do (R2 .80 instead of .55 with 100 images), and so do trees (experiments/results/search/README.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from symloss.formula import Formula
from symloss.symbolic.dual import Memory
from symloss.symbolic.response import response_curves

#: Log-odds of the true class at which gradients are taken: from far below uniform p to nearly certain.
_LOG_ODDS = np.linspace(-10.0, 8.0, 25)
_P, _Q = 1 / (1 + np.exp(-_LOG_ODDS)), 1 / (1 + np.exp(_LOG_ODDS))

#: A gradient of this share of that at uniform p is where the scale turns from linear to logarithmic. Late in training
#: all gradients are small, and Adam follows them all the same.
_LINEAR = 0.01


def profile(formula: Formula, classes: Iterable[int]) -> np.ndarray:
    """Return a loss's gradients at the logits as one vector, the same for all losses that train alike.

    The true class has probability p, and the others share the rest in three ways: one rival has all of it, each has the
    same, or a rival has half and the others share the other half. Of the first two the true class's gradient is taken,
    of the third also the rival's and another class's. They are divided by the true class's gradient at uniform p, so a
    factor of the loss is no matter, nor is a multiple of p added to it, and go through asinh.

    Args:
        formula: it has passed the screens, so its responses are finite and it learns from uniform p.
        classes: each number of classes C, at least 2. With two there is one way to share, and one gradient.

    Returns:
        float64 ``[n]``; of each C 25 numbers if it is 2, and 125 otherwise.
    """
    return np.concatenate([_gradients(formula, count) for count in classes])


def _gradients(formula: Formula, classes: int) -> np.ndarray:
    points, rests, memory = _points(classes)
    r0, r1 = response_curves(formula, points, rests, memory)
    true, (alone, each, half, other) = r1[: _P.size], r0[_P.size : -1].reshape(4, -1)
    with np.errstate(all="ignore"):
        gradients = [_Q * true - _P * alone]
        if classes > 2:
            wrong = half + (classes - 2) * other
            gradients += [
                _Q * true - _P * (classes - 1) * each,
                _Q * true - _P * wrong,
                half - _Q / 2 * (true + wrong),
                other - _Q / 2 / (classes - 2) * (true + wrong),
            ]
        scale = abs(r1[-1] - r0[-1]) * (1 - points[-1])
        return np.arcsinh(np.nan_to_num(np.concatenate(gradients) / (scale * _LINEAR)))


@lru_cache(maxsize=16)
def _points(classes: int) -> tuple[np.ndarray, np.ndarray, Memory]:
    """Return all probabilities at which curves are read, what each leaves of 1, and what formulas' parts are there.

    The true class's, then a rival's that has all of the rest, what each of the others has, half, and what is left of
    the other half for each; at last the uniform probability.
    """
    wrong = [_Q, _Q / (classes - 1), _Q / 2, _Q / 2 / max(classes - 2, 1)]
    points = np.concatenate([_P, *wrong, [1 / classes]])
    return points, np.concatenate([_Q, _P, *(1 - p for p in wrong[1:]), [1 - 1 / classes]]), Memory(4096)
