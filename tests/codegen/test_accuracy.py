"""Every compiled loss in float32 against mpmath, value and logit gradient, for logits up to +-100."""

import mpmath
import pytest
import torch
from mpmath import mp

from symloss.codegen import Loss

#: Formula, then the same loss written by hand: f1(p, q) for the true class, f0(p, q) for others; q = 1 - p.
LOSSES = {
    "ce": ("-y_true*log(y_pred)", lambda p, q: -mp.log(p), lambda p, q: mp.mpf(0)),
    "focal": (
        "-y_true*(1 - y_pred)**2*log(y_pred)",
        lambda p, q: -(q**2) * mp.log(p),
        lambda p, q: mp.mpf(0),
    ),
    "gce": (
        "y_true*(1 - y_pred**0.7)/0.7",
        lambda p, q: (1 - p ** mp.mpf("0.7")) / mp.mpf("0.7"),
        lambda p, q: 0 * p,
    ),
    "brier": ("(y_true - y_pred)**2", lambda p, q: q * q, lambda p, q: p * p),
    "mae": ("abs(y_true - y_pred)", lambda p, q: q, lambda p, q: p),
    "ngl": (
        "exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))",
        lambda p, q: mp.exp(mp.mpf("2.4092") - 2 * p) - mp.cos(mp.cos(mp.sin(p))),
        lambda p, q: mp.exp(mp.mpf("2.4092") - p) - mp.cos(mp.cos(mp.sin(p))),
    ),
    "sce": (
        "-0.1*y_true*log(y_pred) + 4*y_pred*(1 - y_true)",
        lambda p, q: -mp.log(p) / 10,
        lambda p, q: 4 * p,
    ),
    "binary ce": (
        "-y_true*log(y_pred) - (1 - y_true)*log(1 - y_pred)",
        lambda p, q: -mp.log(p),
        lambda p, q: -mp.log(q),
    ),
    "focal 0.5": (
        "-y_true*sqrt(1 - y_pred)*log(3*y_pred)",
        lambda p, q: -mp.sqrt(q) * mp.log(3 * p),
        lambda p, q: mp.mpf(0),
    ),
    "quotient": (
        "y_true*(1 - y_pred)/(y_pred + 0.5) + (1 - y_true)*y_pred**1.5/sqrt(y_pred)",
        lambda p, q: q / (p + mp.mpf("0.5")),
        lambda p, q: p,
    ),
    "log of affine": (
        "-log(2.0001 - 2*abs(1 - y_true - y_pred))",
        lambda p, q: -mp.log(mp.mpf("2.0001") - 2 * p),
        lambda p, q: -mp.log(mp.mpf("2.0001") - 2 * q),
    ),
}

CLASSES = 5


def _logits() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    rows = [scale * (2 * torch.rand(2, CLASSES, generator=generator) - 1) for scale in (0.1, 1, 5, 20, 100)]
    extremes = torch.tensor(
        [
            [0.0, 0, 0, 0, 0],
            [100, -100, -100, -100, -100],
            [-100, 100, 100, 100, 100],
            [100, 100, -100, 0, 50],
            [9, -9, 0, 3, -100],
            [30, 0, 0, 0, 0],
        ]
    )
    return torch.cat([*rows, extremes])


def _exact(logits, target, f1, f0):
    """Return the exact value and logit gradient of one sample, and the size of the gradient's terms.

    With g = dL/du in each class's log-odds u, dL/dz_c = g_c - p_c * sum over k != c of g_k / q_k.
    """
    z = [mp.mpf(value) for value in logits]
    value, slope, p, q = mp.mpf(0), [], [], []
    for c in range(CLASSES):
        f = f1 if c == target else f0

        def of_odds(u, f=f):
            return f(1 / (1 + mp.exp(-u)), 1 / (1 + mp.exp(u)))

        odds = z[c] - mp.log(mp.fsum(mp.exp(z[j]) for j in range(CLASSES) if j != c))
        p.append(1 / (1 + mp.exp(-odds)))
        q.append(1 / (1 + mp.exp(odds)))
        value += of_odds(odds)
        slope.append(mp.diff(of_odds, odds))
    gradient, terms = [], []
    for c in range(CLASSES):
        coupled = [p[c] * slope[k] / q[k] for k in range(CLASSES) if k != c]
        gradient.append(slope[c] - mp.fsum(coupled))
        terms.append(abs(slope[c]) + mp.fsum(map(abs, coupled)))
    return value, gradient, terms


@pytest.mark.parametrize("name", LOSSES)
def test_float32_value_and_gradient_match_mpmath(name):
    text, f1, f0 = LOSSES[name]
    logits = _logits().requires_grad_()
    target = torch.arange(len(logits)) % CLASSES
    loss = Loss(text, reduction="none")(logits, target)
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    with mpmath.workdps(150):  # 1 - p must not round to 0 for logits 200 apart
        for row in range(len(logits)):
            value, exact, terms = _exact(logits[row].tolist(), int(target[row]), f1, f0)
            # 1e-37: below it float32 has no full precision.
            assert abs(loss[row].item() - value) <= 1e-5 * abs(value) + 1e-37, (
                row,
                loss[row].item(),
                float(value),
            )
            for got, want, size in zip(gradient[row].tolist(), exact, terms, strict=True):
                # Terms that cancel leave the rounding of their size, in any order of summing; and a
                # probability below 1e-38 is constant.
                assert abs(got - want) <= 1e-5 * abs(want) + 1e-6 * size + 1e-33, (row, got, float(want))
