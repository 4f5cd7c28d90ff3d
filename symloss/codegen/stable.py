"""Numerically careful primitives on torch tensors.

Everything about a class probability is computed from its log-odds ``u = log(p / (1 - p))``: with it ``p``,
``1 - p`` and both logarithms, and their gradients, keep full *relative* accuracy however close ``p`` is to 0
or 1. Under a softmax, ``u_c = z_c - logsumexp(z_j, j != c)``; under a sigmoid it is the logit itself.

Each function uses torch and nothing else, because the code that users export carries a copy of it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


def log_odds(logits: Tensor, dim: int) -> Tensor:
    """Return log(p / (1 - p)) of every class of a softmax over ``dim``; same shape as ``logits``.

    The largest class needs the sum over the others summed apart: taking it from the total would cancel.
    """
    logits = logits.clamp(min=torch.finfo(logits.dtype).min / 4)  # a logit of -inf would bring nan as a gradient
    top = logits.argmax(dim, keepdim=True)
    is_top = torch.zeros_like(logits, dtype=torch.bool).scatter(dim, top, True)
    # Shifted first: a difference of sums near the logits' size would keep only their absolute accuracy.
    shifted = logits - logits.gather(dim, top)
    others = shifted.masked_fill(is_top, -math.inf)
    rest = others.logsumexp(dim, keepdim=True)
    # For any other class c its competitors sum to 1 + exp(rest) - exp(shifted_c) >= 1: nothing cancels.
    return torch.where(is_top, -rest, shifted - torch.log1p(rest.exp() - others.exp()))


def hide_target(log_odds: Tensor, target: Tensor, dim: int) -> Tensor:
    """Return the log-odds with the true class's replaced by those of another class of the same sample.

    A function for other classes may then be computed everywhere and its value at the true class dropped: it is taken
    where it is needed anyway, so it brings no infinity or nan, not even as the gradient of a dropped value.
    """
    neighbour = (target + 1) % log_odds.shape[dim]
    return log_odds.scatter(dim, target, log_odds.detach().gather(dim, neighbour))


def from_log(log_value: Tensor) -> Tensor:
    """Return exp of a log-probability, kept above zero so that quotients such as sin(p)/p stay finite."""
    return log_value.clamp(min=math.log(torch.finfo(log_value.dtype).tiny)).exp()


def softplus(a: Tensor) -> Tensor:
    """Return log(1 + exp(a)), accurate at both ends."""
    return -logsigmoid(-a)


def expm1(a: Tensor) -> Tensor:
    """Return exp(a) - 1 with a gradient that keeps its relative accuracy where the value is near -1.

    Torch's own derives it as value + 1, which cancels.
    """
    low = a < -1
    return torch.where(low, torch.where(low, a, -1.0).exp() - 1, torch.expm1(torch.where(low, 0.0, a)))


def sqrt(a: Tensor) -> Tensor:
    """Return the square root, with gradient 0 at 0 where the true one is infinite."""
    return torch.where(a == 0, 0.0, torch.where(a == 0, 1.0, a).sqrt())


def rsqrt(a: Tensor) -> Tensor:
    """Return 1 / sqrt(a), and 0 at 0, where the slope of :func:`sqrt` is 0."""
    return torch.where(a == 0, 0.0, torch.where(a == 0, 1.0, a).rsqrt())


def power(base: Tensor | float, exponent: Tensor | float) -> Tensor:
    """Return ``base ** exponent``, with gradient 0 instead of infinite at base 0 if 0 < exponent < 1."""
    if not isinstance(base, Tensor):
        return torch.pow(base, exponent)  # type: ignore[arg-type]
    if not isinstance(exponent, Tensor) and not 0 < exponent < 1:
        return base**exponent
    steep = (base == 0) & (exponent > 0) & (exponent < 1)
    return torch.where(steep, 0.0, torch.where(steep, 1.0, base) ** exponent)


def power_slope(base: Tensor | float, exponent: Tensor | float) -> Tensor:
    """Return ``exponent * base ** (exponent - 1)``, the slope of :func:`power` in its base."""
    if not isinstance(base, Tensor):
        assert isinstance(exponent, Tensor)
        return exponent * torch.pow(base, exponent - 1)
    steep = (base == 0) & (exponent > 0) & (exponent < 1)
    return exponent * torch.where(steep, 0.0, torch.where(steep, 1.0, base) ** (exponent - 1))


def maximum(a: Tensor | float, b: Tensor | float) -> Tensor:
    """Return the larger of two, one of which may be a number; a tie shares the gradient equally."""
    if not isinstance(a, Tensor):
        a, b = b, a
    assert isinstance(a, Tensor)
    return torch.maximum(a, b if isinstance(b, Tensor) else torch.full_like(a, b))


def minimum(a: Tensor | float, b: Tensor | float) -> Tensor:
    """Return the smaller of two, one of which may be a number; a tie shares the gradient equally."""
    if not isinstance(a, Tensor):
        a, b = b, a
    assert isinstance(a, Tensor)
    return torch.minimum(a, b if isinstance(b, Tensor) else torch.full_like(a, b))


def pick(a: Tensor | float, b: Tensor | float, x: Tensor | float, y: Tensor | float) -> Tensor:
    """Return x where a > b, y where a < b, and their mean at a tie: the slope of the larger of a and b."""
    like = a if isinstance(a, Tensor) else b
    assert isinstance(like, Tensor)
    # Two numbers would make a tensor of the default type, whatever that of a and b.
    x, y = (v if isinstance(v, Tensor) else torch.full((), v, dtype=like.dtype, device=like.device) for v in (x, y))
    return torch.where(a > b, x, torch.where(a < b, y, 0.5 * (x + y)))  # type: ignore[arg-type]


def xlogy(x: Tensor, a: Tensor | float) -> Tensor:
    """Return x * log(a), and 0 where x is 0."""
    return torch.xlogy(x, a)


def copy(a: Tensor | float) -> Tensor | float:
    """Return a tensor of the same content that may be overwritten."""
    return a.clone() if isinstance(a, Tensor) else a


def i1_slope(a: Tensor) -> Tensor:
    """Return the derivative of the Bessel function I1, which is I0(a) - I1(a)/a."""
    away = torch.where(a == 0, 1.0, a)
    return torch.where(a == 0, 0.5, torch.special.i0(away) - torch.special.i1(away) / away)


def i1e_slope(a: Tensor) -> Tensor:
    """Return the derivative of exp(-abs(a)) * I1(a)."""
    away = torch.where(a == 0, 1.0, a)
    value = torch.special.i1e(away)
    return torch.where(a == 0, 0.5, torch.special.i0e(away) - value / away - away.sign() * value)
