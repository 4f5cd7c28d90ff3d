"""Each known loss as its paper or the authors' code defines it, in plain torch: the mean over samples.

Parameters have the published values as defaults, written here a second time.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torchvision.ops import sigmoid_focal_loss

#: What the code of Ma et al. (2020) takes log(0) for: it raises labels to 1e-4.
LOG_OF_ZERO = math.log(1e-4)


def _one_hot(z, t):
    return F.one_hot(t, z.shape[1]).to(z)


def _true(z, t):
    """The probability of the true class."""
    return z.softmax(1).gather(1, t[:, None]).squeeze(1)


def _margins(z, t):
    """The logit of the true class, and minus the logits of the others."""
    return z * (2 * _one_hot(z, t) - 1)


def _label_relaxation(z, t, alpha=0.1):
    p, y = z.softmax(1), _one_hot(z, t)
    others = (1 - y) * p
    relaxed = (1 - alpha) * y + alpha * others / others.sum(1, keepdim=True)
    divergence = (torch.xlogy(relaxed, relaxed) - relaxed * p.log()).sum(1)
    return torch.where(_true(z, t) >= 1 - alpha, 0.0, divergence).mean()


def _confidence_penalty(z, t, beta=0.1):
    return F.cross_entropy(z, t) - beta * torch.distributions.Categorical(logits=z).entropy().mean()


def _focal(z, t, gamma=2.0):
    return ((1 - _true(z, t)) ** gamma * F.cross_entropy(z, t, reduction="none")).mean()


def _dual_focal(z, t, alpha=1.0, beta=1.0, gamma=1.0, rho=1.0):
    p, y = z.softmax(1), _one_hot(z, t)
    gain = y * p.log() + beta * (1 - y) * (rho - p).log() - alpha * (y - p).abs() ** gamma
    return -gain.sum(1).mean()


def _density_power(z, t, beta=0.5):
    """By way of the bi-tempered logistic loss with a softmax (Amid et al. 2019, eq. 7), t1 = 1 - beta."""
    p, y, t1 = z.softmax(1), _one_hot(z, t), 1 - beta

    def log_t(x):
        return (x ** (1 - t1) - 1) / (1 - t1)

    tempered = (y * (log_t(y) - log_t(p)) - (y ** (2 - t1) - p ** (2 - t1)) / (2 - t1)).sum(1)
    return (1 + beta) * tempered.mean()


def _rce(z, t, A=-4.0):
    log_y = torch.where(_one_hot(z, t) > 0, 0.0, A)
    return -(z.softmax(1) * log_y).sum(1).mean()


def _bootstrap(z, t, beta=0.95):
    target = beta * _one_hot(z, t) + (1 - beta) * z.softmax(1)
    return -(target * z.log_softmax(1)).sum(1).mean()


def _js(z, t, pi=0.7):
    y, p = _one_hot(z, t), z.softmax(1)
    m = pi * y + (1 - pi) * p

    def divergence(q):
        return (torch.xlogy(q, q) - q * m.log()).sum(1)

    return (pi * divergence(y) + (1 - pi) * divergence(p)).mean() / -((1 - pi) * math.log(1 - pi))


def _phuber(z, t, tau=10.0):
    p = _true(z, t)
    return torch.where(p <= 1 / tau, -tau * p + math.log(tau) + 1, -p.log()).mean()


def _taylor(z, t, order=2):
    return sum(((1 - _true(z, t)) ** k / k).mean() for k in range(1, order + 1))


def _agce(z, t, a=0.6, q=0.6):
    return (((a + 1) ** q - (a + _true(z, t)) ** q) / q).mean()


def _aul(z, t, a=5.5, q=3.0):
    return (((a - _true(z, t)) ** q - (a - 1) ** q) / q).mean()


def _ael(z, t, a=2.5):
    return torch.exp(-_true(z, t) / a).mean()


def _ngl_of(p, t):
    y = _one_hot(p, t)
    return (torch.exp(2.4092 - p - p * y) - torch.cos(torch.cos(torch.sin(p)))).mean()


def _asl(z, t, gamma_neg=4.0, gamma_pos=0.0, margin=0.05):
    y, p = _one_hot(z, t), z.sigmoid()
    shifted = (1 - p + margin).clamp(max=1)
    positive = (1 - p) ** gamma_pos * p.log()
    negative = (1 - shifted) ** gamma_neg * shifted.log()
    return -(y * positive + (1 - y) * negative).sum(1).mean()


def _focal_sigmoid(z, t, alpha=0.25, gamma=2.0):
    return sigmoid_focal_loss(z, _one_hot(z, t), alpha=alpha, gamma=gamma, reduction="none").sum(1).mean()


def _square_logits(z, t, k=1.0, M=1.0):
    y = _one_hot(z, t)
    return torch.where(y > 0, k * (z - M) ** 2, z**2).mean()


def _normalised(losses, t):
    """The loss of the label over the sum of the losses [N, C] of all labels that the sample might have."""
    return (losses.gather(1, t[:, None]).squeeze(1) / losses.sum(1)).mean()


def _nce(z, t, alpha=1.0):
    return alpha * _normalised(-z.log_softmax(1), t)


def _nfl(z, t, gamma):
    return _normalised((1 - z.softmax(1)) ** gamma * -z.log_softmax(1), t)


def _nce_rce(z, t, alpha=1.0, beta=1.0, A=LOG_OF_ZERO):
    return alpha * _nce(z, t) + beta * _rce(z, t, A)


def _nfl_rce(z, t, alpha=1.0, beta=1.0, gamma=0.5, A=LOG_OF_ZERO):
    return alpha * _nfl(z, t, gamma) + beta * _rce(z, t, A)


REFERENCES = {
    "ce": F.cross_entropy,
    "label_smoothed_ce": lambda z, t, label_smoothing=0.1: F.cross_entropy(z, t, label_smoothing=label_smoothing),
    "label_relaxation": _label_relaxation,
    "confidence_penalty": _confidence_penalty,
    "poly1": lambda z, t, epsilon=1.0: F.cross_entropy(z, t) + epsilon * (1 - _true(z, t)).mean(),
    "poly1_focal": lambda z, t, gamma=2.0, epsilon=1.0: (
        _focal(z, t, gamma) + epsilon * ((1 - _true(z, t)) ** (gamma + 1)).mean()
    ),
    "focal": _focal,
    "dual_focal": _dual_focal,
    "brier": lambda z, t: F.mse_loss(z.softmax(1), _one_hot(z, t), reduction="none").sum(1).mean(),
    "squared_log": lambda z, t: (F.cross_entropy(z, t, reduction="none") ** 2).mean(),
    "mae": lambda z, t: F.l1_loss(z.softmax(1), _one_hot(z, t), reduction="none").sum(1).mean(),
    "gce": lambda z, t, q=0.7: ((1 - _true(z, t) ** q) / q).mean(),
    "alpha_loss": lambda z, t, alpha=2.0: (alpha / (alpha - 1) * (1 - _true(z, t) ** (1 - 1 / alpha))).mean(),
    "density_power": _density_power,
    "rce": _rce,
    "sce": lambda z, t, alpha=0.1, beta=1.0, A=-4.0: alpha * F.cross_entropy(z, t) + beta * _rce(z, t, A),
    "bootstrap_soft": _bootstrap,
    "js": _js,
    "phuber_ce": _phuber,
    "taylor_ce": _taylor,
    "agce": _agce,
    "aul": _aul,
    "ael": _ael,
    "ngl": lambda z, t: _ngl_of(z.softmax(1), t),
    "ngl_sigmoid": lambda z, t: _ngl_of(z.softmax(1).sigmoid(), t),
    "baikal": lambda z, t: -(z.log_softmax(1) - _one_hot(z, t) / z.softmax(1)).mean(),
    "bce": lambda z, t: F.binary_cross_entropy_with_logits(z, _one_hot(z, t), reduction="none").sum(1).mean(),
    "focal_sigmoid": _focal_sigmoid,
    "asl": _asl,
    "hinge": lambda z, t, margin=1.0: (margin - _margins(z, t)).clamp(min=0).sum(1).mean(),
    "squared_hinge": lambda z, t, margin=1.0: ((margin - _margins(z, t)).clamp(min=0) ** 2).sum(1).mean(),
    "unhinged": lambda z, t: (1 - _margins(z, t)).sum(1).mean(),
    "exponential": lambda z, t: torch.exp(-_margins(z, t)).sum(1).mean(),
    "savage": lambda z, t: ((1 + torch.exp(_margins(z, t))) ** -2).sum(1).mean(),
    "tangent": lambda z, t: ((2 * torch.atan(_margins(z, t)) - 1) ** 2).sum(1).mean(),
    "sigmoid_loss": lambda z, t: (1 / (1 + torch.exp(_margins(z, t)))).sum(1).mean(),
    "square_logits": _square_logits,
    "nce": _nce,
    "nce_rce": _nce_rce,
    "nce_mae": lambda z, t, alpha=1.0, beta=1.0: alpha * _nce(z, t) + beta * (1 - _true(z, t)).mean(),
    "nfl_rce": _nfl_rce,
    "nfl_mae": lambda z, t, alpha=1.0, beta=1.0, gamma=0.5: alpha * _nfl(z, t, gamma) + beta * (1 - _true(z, t)).mean(),
    "nce_agce": lambda z, t, alpha=1.0, beta=4.0, a=6.0, q=1.5: alpha * _nce(z, t) + beta * _agce(z, t, a, q),
    "nce_aul": lambda z, t, alpha=1.0, beta=4.0, a=6.3, q=1.5: alpha * _nce(z, t) + beta * _aul(z, t, a, q),
    "nce_ael": lambda z, t, alpha=1.0, beta=4.0, a=5.0: alpha * _nce(z, t) + beta * _ael(z, t, a),
}

#: Other values of the parameters, all different so that a swapped name shows.
VARIANTS = {
    "label_smoothed_ce": [{"label_smoothing": 0.25}],
    "label_relaxation": [{"alpha": 0.3}],
    "confidence_penalty": [{"beta": 0.5}, {"beta": 0.0}],
    "poly1": [{"epsilon": -0.5}],
    "poly1_focal": [{"gamma": 1.5, "epsilon": 3.0}],
    "focal": [{"gamma": 0.5}, {"gamma": 1.0}, {"gamma": 0.0}],
    "dual_focal": [{"alpha": 0.5, "beta": 2.0, "gamma": 3.0, "rho": 1.25}],
    "gce": [{"q": 0.3}, {"q": 1.0}],
    "alpha_loss": [{"alpha": 1.3}],
    "density_power": [{"beta": 0.2}, {"beta": 1.0}],
    "rce": [{"A": -6.0}],
    "sce": [{"alpha": 6.0, "beta": 0.25, "A": -2.0}, {"beta": 2.0}],
    "bootstrap_soft": [{"beta": 0.8}],
    "js": [{"pi": 0.1}, {"pi": 0.5}],
    "phuber_ce": [{"tau": 2.0}],
    "taylor_ce": [{"order": 1}, {"order": 5}],
    "agce": [{"a": 4.0, "q": 0.2}, {"a": 0.0, "q": 0.7}],
    "aul": [{"a": 3.0, "q": 0.1}],
    "ael": [{"a": 3.5}],
    "focal_sigmoid": [{"alpha": 0.6, "gamma": 1.5}],
    "asl": [{"gamma_neg": 2.5, "gamma_pos": 1.0, "margin": 0.2}, {"gamma_neg": 0.0, "margin": 0.1}, {"margin": 0.0}],
    "hinge": [{"margin": 0.5}],
    "squared_hinge": [{"margin": 0.5}],
    "square_logits": [{"k": 15.0, "M": 30.0}],
    "nce": [{"alpha": 2.0}],
    "nce_rce": [{"alpha": 10.0, "beta": 0.1, "A": -4.0}],
    "nce_mae": [{"alpha": 10.0, "beta": 0.1}],
    "nfl_rce": [{"alpha": 10.0, "beta": 0.1, "gamma": 2.0, "A": -4.0}],
    "nfl_mae": [{"alpha": 10.0, "beta": 0.1, "gamma": 2.0}],
    "nce_agce": [{"alpha": 10.0, "beta": 0.1, "a": 1.8, "q": 3.0}],
    "nce_aul": [{"alpha": 10.0, "beta": 0.015, "a": 6.0, "q": 3.0}],
    "nce_ael": [{"alpha": 10.0, "beta": 0.1, "a": 1.5}],
}
