"""The probabilities of a softmax, and the gradient of its logits from the responses of its classes.

With ``r = p * dL/dp`` of each class, ``dL/dz_c = r_c - p_c * sum_k r_k``. The largest class is kept apart: there 1 - p
would cancel, and its term of the sum as well. Only it can have p above 1/2.

These classes are for values alone: they work in place, and autograd cannot follow them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from symloss.codegen.kernel.probabilities import Near


class Softmax(Near):
    """The probabilities of every class of a softmax.

    ``1 - p`` of the largest class is right down to the smallest float; for its logarithm there is :class:`FarSoftmax`.

    Args:
        logits: any shape, in single or double precision.
        dim: where the classes are.
        positive: whether p must stay above zero.
    """

    values_alone = True

    def __init__(self, logits: Tensor, dim: int, positive: bool) -> None:
        self._logits, self._dim = logits, dim
        self._largest, self._top = logits.max(dim, keepdim=True)
        p = (logits - self._largest).exp_().scatter_(dim, self._top, 0.0)
        self._rest = p.sum(dim, keepdim=True)
        self._p_top = 1.0 / (self._rest + 1.0)
        least = torch.finfo(logits.dtype).tiny
        self._q_top = (self._rest * self._p_top).clamp_(min=least)
        self._pull = self._put(p.mul_(self._p_top), self._p_top)  # of a class, when its probability is tiny, 0
        self.p = self._pull.clamp(min=least) if positive else self._pull

    @property
    def _log_p_top(self) -> Tensor:
        return -torch.log1p(self._rest)

    @property
    def _log_q_top(self) -> Tensor:
        return self._q_top.log()

    @property
    def _odds(self) -> Tensor:
        return -self._rest.log()

    def _put(self, values: Tensor, at_top: Tensor | float) -> Tensor:
        """Return the values with those of the largest class replaced."""
        return values.scatter_(self._dim, self._top, at_top)

    @property
    def q(self) -> Tensor:
        return self._put(1.0 - self.p, self._q_top)

    @property
    def log_p(self) -> Tensor:
        return self._logits - self._largest + self._log_p_top

    @property
    def log_q(self) -> Tensor:
        return self._put(torch.log1p(-self.p), self._log_q_top)

    @property
    def log_odds(self) -> Tensor:
        return self._put(self.log_p - torch.log1p(-self.p), self._odds)

    def of(self, target: Tensor) -> TrueClass:
        """Return the probabilities of the true class; ``target`` has size 1 where the classes are."""
        return TrueClass(self, target, target == self._top)

    def gradient(self, response: Tensor) -> Tensor:
        """Return dL/dz of the responses, which it overwrites."""
        at_top = response.gather(self._dim, self._top)
        response = self._put(response, 0.0)
        rest = response.sum(self._dim, keepdim=True)
        response = response.addcmul_(self._pull, rest + at_top, value=-1.0)
        return self._put(response, at_top.mul_(self._q_top).addcmul_(self._p_top, rest, value=-1.0))


class FarSoftmax(Softmax):
    """The same for formulas with log(1 - p): right also where 1 - p of the largest class is below any float.

    The others are measured against the second largest. ``share_c = p_c / (1 - p_top)`` then brings what a response that
    grows as 1 / (1 - p) gives to each of them.
    """

    def __init__(self, logits: Tensor, dim: int, positive: bool) -> None:
        self._logits, self._dim = logits, dim
        self._largest, self._top = logits.max(dim, keepdim=True)
        share = logits.scatter(dim, self._top, -math.inf)
        second = share.amax(dim, keepdim=True).clamp_(min=torch.finfo(logits.dtype).min)
        share = share.sub_(second).exp_()
        total = share.sum(dim, keepdim=True).clamp_(min=1.0)  # 0 if all other logits are -inf
        self._finish(share.div_(total), self._largest - second - total.log_())

    def _finish(self, share: Tensor, odds: Tensor) -> None:
        """Compute p from the shares and the log-odds of the largest class."""
        self._share, self._far_odds = share, odds
        least = torch.finfo(odds.dtype).tiny
        # Kept above zero, so that q * r is right where r grows as 1/q.
        self._p_top, self._q_top = torch.sigmoid(odds), torch.sigmoid(-odds).clamp(min=least)
        self.p = self._put((share * self._q_top).clamp(min=least), self._p_top)

    @property
    def _log_p_top(self) -> Tensor:
        return logsigmoid(self._far_odds)

    @property
    def _log_q_top(self) -> Tensor:
        return logsigmoid(-self._far_odds)

    @property
    def _odds(self) -> Tensor:
        return self._far_odds

    def _take(self, values: Tensor) -> Tensor:
        """Return the values of the largest class."""
        return values.gather(self._dim, self._top)

    def gradient(self, response: Tensor) -> Tensor:
        at_top = self._q_top * self._take(response)
        response = self._put(response, 0.0)
        rest = response.sum(self._dim, keepdim=True)
        response = response.addcmul(self._share, self._q_top * rest + at_top, value=-1.0)
        return self._put(response, at_top - self._p_top * rest)


class FusibleSoftmax(Softmax):
    """:class:`Softmax` for a compiler: masks instead of indices, which fuse into one loop, and nothing in place.

    Every class as large as the largest has exp(z - z_top) = 1; only one that is alone can have p above 1/2.
    """

    values_alone = False

    def __init__(self, logits: Tensor, dim: int, positive: bool) -> None:
        self._logits, self._dim = logits, dim
        self._largest = logits.amax(dim, keepdim=True)
        self._weights = (logits - self._largest).exp()
        lower = self._weights < 1
        rest = torch.where(lower, self._weights, 0.0).sum(dim, keepdim=True)
        peaks = torch.where(lower, 0.0, 1.0).sum(dim, keepdim=True)
        self._alone = peaks == 1
        self._rest = rest + (peaks - 1.0)
        self._p_top = 1.0 / (rest + peaks)
        least = torch.finfo(logits.dtype).tiny
        self._q_top = (self._rest * self._p_top).clamp(min=least)
        self.p = self._weights * self._p_top
        if positive:
            self.p = self.p.clamp(min=least)

    def _put(self, values: Tensor, at_top: Tensor | float) -> Tensor:
        return torch.where(self._weights < 1, values, at_top)

    def of(self, target: Tensor) -> TrueClass:
        return TrueClass(self, target, self._weights.gather(self._dim, target) == 1)

    def gradient(self, response: Tensor) -> Tensor:
        lower = self._weights < 1
        rest = torch.where(lower, response, 0.0).sum(self._dim, keepdim=True)
        total = rest + torch.where(lower, 0.0, response).sum(self._dim, keepdim=True)
        factor, others = torch.where(self._alone, self._q_top, 1.0), torch.where(self._alone, rest, total)
        at_top = response * factor - self._p_top * others
        return torch.where(lower, response - self._weights * (self._p_top * total), at_top)


class FusibleFarSoftmax(FarSoftmax):
    """:class:`FarSoftmax` for a compiler."""

    values_alone = False

    def __init__(self, logits: Tensor, dim: int, positive: bool) -> None:
        self._logits, self._dim = logits, dim
        self._largest = logits.amax(dim, keepdim=True)
        peak = logits == self._largest
        self._alone = peak.sum(dim, keepdim=True) == 1
        self._mask = peak & self._alone
        second = torch.where(self._mask, -math.inf, logits).amax(dim, keepdim=True)
        second = second.clamp(min=torch.finfo(logits.dtype).min)
        share = torch.where(self._mask, 0.0, (logits - second).exp())
        total = share.sum(dim, keepdim=True).clamp(min=1.0)
        self._log_total = total.log()
        odds = self._largest - second - self._log_total
        self._finish(share / total, torch.where(self._alone, odds, -math.inf))

    @property
    def _log_p_top(self) -> Tensor:
        return torch.where(self._alone, logsigmoid(self._far_odds), -self._log_total)

    def _put(self, values: Tensor, at_top: Tensor | float) -> Tensor:
        return torch.where(self._mask, at_top, values)

    def _take(self, values: Tensor) -> Tensor:
        return torch.where(self._mask, values, 0.0).sum(self._dim, keepdim=True)

    def of(self, target: Tensor) -> TrueClass:
        return TrueClass(self, target, self._mask.gather(self._dim, target))


class TrueClass(Near):
    """The probabilities of the true class, read from those of all."""

    def __init__(self, classes: Softmax, target: Tensor, is_top: Tensor) -> None:
        self._classes, self._target, self._is_top = classes, target, is_top

    @property
    def p(self) -> Tensor:
        return self._classes.p.gather(self._classes._dim, self._target)

    @property
    def q(self) -> Tensor:
        return torch.where(self._is_top, self._classes._q_top, 1.0 - self.p)

    @property
    def log_p(self) -> Tensor:
        classes = self._classes
        return classes._logits.gather(classes._dim, self._target) - classes._largest + classes._log_p_top

    @property
    def log_q(self) -> Tensor:
        return torch.where(self._is_top, self._classes._log_q_top, torch.log1p(-self.p))

    @property
    def log_odds(self) -> Tensor:
        return torch.where(self._is_top, self._classes._odds, self.log_p - torch.log1p(-self.p))


class TargetSoftmax(Near):
    """A softmax of which only the true class's probability is asked for: no other class is looked at alone.

    Args:
        logits: any shape, in single or double precision.
        target: class indices with size 1 in ``dim``.
        dim: where the classes are.
        positive: whether p and 1 - p must stay above zero.
    """

    def __init__(self, logits: Tensor, target: Tensor, dim: int, positive: bool) -> None:
        self._logits, self._target, self._dim = logits, target, dim
        self._largest = largest = logits.amax(dim, keepdim=True)
        self._weights = (logits - largest).exp_()
        own = self._weights.gather(dim, target)
        self._weights.scatter_(dim, target, 0.0)
        rest = self._weights.sum(dim, keepdim=True)
        self._total = rest + own
        self._log_own = logits.gather(dim, target) - largest
        # The largest weight is 1. If it is the true class's own, own - 1 is 0 and log1p sees the rest alone.
        self._over_one = rest + (own - 1.0)
        self.p, self.q = own / self._total, rest / self._total
        if positive:
            least = torch.finfo(logits.dtype).tiny
            self.p, self.q = self.p.clamp_(min=least), self.q.clamp_(min=least)

    @property
    def log_p(self) -> Tensor:
        return self._log_own - torch.log1p(self._over_one)

    @property
    def log_q(self) -> Tensor:
        return torch.where(self.p < 0.5, torch.log1p(-self.p), self._log_rest() - torch.log1p(self._over_one))

    @property
    def log_odds(self) -> Tensor:
        return self._log_own - self._log_rest()

    def _log_rest(self) -> Tensor:
        """Return the log of the other classes' sum, which itself may underflow."""
        others = self._logits.scatter(self._dim, self._target, -math.inf)
        return others.logsumexp(self._dim, keepdim=True) - self._largest

    def gradient(self, response: Tensor | float) -> Tensor:
        """Return dL/dz of the true class's response: ``-p_c * r`` for all others, ``(1 - p) * r`` for itself."""
        return self._weights.mul_(-response / self._total).scatter_(self._dim, self._target, response * self.q)
