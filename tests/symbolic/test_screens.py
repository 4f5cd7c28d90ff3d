"""Each screen on cases by hand, and the losses in use, which all must pass."""

import random
import warnings

import numpy as np
import pytest

from symloss.formula import parse_formula
from symloss.grammar import Sampler, load_grammar
from symloss.losses.catalogue import CATALOGUE
from symloss.symbolic import SCREENS, IdentityIndex, Screener, response_curves

REJECTED = [
    ("log(y_pred)", "dependence", "has no y_true"),
    ("y_true*3", "dependence", "has no y_pred"),
    ("y_pred + y_true", "dependence", "label does not change"),
    ("log(y_pred) + exp(y_true)", "dependence", "label does not change"),
    ("y_true - y_true + y_pred", "dependence", "label does not change"),
    ("sign(y_true - y_pred)", "dependence", "label does not change"),
    ("y_true*(y_pred - exp(log(y_pred)))*log(y_pred)", "dependence", "rounding noise"),
    ("log(y_pred - 0.5)*y_true", "finite", "r1 is nan"),
    ("sqrt(0.5 - y_pred)*y_true", "finite", "r1 is nan at p = 0.5"),
    ("(1 - y_true)*log(0.5 - y_pred)", "finite", "r0 is nan"),
    ("-y_true*log(y_pred) + log(y_true)", "finite", "the loss at y = 0 is -inf"),
    ("-y_pred/y_true", "finite", "y = 0|r0 is"),
    ("y_true*exp(exp(1/y_pred))", "finite", "r1 is"),
    ("y_true/y_pred", "bounded", "times that at uniform p"),
    ("y_true*log(y_pred)**2", "bounded", "towards p = 0: 368"),  # r1 = -2*log(p)
    ("y_true*(-log(y_pred))**1.5", "bounded", "towards p = 0"),
    ("y_true*y_pred**(-0.01)", "bounded", "towards p = 0"),
    ("y_true*sqrt(1 - y_pred)", "bounded", "towards p = 1"),
    ("-(1 - y_true)*log(1 - y_pred)", "bounded", "times that at uniform p"),
    ("y_true*(1 - y_pred)*log(1 - y_pred)", "bounded", "towards p = 1"),
    ("-y_true*log(y_pred - 1e-10)", "bounded", "no value towards p = 0"),
    ("-y_true*sqrt(y_pred - 1e-30)", "bounded", "no value towards p = 0"),
    ("-y_true*y_pred*(1 + 0.0001*sqrt(0.999999999 - y_pred))", "bounded", "no value towards p = 1"),
    ("-y_true*y_pred**8", "bounded", "times that at uniform p"),
    ("-y_true/(0.5123 - y_pred)**2*sign(0.5123 - y_pred)", "bounded", "pole near p = 0.5123|times that"),
    ("-y_true*log(abs(sin(2.7 - 9*y_pred)))", "bounded", "pole near p = 0."),
    ("y_true*tan(2*(1 - y_pred))", "bounded", "pole near p = 0.2146"),
    ("exp(90*(1 - y_pred))*y_true", "bounded|float32", ""),
    ("1e30*1e20*y_true*exp(-y_pred)", "float32", "single precision"),
    ("y_true*log(y_pred)", "null-epoch", "r1 - r0 = 1 at p = 1/10"),
    ("y_true*relu(0.5 - y_pred)*relu(y_pred - 0.2)", "null-epoch", "must be negative"),
    ("y_true*y_pred**2", "null-epoch", "must be negative"),
    ("-y_pred*(1 - y_true)", "null-epoch", "must be negative"),
]


def judge(text, classes=10):
    return Screener(classes, IdentityIndex())(parse_formula(text))


@pytest.mark.parametrize(("text", "screen", "reason"), REJECTED, ids=[text for text, _, _ in REJECTED])
def test_rejections_by_hand(text, screen, reason):
    import re

    verdict = judge(text)
    assert verdict.screen in screen.split("|")
    assert verdict.screen in SCREENS
    assert re.search(reason, verdict.reason)
    assert "\n" not in verdict.reason


#: Known losses whose logit gradient has no bound: these would be rejected.
UNBOUNDED = {"dual_focal", "squared_log", "baikal"}
ACCEPTED = {name: loss.plain_formula for name, loss in CATALOGUE.items() if loss.plain and name not in UNBOUNDED} | {
    text: parse_formula(text)
    for text in (
        "exp(-y_pred*(1 + y_true))",
        "y_true*log(y_true/y_pred)",
        "-log(1 - y_true + y_true*y_pred)",
        "-y_true*y_pred",
        "max(y_true, y_pred)",
        "relu(y_true - y_pred)",
        "-y_true*log(y_pred) + 1000000000*y_pred",  # a multiple of p has no effect, however large
        "-1e-12*y_true*log(y_pred)",
        "-1e-70*y_true*log(y_pred)",
        "-y_true*log(max(y_pred, 1e-07))",
        "-y_true*y_pred**0.001",
        "-y_true*log(square(y_pred) + y_pred - y_pred)",  # its logarithm's argument rounds to 0 at p = 1e-80
        "-y_true*y_pred/(abs(y_pred - 0.7) + 0.1)",  # a kink, but no pole
    )
}


@pytest.mark.parametrize("classes", [2, 10, 1000])
@pytest.mark.parametrize("name", ACCEPTED)
def test_the_losses_in_use_pass(name, classes):
    verdict = Screener(classes, IdentityIndex())(ACCEPTED[name])
    assert (verdict.screen, verdict.reason) == (None, "")
    assert verdict.fingerprint is not None


def test_float32_alone():
    # Bounded against its own gradient at uniform p, and in double precision far from overflow.
    verdict = judge("1e30*1e20*y_true*exp(-y_pred)")
    assert verdict.screen == "float32"
    assert judge("1e30*y_true*exp(-y_pred)").screen is None


def test_duplicates():
    index = IdentityIndex()
    screener = Screener(10, index)
    known = parse_formula("-y_true*log(y_pred)")
    index.add(known, screener(known).fingerprint)
    for text in ("-y_true*log(y_pred)", "3 - 2*log(y_pred)*y_true**2 + y_pred"):
        verdict = screener(parse_formula(text))
        assert verdict.screen == "duplicate"
        assert verdict.reason == "the same loss as -y_true*log(y_pred)"
    assert screener(parse_formula("-y_true*y_pred")).screen is None
    assert len(index) == 1


def test_the_null_epoch_screen_is_the_direction_of_one_step():
    # p*(1 - p) pushes the true class down below one half and up above it.
    assert judge("y_true*y_pred*(1 - y_pred)", classes=10).screen == "null-epoch"
    assert judge("-y_true*y_pred*(1 - y_pred)", classes=10).screen is None


def test_survivors_are_bounded_on_a_fine_grid():
    """What passes is checked where the screens do not look: 20,000 points between theirs."""
    sampler = Sampler(load_grammar("default"))
    screener = Screener(10, IdentityIndex())
    u = np.linspace(-19.9, 16.9, 20_000)
    p, q = 1 / (1 + np.exp(-u)), 1 / (1 + np.exp(u))
    passed = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(1200):
            formula = sampler.sample(random.Random(seed)).formula
            if screener(formula).screen is not None:
                continue
            passed += 1
            r0, r1 = response_curves(formula, p, q)
            at = np.searchsorted(p, 0.1)
            gap = r1 - r0
            middle = p.size // 2
            curve = r0 - p * r0[middle] / p[middle]
            assert np.abs([gap, curve]).max() < 1.1e6 * abs(gap[at])
            assert gap[at] < 0
    assert passed > 100
