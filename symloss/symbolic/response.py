"""The response curves of a loss: all that training ever sees of it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from symloss.formula import Formula
from symloss.symbolic.dual import Memory, evaluate_labels


def response_curves(
    formula: Formula, p: np.ndarray, q: np.ndarray | None = None, memory: Memory | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``r_y(p) = p * dL/dp(p, y)`` for the two labels.

    With a softmax output and hard labels the logit gradient is ``r_c(p_c) - p_c * sum_k r_k(p_k)``, where ``r`` is
    ``r1`` for the true class and ``r0`` for all others.

    Args:
        formula: the loss of one class.
        p: ``[G]`` float, probabilities in (0, 1). The curves are computed in its precision.
        q: ``[G]``, ``1 - p`` to full relative precision; computed from ``p`` when absent.
        memory: of earlier calls with the same ``p`` and ``q``.

    Returns:
        ``(r0, r1)``, each ``[G]``; inf or nan where the loss has no finite derivative.
    """
    rest = (1.0 - p).astype(p.dtype) if q is None else q
    _, slopes = evaluate_labels(formula, p, rest, memory)
    with np.errstate(all="ignore"):
        r0, r1 = slopes * p
    return r0, r1


@lru_cache(maxsize=16)
def _uniform(classes: int) -> tuple[np.ndarray, Memory]:
    return np.array([1.0 / classes]), Memory(4096)


def scale_to_cross_entropy(formula: Formula, classes: int) -> float:
    """Return the factor that gives a loss cross-entropy's gradient norm where training starts, at uniform p.

    There the norm of the logit gradient is ``sqrt((C-1)/C) * |r1(1/C) - r0(1/C)|``, and cross-entropy's
    ``r1 - r0`` is -1. The result is inf or nan for a loss without a gradient there.
    """
    p, memory = _uniform(classes)
    r0, r1 = response_curves(formula, p, memory=memory)
    with np.errstate(all="ignore"):
        return float(1.0 / np.abs(r1[0] - r0[0]))
