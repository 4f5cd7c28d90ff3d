"""The property table against losses written out by hand, torch's autograd and numerical minimisation; C = 10."""

import json
import math

import mpmath
import numpy as np
import pytest
import torch
from scipy.optimize import minimize

import symloss
from symloss.errors import SymlossError
from symloss.formula import parse_formula
from symloss.losses.catalogue import CATALOGUE
from symloss.symbolic import properties

C = 10

#: One class's loss from its probability and whether it is the true one, as in the papers, with their reduction.
BY_HAND = {
    "ce": (lambda p, true: -torch.log(p) if true else 0 * p, "sum"),
    "brier": (lambda p, true: (1 - p) ** 2 if true else p**2, "sum"),
    "mae": (lambda p, true: 1 - p if true else p, "sum"),
    "ngl": (lambda p, true: torch.exp(2.4092 - p - (p if true else 0)) - torch.cos(torch.cos(torch.sin(p))), "mean"),
    "focal": (lambda p, true: -((1 - p) ** 2) * torch.log(p) if true else 0 * p, "sum"),
    "poly1": (lambda p, true: -torch.log(p) + 1 - p if true else 0 * p, "sum"),
    "gce": (lambda p, true: (1 - p**0.7) / 0.7 if true else 0 * p, "sum"),
    "sce": (lambda p, true: -0.1 * torch.log(p) if true else 4 * p, "sum"),
}


@pytest.fixture(scope="module")
def table():
    return {name: properties(CATALOGUE[name].formula, C, reduction) for name, (_, reduction) in BY_HAND.items()}


def sample_loss(name, logits, label):
    """The loss of one sample with logits ``[C]``."""
    one, reduction = BY_HAND[name]
    p = torch.softmax(logits, -1)
    total = sum(one(p[c], c == label) for c in range(len(p)))
    return total / len(p) if reduction == "mean" else total


def expected(name, logits, q):
    one, reduction = BY_HAND[name]
    p = torch.softmax(logits, -1)
    total = (q * one(p, True) + (1 - q) * one(p, False)).sum()
    return total / len(p) if reduction == "mean" else total


def gradient(name, logits, label=0):
    logits = logits.clone().requires_grad_()
    return torch.autograd.grad(sample_loss(name, logits, label), logits)[0]


def minimum(name, q, start):
    """The least expected loss that descent finds from a start, and the prediction there."""
    q = torch.tensor(q)

    def with_gradient(z):
        logits = torch.tensor(z, requires_grad=True)
        value = expected(name, logits, q)
        return value.item(), torch.autograd.grad(value, logits)[0].numpy()

    found = minimize(with_gradient, start, jac=True, method="BFGS", options={"gtol": 1e-11, "maxiter": 2000})
    return found.fun, torch.softmax(torch.tensor(found.x), -1).numpy()


def random_q(rng):
    return rng.dirichlet(np.full(C, 1.5))


def lowest(name, q, rng):
    """The best of descents from the true probabilities, from each corner and from random places."""
    starts = [np.log(q), *(4.0 * np.eye(C)), *(rng.normal(size=(3, C)))]
    return min((minimum(name, q, start) for start in starts), key=lambda item: item[0])


@pytest.mark.parametrize("name", BY_HAND)
def test_strictly_proper_where_minimisation_returns_the_true_probabilities(table, name):
    rng = np.random.default_rng(1)
    q = random_q(rng)
    at_q = expected(name, torch.tensor(np.log(q)), torch.tensor(q)).item()
    best, p = lowest(name, q, rng)
    proper = abs(p - q).max() < 1e-4
    assert proper == (name in ("ce", "brier"))
    assert (best < at_q - 1e-6 * abs(at_q)) == (not proper)
    assert table[name]["strictly_proper"].value == ("yes" if proper else "no")
    assert table[name]["strictly_proper"].exact


@pytest.mark.parametrize("name", BY_HAND)
def test_symmetric_where_the_sum_over_labels_is_constant(table, name):
    random_logits = torch.from_numpy(np.random.default_rng(2).normal(size=(6, C)))
    sums = [sum(sample_loss(name, z, label) for label in range(C)).item() for z in random_logits]
    symmetric = np.ptp(sums) < 1e-12 * abs(sums[0])
    assert symmetric == (name == "mae")
    assert table[name]["symmetric"].value == ("yes" if symmetric else "no")
    assert table[name]["symmetric"].exact


@pytest.mark.parametrize("name", BY_HAND)
def test_minimisation_keeps_the_argmax(table, name):
    rng = np.random.default_rng(3)
    for _ in range(3):
        q = random_q(rng)
        assert lowest(name, q, rng)[1].argmax() == q.argmax()
    assert table[name]["classification_calibrated"].value == "yes"
    assert table[name]["classification_calibrated"].exact


PUBLISHED = {"ce": 0.949, "brier": 0.190, "focal": 1.16, "poly1": 1.04, "gce": 0.189, "mae": 0.190, "ngl": 0.077}


@pytest.mark.parametrize("name", BY_HAND)
def test_gradient_at_uniform(table, name):
    claimed = table[name]["gradient_at_uniform"]
    assert claimed.exact
    norms = [gradient(name, torch.zeros(classes, dtype=torch.double)).norm().item() for classes in (2, 10, 100, 1000)]
    assert claimed.value == pytest.approx(norms, rel=1e-9)
    if name in PUBLISHED:
        assert claimed.value[1] == pytest.approx(PUBLISHED[name], rel=8e-3)  # printed with 2 or 3 digits


@pytest.mark.parametrize("name", BY_HAND)
def test_bounded(table, name):
    one, _ = BY_HAND[name]
    p = torch.tensor([1e-300, 1e-30, 1e-3, 0.5, 1 - 1e-12], dtype=torch.double)
    largest = max(abs(one(p, true)).max().item() for true in (True, False))
    assert table[name]["bounded"].value == ("no" if largest > 60 else "yes")
    assert table[name]["bounded"].exact


@pytest.mark.parametrize("name", BY_HAND)
def test_lipschitz_constant_is_not_exceeded_and_nearly_reached(table, name):
    rng = np.random.default_rng(4)
    assert table[name]["lipschitz"].value == "yes"
    claimed = table[name]["lipschitz_constant"]
    norms = []
    for scale in (0.3, 1, 2, 4, 8):
        norms += [gradient(name, torch.tensor(z)).norm().item() for z in scale * rng.normal(size=(60, C))]
    for margin in np.linspace(-14, 14, 57):  # the true class against one, the others far below
        z = torch.full((C,), -40.0, dtype=torch.double)
        z[0], z[1] = margin, 0
        norms.append(gradient(name, z).norm().item())
    slack = 1e-9 if claimed.exact else 1e-3
    assert max(norms) <= claimed.value * (1 + slack)
    if claimed.exact:
        assert max(norms) >= claimed.value * 0.99
    assert claimed.exact == (name not in ("brier", "ngl"))


@pytest.mark.parametrize("name", BY_HAND)
def test_convex_in_logits_by_the_hessian(table, name):
    rng = np.random.default_rng(5)
    places = [torch.tensor(scale * z) for scale in (1, 3) for z in rng.normal(size=(15, C))]
    places += [torch.tensor([a, b, *([0.0] * (C - 2))], dtype=torch.double) for a in (-3, 0, 3) for b in (0, 4, 7)]
    least = min(
        torch.linalg.eigvalsh(torch.autograd.functional.hessian(lambda z: sample_loss(name, z, 0), z))[0].item()
        for z in places
    )
    assert table[name]["convex_in_logits"].value == ("yes" if least > -1e-10 else "no")
    assert table[name]["convex_in_logits"].exact
    assert (name in ("ce", "poly1")) == (least > -1e-10)


def evenly(p):
    """Logits with the first class at p and the others sharing the rest."""
    return torch.log(torch.tensor([p, *([(1 - p) / (C - 1)] * (C - 1))], dtype=torch.double))


@pytest.mark.parametrize("name", BY_HAND)
def test_monotone_in_the_true_class(table, name):
    p = np.linspace(0.001, 0.9999, 400)
    values = [sample_loss(name, evenly(x), 0).item() for x in p]
    assert table[name]["monotone"].value == ("yes" if (np.diff(values) < 0).all() else "no")
    assert table[name]["monotone"].exact
    assert (table[name]["monotone"].value == "no") == (name == "ngl")


@pytest.mark.parametrize("name", BY_HAND)
def test_pull_at_one(table, name):
    rest = 1e-6
    near = -gradient(name, evenly(1 - rest))[0].item() / rest
    claimed = table[name]["pull_at_one"]
    assert claimed.exact
    assert claimed.value == pytest.approx(near, abs=2e-5)
    assert np.sign(claimed.value) == {"brier": 0, "focal": 0, "ngl": -1}.get(name, 1)


@pytest.mark.parametrize("name", BY_HAND)
def test_gradient_confidently_wrong(table, name):
    z = torch.zeros(C, dtype=torch.double)
    z[1] = 46.0  # all others at 1e-20
    claimed = table[name]["gradient_confidently_wrong"]
    assert claimed.exact
    assert claimed.value == pytest.approx(gradient(name, z).norm().item(), abs=1e-9)


TAYLOR = {
    "ce": [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5],  # PolyLoss, equation 2
    "poly1": [2, 1 / 2, 1 / 3, 1 / 4, 1 / 5],
    "focal": [0, 0, 1, 1 / 2, 1 / 3],
    "brier": [0, 1, 0, 0, 0],
    "mae": [2, 0, 0, 0, 0],
    "gce": [1, 0.3 / 2, 0.3 * 1.3 / 6, 0.3 * 1.3 * 2.3 / 24, 0.3 * 1.3 * 2.3 * 3.3 / 120],
}


@pytest.mark.parametrize("name", TAYLOR)
def test_taylor_at_one(table, name):
    assert table[name]["taylor_at_one"].exact
    assert table[name]["taylor_at_one"].value == pytest.approx(TAYLOR[name], abs=1e-14)


def test_taylor_of_ngl_against_mpmath(table):
    with mpmath.workdps(40):

        def one(p, y):
            return mpmath.exp(mpmath.mpf("2.4092") - p * (1 + y)) - mpmath.cos(mpmath.cos(mpmath.sin(p)))

        flat = -mpmath.diff(lambda p: one(p, 0), 0)
        expansion = mpmath.taylor(lambda t: one(1 - t, 1) + flat * (1 - t), 0, 5)
    assert table["ngl"]["taylor_at_one"].value == pytest.approx([float(x) / C for x in expansion[1:]], rel=1e-12)


#: Here L(p, 0) is infinitely steep at p = 0, so that nothing makes it flat there and the coefficients do not exist.
NO_TAYLOR = {"confidence_penalty", "bootstrap_soft", "baikal"}


@pytest.mark.parametrize("name", [name for name, loss in CATALOGUE.items() if loss.plain])
def test_the_catalogue_has_no_unknown(name):
    loss = CATALOGUE[name]
    found = properties(loss.plain_formula, C, loss.class_reduction)
    expected = ["taylor_at_one"] if name in NO_TAYLOR else []
    assert [key for key, value in found.items() if value.value == "unknown"] == expected
    assert {key for key, value in found.items() if not value.exact} <= {"lipschitz_constant", *expected}


def test_the_mean_over_classes_divides_numbers_by_their_count():
    for name in ("brier", "ngl", "ce"):
        by_sum, by_mean = (properties(CATALOGUE[name].formula, 4, kind) for kind in ("sum", "mean"))
        for key in ("lipschitz_constant", "gradient_confidently_wrong", "pull_at_one", "taylor_at_one"):
            assert np.multiply(by_mean[key].value, 4) == pytest.approx(by_sum[key].value, rel=1e-12), key
        ratios = np.divide(by_sum["gradient_at_uniform"].value, by_mean["gradient_at_uniform"].value)
        assert ratios == pytest.approx([2, 10, 100, 1000])


@pytest.mark.parametrize(
    "text",
    [
        "-y_true*log(y_pred) + log(y_true)",
        "y_true*log(y_pred - 0.5)",
        "sign(y_pred - 0.3)*y_true",
        "y_true*square(sqrt(y_pred - 0.5))",
        "y_true*(1 + log(0.5 - y_pred) - log(0.5 - y_pred)) - y_true*y_pred",
        "y_pred/y_true",
    ],
)
def test_a_loss_without_finite_or_continuous_values_has_no_answers(text):
    found = properties(parse_formula(text), C)
    for name in (
        "strictly_proper",
        "classification_calibrated",
        "symmetric",
        "lipschitz",
        "convex_in_logits",
        "monotone",
    ):
        assert found[name].value == "unknown"
        assert not found[name].exact
        assert "\n" not in found[name].note


@pytest.mark.parametrize("classes", [2, 3, 1000])
def test_other_numbers_of_classes(classes):
    found = properties(CATALOGUE["ce"].formula, classes)
    assert found["strictly_proper"].value == found["convex_in_logits"].value == "yes"
    assert found["lipschitz_constant"].value == pytest.approx(math.sqrt(2))
    assert properties(CATALOGUE["brier"].formula, classes)["pull_at_one"].value == 0


@pytest.mark.parametrize("name", ["i0", "i0e", "i1", "i1e"])
def test_bessel_functions_whose_derivatives_have_higher_orders(name):
    found = properties(parse_formula(f"{name}(y_pred) - {name}(2*y_pred)*(1 + y_true)"), 3)
    assert found["convex_in_logits"].value != "unknown" or name == "i1e"
    assert found["lipschitz"].value == "yes"
    steps = np.linspace(1e-6, 1 - 2e-6, 120)
    p = torch.tensor([(1 - a - b, a, b) for a in steps for b in steps if a + b < 1 - 1e-7])
    logits = torch.log(p).requires_grad_()
    loss = symloss.Loss(f"{name}(y_pred) - {name}(2*y_pred)*(1 + y_true)")
    loss(logits, torch.zeros(len(p), dtype=torch.long)).mul(len(p)).backward()
    assert logits.grad.norm(dim=1).max().item() == pytest.approx(found["lipschitz_constant"].value, rel=5e-3)


def test_two_classes_leave_open_what_is_refuted_with_three():
    # For two classes the sum over labels of p + (1 - p)... is constant whenever S(p) + S(1-p) is.
    found = properties(parse_formula("-y_true*log(y_pred)*(1 + y_pred)"), 2)
    assert found["strictly_proper"].value == found["symmetric"].value == "unknown"


def test_bad_arguments():
    with pytest.raises(SymlossError, match="2 or more classes"):
        properties(CATALOGUE["ce"].formula, 1)
    with pytest.raises(SymlossError, match="'sum' or 'mean'"):
        properties(CATALOGUE["ce"].formula, 10, "max")


def test_to_dict_is_plain():
    found = {name: item.to_dict() for name, item in properties(CATALOGUE["ngl"].formula).items()}
    assert json.loads(json.dumps(found)) == found
    assert set(found["bounded"]) == {"value", "exact", "note"}
