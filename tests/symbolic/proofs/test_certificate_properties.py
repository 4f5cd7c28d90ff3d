"""Small runs of experiments/quality/certificates.py: no planted defect is called proven, and plain losses are."""

from itertools import islice

import mpmath
import pytest

from symloss.formula import parse_formula
from symloss.grammar import shipped_grammars
from symloss.losses import CATALOGUE
from symloss.symbolic import certify


@pytest.mark.parametrize("seed", range(2))
def test_no_planted_defect_is_called_proven(scripts, seed):
    counts, wrong, _ = scripts("certificates").check_planted(scripts("defects").planted(1000 + seed, 40))
    assert sum(counts.values()) >= 40
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "place", "defect"),
    [
        ("1/(y_pred - 0.3)", "0.3", True),
        ("abs(y_pred - 0.3)", "0.3", True),
        ("abs(y_pred)", "0", False),
        ("sign(y_pred - 0.3)", "0.3", True),
        ("log(square(y_pred - 0.3) - 1e-9**2)", "0.3", True),
        ("log(y_pred)", "0", False),
        ("log(y_pred)**2", "0", True),
        ("y_pred**0.01", "0", False),
        ("y_pred**(-0.01)", "0", True),
        ("sin(log(y_pred))", "0", True),
        ("y_pred**2*sin(1/y_pred)", "0", False),
        ("(1 - y_pred)**1.01", "1", False),
        ("(1 - y_pred)**0.99", "1", True),
        ("1/(1e-8 + square(y_pred - 0.3))", "0.3", False),
        ("square(relu(y_pred - 0.3))", "0.3", False),
    ],
)
def test_the_referee_finds_defects_and_only_those(scripts, text, place, defect):
    formula = parse_formula(text)
    assert scripts("defects").carries(formula, 1, lambda: mpmath.mpf(place)) is defect


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("sin(0.805*log(y_pred)) - y_true*log(y_pred)", 0),  # the response oscillates for ever towards 0
        ("y_true*y_pred*sin(1/y_pred)", 1),
        ("square(sin(0.327*log(y_pred))) - y_true", 0),
        ("-y_true*log(y_pred) + 1e-6*(exp(y_true) - 2.718281828459045)*abs(exp(y_pred) - exp(0.706))", 1),
        ("y_true*asinh(max(y_pred, 1e-30)) - y_pred", 1),
        ("log(1 + square(0.31*log(exp(y_pred - 1e-300))**2.5)) - y_true*y_pred", 0),
    ],
)
def test_what_was_once_proven_falsely(text, label):
    assert certify(parse_formula(text))[label].status != "proven"


@pytest.mark.parametrize(
    "text",
    [
        "exp(log(y_pred + 1e-20)) - y_true*y_pred",
        "exp(log(y_true + 1e-20)/(y_pred + 1e-20)) + y_true*y_true + (-sigmoid(-(y_true - y_pred)*y_true))",
        "0.5 + 0.5*erf(0.44311346272637897*(-sqrt(y_true)*log(y_pred + 1e-20)))",
        "max(-y_pred, erfc(min(i1e(i0e(y_true)/(y_pred + 1e-07)), 1)))",
    ],
)
def test_bounded_curves_are_not_refuted(text):
    assert "refuted" not in [proof.status for proof in certify(parse_formula(text))]


@pytest.mark.parametrize("name", sorted(name for name, loss in CATALOGUE.items() if loss.plain))
def test_the_catalogue_is_proven_but_for_what_is_unbounded(scripts, name):
    proofs = scripts("certificates").check_proofs([CATALOGUE[name].plain_formula])
    assert len(proofs.unproven) == (name in {"dual_focal", "squared_log", "baikal"})
    assert proofs.wrong == []


@pytest.mark.parametrize("grammar", sorted(shipped_grammars()))
def test_bounds_hold(scripts, grammar):
    certificates = scripts("certificates")
    proofs = certificates.check_proofs(islice(certificates.survivors(grammar, 2), 15))
    assert proofs.total == 15
    assert proofs.wrong == []
    if grammar == "default":
        assert proofs.proven >= 13


@pytest.mark.parametrize("number", range(28))
def test_benign_losses_are_never_refuted(scripts, number):
    text = scripts("defects").BENIGN[number]
    assert "refuted" not in [proof.status for proof in certify(parse_formula(text))], text
