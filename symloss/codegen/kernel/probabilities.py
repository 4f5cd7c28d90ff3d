"""What formulas read of a class: p, q = 1 - p and their logarithms, each to full relative accuracy, computed once.

Everything comes from the log-odds ``u = log(p / (1 - p))``. Of a softmax only the largest class can have p above 1/2,
so for that one the others are summed apart, and for all others 1 - p cancels nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from symloss.codegen.stable import from_log

#: The value of a class and, if asked for, its response p * dL/dp; a number where it is the same for every p.
Curve = Callable[..., tuple[Tensor | float, Tensor | float | None]]


class Curves(NamedTuple):
    """A loss as functions ``(probabilities, label, gradient) -> (value, response)`` of one class.

    On a sigmoid output the slope in the logit stands in the response's place.

    Attributes:
        true: L(p, 1); the label is not read.
        other: L(p, 0), or a number if it does not depend on p.
        any: L(p, y) for a label y in [0, 1], a tensor or a number.
        folded: if L(p, 0) = a + b*p, what to sum instead on a softmax whose classes weigh the same: on the true class
            ``true + b*(1 - p)``, as the probabilities of the others sum to ``1 - p``, and on every other ``a``.
        positive: whether a formula divides by p, so that it must stay above zero.
        log_q: whether a formula reads log(1 - p).
    """

    true: Curve
    other: Curve | float
    any: Curve
    folded: tuple[Curve, float] | None = None
    positive: bool = True
    log_q: bool = True


class Near:
    """The logarithms of p and 1 - p with both kept above zero.

    Attributes:
        values_alone: whether what is computed from them may overwrite it, since nobody differentiates it.
    """

    values_alone = False

    @property
    def log_p(self) -> Tensor:
        raise NotImplementedError

    @property
    def log_q(self) -> Tensor:
        raise NotImplementedError

    @property
    def near_log_p(self) -> Tensor:
        return self.log_p.clamp(min=math.log(torch.finfo(self.log_p.dtype).tiny))

    @property
    def near_log_q(self) -> Tensor:
        return self.log_q.clamp(min=math.log(torch.finfo(self.log_q.dtype).tiny))


class Odds(Near):
    """The probabilities of classes of which each has its log-odds, differentiable."""

    def __init__(self, log_odds: Tensor) -> None:
        self.log_odds = log_odds

    @property
    def log_p(self) -> Tensor:
        return logsigmoid(self.log_odds)

    @property
    def log_q(self) -> Tensor:
        return logsigmoid(-self.log_odds)

    @property
    def p(self) -> Tensor:
        return from_log(self.log_p)

    @property
    def q(self) -> Tensor:
        return from_log(self.log_q)


class Sigmoid(Near):
    """The probabilities of a sigmoid output, for values alone."""

    values_alone = True

    def __init__(self, logits: Tensor, positive: bool) -> None:
        self._logits = self.log_odds = logits
        self._least = torch.finfo(logits.dtype).tiny if positive else 0.0

    @property
    def log_p(self) -> Tensor:
        return logsigmoid(self._logits)

    @property
    def log_q(self) -> Tensor:
        return logsigmoid(-self._logits)

    @property
    def p(self) -> Tensor:
        return torch.sigmoid(self._logits).clamp(min=self._least)

    @property
    def q(self) -> Tensor:
        return torch.sigmoid(-self._logits).clamp(min=self._least)
