"""Certificates: what is proven bounds the curve, what has a defect is refuted where the defect is."""

import itertools
import json
import math
import random
from fractions import Fraction

import numpy as np
import pytest

from symloss.formula import parse_formula, to_text
from symloss.grammar import Sampler, load_grammar
from symloss.losses import CATALOGUE
from symloss.symbolic import IdentityIndex, Screener, certify, response_curves
from symloss.symbolic.balls import response_balls
from symloss.symbolic.proofs.certificate import response_formula

U = np.concatenate([np.linspace(-60, 30, 1500), np.linspace(-3, 3, 500)])
POINTS = [Fraction(1, 10**n) for n in (60, 30, 15, 8, 4, 2)]
POINTS += [1 - point for point in POINTS] + [Fraction(n, 17) for n in range(1, 17)]
P, Q = 1 / (1 + np.exp(-U)), 1 / (1 + np.exp(U))


#: Known losses with a curve that has no bound: which, and the end where it grows.
UNBOUNDED = {"dual_focal": ("r0", 1), "squared_log": ("r1", 0), "baikal": ("r1", 0)}


@pytest.mark.parametrize("name", [name for name, loss in CATALOGUE.items() if loss.plain and name not in UNBOUNDED])
def test_the_losses_in_use_are_proven(name):
    formula = CATALOGUE[name].plain_formula
    for certificate, curve in zip(certify(formula), response_curves(formula, P, Q), strict=True):
        assert certificate.status == "proven"
        largest = np.abs(curve).max()
        # There p does not cancel against min(p, 0.9), which intervals pay for.
        slack = 1.17 if name == "label_relaxation" else 1.06
        assert largest <= certificate.bound <= slack * largest + 1e-300


@pytest.mark.parametrize("name", UNBOUNDED)
def test_the_unbounded_losses_in_use_are_refuted_where_they_grow(name):
    formula = CATALOGUE[name].plain_formula
    curve, end = UNBOUNDED[name]
    for label, certificate in zip(("r0", "r1"), certify(formula), strict=True):
        assert certificate.status == ("refuted" if label == curve else "proven")
        if label == curve:
            assert certificate.witness.reason == f"grows without bound towards p = {end}"
    depth = np.array([1e-3, 1e-6, 1e-9, 1e-12])
    sizes = np.abs(response_curves(formula, *((depth, 1 - depth) if end == 0 else (1 - depth, depth)))[int(curve[1])])
    assert (np.diff(sizes) > 1).all()


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("-y_true*log(y_pred)", (0, 1)),
        ("-y_true*y_pred*log(y_pred)", (0, 1)),
        ("y_true*sqrt(y_pred)", (0, 0.5)),
        ("y_true*tanh(log(y_pred))", (0, 1)),
        ("y_true*exp(0.3*log(y_pred))", (0, 0.3)),
        ("y_true*log(1 - log(y_pred))", (0, 1)),
        ("y_true*atan(log(y_pred))", (0, 1)),
        ("y_true*erf(log(y_pred))", (0, 2 / math.sqrt(math.pi))),
        ("y_true*exp(-1/y_pred)", (0, math.exp(-1))),
        ("abs(y_true - y_pred)", (1, 1)),
        ("y_true*abs(y_pred - 0.25)**2", (0, 1.5)),
        ("y_true*relu(0.5 - y_pred)**2", (0, 0.125)),
        ("y_true/((y_pred - 0.3)**2 + 0.01)", (0, 233.35)),
        ("i0e(y_pred)*y_true", (0, 0.2579)),
    ],
)
def test_tight_bounds(text, bounds):
    for certificate, bound in zip(certify(parse_formula(text)), bounds, strict=True):
        assert certificate.status == "proven", certificate.describe()
        assert bound * (1 - 1e-3) <= certificate.bound <= bound * 1.06


@pytest.mark.parametrize(
    ("text", "p", "reason"),
    [
        ("y_true/(y_pred - 0.3)", 0.3, "pole"),
        ("y_true*log(abs(y_pred - 0.3))", 0.3, "pole"),
        ("y_true*sqrt(abs(y_pred - 0.3))", 0.3, "pole"),
        ("y_true*tan(3*y_pred)", math.pi / 6, "pole"),
        ("y_true/(exp(y_pred) - 2)", math.log(2), "pole"),
        ("y_true*sqrt((y_pred - 0.3)**2 - 1e-12)", 0.3, "no finite value"),
        ("y_true*log((y_pred - 0.75)**2 - 1e-18)", 0.75, "no finite value"),
        ("y_true*sign(y_pred - 0.37)", 0.37, "leaps"),
        ("y_true*abs(y_pred - 0.37)", 0.37, "leap from -0.37 to 0.37"),
        ("y_true*abs(0.63 - y_pred)", 0.63, "leap from -0.63 to 0.63"),  # seen from p = 1
        ("y_true*max(y_pred, 0.0001)", 0.0001, "leap from 0 to 0.0001"),
        ("y_true*log(y_pred)**2", 0, "grows without bound towards p = 0"),
        ("y_true*y_pred**(-0.3)", 0, "grows without bound towards p = 0"),
        ("y_true*log(1 - y_pred)", 1, "grows without bound towards p = 1"),
        ("y_true*log(1e-9 - y_pred)", 1, "no real value towards p = 1"),
        ("y_true*sqrt(y_pred - 1e-9)", 0, "no real value towards p = 0"),
    ],
)
def test_defects_are_refuted_with_a_witness(text, p, reason):
    zero, one = certify(parse_formula(text))
    assert zero.status == "proven"
    assert zero.bound == 0
    assert one.status == "refuted", one.describe()
    assert one.witness.p == pytest.approx(p, abs=2e-6)
    assert reason in one.describe()
    assert one.bound is None


def test_a_defect_of_the_other_label_is_found_too():
    zero, one = certify(parse_formula("-y_true*log(y_pred) - (1 - y_true)*log(1 - y_pred)"))
    assert (zero.status, one.status) == ("refuted", "proven")


def test_a_label_without_a_value():
    zero, one = certify(parse_formula("log(y_true)*y_pred"))
    assert (zero.status, one.status) == ("refuted", "proven")
    assert "not a finite real number" in zero.witness.reason


def test_what_cannot_be_told_is_unknown_and_says_where():
    certificate = certify(parse_formula("y_true*exp(exp(1/y_pred))"))[1]
    assert certificate.status in ("unknown", "refuted")
    certificate = certify(parse_formula("y_true*(y_pred - 0.5)/(y_pred - exp(log(0.5)))"))[1]
    assert certificate.status == "unknown"
    assert certificate.left[0] <= 0.5 <= certificate.left[1]
    assert "undecided" in certificate.describe()


def test_json():
    for text in ("-y_true*log(y_pred)", "y_true/(y_pred - 0.3)", "y_true*exp(exp(1/y_pred))"):
        for certificate in certify(parse_formula(text)):
            data = json.loads(json.dumps(certificate.to_dict(), allow_nan=False))
            assert set(data) == {"status", "bound", "witness", "left"}


def test_random_survivors_are_bounded_as_proven():
    sampler, screener = Sampler(load_grammar("default")), Screener(10, IdentityIndex())
    proven = total = 0
    for seed in itertools.count():
        formula = sampler.sample(random.Random(seed)).formula
        if screener(formula).screen is not None:
            continue
        # In balls: near p = 0 a float64 curve may be nothing but rounding, as that of log(1 + y_pred)/y_pred is.
        for certificate, curve in zip(
            certify(formula), zip(*response_balls(formula, POINTS), strict=True), strict=True
        ):
            total += 1
            if certificate.status == "proven":
                proven += 1
                assert not any(abs(value) > certificate.bound for value in curve), to_text(formula)
        if total >= 400:
            break
    assert proven >= 0.95 * total


def test_the_response_as_a_formula():
    assert to_text(response_formula(parse_formula("-y_true*log(y_pred)"), 1)) == "-1"
    assert to_text(response_formula(parse_formula("-y_true*log(y_pred)"), 0)) == "0"


@pytest.mark.parametrize("text", ["y_true*exp(exp(9*y_pred))", "y_true*exp(exp(40*y_pred*(1 - y_pred)))"])
def test_a_bound_that_no_float_can_hold_is_none(text):
    certificate = certify(parse_formula(text))[1]
    assert certificate.status == "refuted"
    assert "beyond the range of float64" in certificate.witness.reason


def test_bounded_without_a_limit_is_not_proven():
    # cos(log(p)) swings for ever as p goes to 0: bounded, but with no value there.
    certificate = certify(parse_formula("y_true*sin(log(y_pred))"))[1]
    assert certificate.status == "unknown"
    assert certificate.left[0] == 0
    assert certificate.left[1] < 1e-3


@pytest.mark.parametrize(
    "text",
    [
        "square(sign(y_pred - 0.3))",  # 0 at one point, 1 around it
        "square(sign(relu(y_pred - 0.3)))",
        "(1 - y_pred)*log(2 + 1e-12*cos(sqrt(-log(1 - y_pred))))",  # swings for ever, by very little
        "(1 - y_pred)/(2 + 1e-12*cos(sqrt(-log(1 - y_pred))))",
        "1e-31*abs(y_pred - 0.3)",  # a small leap is one
        "square(square(square(0.0002*y_pred)))*abs(y_pred - 0.3)",
        "1e-40*sign(y_pred - 0.3) - log(y_pred)",
    ],
)
def test_subtle_defects_are_not_proven(text):
    assert certify(parse_formula(f"y_true*({text})"))[1].status != "proven"


@pytest.mark.parametrize(
    "text",
    [
        "y_pred**exp(-30)",
        "exp(log(y_pred)*exp(100))",
        "1/(3 - log(y_pred))**1e11",
        "(2*y_pred)**1e20",
        "y_pred*(-2)**exp(1000)",
        "log(1 - tanh(1000*y_pred))",
        "i1e(i1(i1e(cos(i0(sinh(y_pred))))))",
        "exp(-log(y_pred)*(-(exp(1/(y_true + 1e-07)) + log(abs(y_true) + 1e-07))) + y_true)",
    ],
)
def test_extreme_numbers_are_survived(text):
    for certificate in certify(parse_formula(text)):
        assert certificate.status in ("proven", "refuted", "unknown")


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("y_true**y_pred", 0),
        ("y_pred*log(1 - tanh(20))", 39.3),
        ("y_pred*log(2*exp(-1000))", 999.3),
        ("y_pred/sign(exp(1000))", 1),
    ],
)
def test_constants_beyond_floats_are_no_defects(text, bound):
    for certificate in certify(parse_formula(text)):
        assert certificate.status == "proven"
        assert certificate.bound == pytest.approx(bound, rel=1e-3, abs=1e-12)
