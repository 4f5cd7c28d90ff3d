"""Proven signs against mpmath at many points, and which switches may be written away."""

import random

import mpmath
import numpy as np
import pytest

from symloss.formula import parse_formula, to_text
from symloss.symbolic.proofs.signs import prove_sign, resolve_switches

#: A formula, and its sign on (0, 1); None where it has both.
KNOWN = [
    ("exp(y_pred) - 1 - y_pred", 1),
    ("exp(y_pred) - 1 - y_pred - y_pred**2/2", 1),
    ("log(y_pred) + 1 - y_pred", -1),
    ("log(1 + y_pred) - y_pred", -1),
    ("cos(y_pred) - 1", -1),
    ("sqrt(y_pred) - y_pred", 1),
    ("1 - y_pred + log(y_pred)/2 - 2", -1),
    ("y_pred*log(y_pred)", -1),
    ("y_pred*(1 - y_pred)", 1),
    ("abs(y_pred - 0.3) + 0.0001", 1),
    ("0*y_pred", 0),
    ("y_pred - 1/3", None),
    ("sign(y_pred - 0.3) + 0.5", None),
    ("sin(7*y_pred)", None),
    ("y_pred - 0.0001", None),
]


def sampled(reference, text, low=0.0, high=1.0):
    """The signs that mpmath finds at points, many of them near the ends."""
    near = [mpmath.mpf(10) ** -k for k in range(1, 16)]
    points = [*near, *(1 - t for t in near), *(mpmath.mpf(k) / 97 for k in range(1, 97))]
    with mpmath.workdps(60):
        values = (reference.raw(parse_formula(text), p, 0) for p in points if low < p < high)
        return {int(mpmath.sign(value)) for value in values}


@pytest.mark.parametrize(("text", "sign"), KNOWN)
def test_signs_by_hand(reference, text, sign):
    found = prove_sign(parse_formula(text))
    assert found.everywhere == sign
    assert found.mixed == (sign is None)
    if sign is not None:
        assert sampled(reference, text) == {sign}
        assert found.left == []


@pytest.mark.parametrize("text", [text for text, sign in KNOWN if sign is None])
def test_witnesses_have_the_sign_they_stand_for(reference, text):
    found = prove_sign(parse_formula(text))
    with mpmath.workdps(60):
        assert reference.raw(parse_formula(text), mpmath.mpf(found.positive), 0) > 0
        assert reference.raw(parse_formula(text), mpmath.mpf(found.negative), 0) < 0


@pytest.mark.parametrize(
    "text", ["log(y_pred - 0.5)", "sqrt(0.25 - y_pred)", "(y_pred - 0.3)**2", "1/(y_pred - 1/3)**2"]
)
def test_a_gap_or_a_zero_inside_leaves_the_sign_open(text):
    found = prove_sign(parse_formula(text))
    assert found.everywhere is None
    assert found.left


def test_a_leap_is_not_taken_for_a_flat_place():
    # -1/2 on an interval of 6e-5, 3/2 elsewhere; its derivative is 0.
    assert prove_sign(parse_formula("sign(square(y_pred - 0.3) - 0.000000001) + 0.5")).everywhere is None


def test_a_switch_where_all_sides_have_one_sign_is_no_obstacle():
    step = "(1 + sign(y_pred - 0.1))/2"  # the slope of max(y_pred, 0.1)
    assert prove_sign(parse_formula(f"10*({step} - 1) - {step}/max(y_pred, 0.1)")).everywhere == -1
    assert prove_sign(parse_formula(f"10*({step} - 1) - {step}/max(y_pred, 0.1) + 5")).everywhere is None


@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_zero_on_a_piece_is_never_of_the_other_sign(sign):
    found = prove_sign(parse_formula(f"{sign}*(1 - sign(y_pred - 0.3))*y_pred"))
    assert found.zero > 0.3
    assert (found.positive if sign > 0 else found.negative) < 0.3
    assert found.everywhere is None
    assert found.never(-sign)
    assert not found.never(sign)
    assert found.left == []


def test_never_needs_a_proof_everywhere():
    assert not prove_sign(parse_formula("(y_pred - 0.3)**2")).never(-1)  # true, but not shown
    assert not prove_sign(parse_formula("y_pred - 0.3")).never(-1)
    assert prove_sign(parse_formula("0*y_pred")).never(1)


PARTS = [(0.0, 1.0), (0.0, 0.5), (0.5, 1.0), (0.5, 0.625), (0.625, 1.0), (0.25, 0.75), (0.0, 0.015625)]


@pytest.mark.parametrize("seed", range(40))
def test_random_signs_hold_wherever_mpmath_looks(reference, seed):
    rng = random.Random(seed)
    pieces = [
        "exp(-y_pred)",
        "log(1 + y_pred)",
        "sqrt(y_pred)",
        "y_pred**2",
        "sin(3*y_pred)",
        "log(y_pred)",
        "1/(1 + y_pred)",
    ]
    text = " + ".join(f"{rng.uniform(-2, 2):.2f}*{rng.choice(pieces)}" for _ in range(3))
    low, high = PARTS[seed % len(PARTS)]
    found, seen = prove_sign(parse_formula(text), low, high), sampled(reference, text, low, high)
    if found.everywhere is not None:
        assert seen == {found.everywhere}
    if len(seen) == 2:
        assert found.mixed
    for place in (found.positive, found.negative):
        assert place is None or low <= place <= high


@pytest.mark.parametrize(
    ("low", "high", "sign"),
    [(0.0, 0.5, -1), (0.5, 1.0, 1), (0.0, 0.484375, -1), (0.515625, 1.0, 1), (0.25, 0.75, None)],
)
def test_part_of_the_interval(low, high, sign):
    # Negative below 0.4999, positive above.
    found = prove_sign(parse_formula("y_pred - 0.4999"), low, high)
    if (low, high) == (0.0, 0.5):
        assert found.mixed
    else:
        assert found.everywhere == sign


def test_an_inner_end_belongs_to_the_interval():
    assert prove_sign(parse_formula("y_pred - 0.5"), 0.5, 1.0).everywhere is None  # it is 0 at 1/2
    assert prove_sign(parse_formula("y_pred - 0.49"), 0.5, 1.0).everywhere == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abs(1 - y_pred)", "1 - y_pred"),
        ("abs(0 - y_pred)", "y_pred"),
        ("max(y_pred, 2)", "2"),
        ("min(exp(y_pred), y_pred)", "y_pred"),
        ("relu(-y_pred)", "0"),
        ("sign(log(y_pred))", "-1"),
        ("abs(abs(y_pred) - 3)", "3 - y_pred"),
        ("abs(y_pred - 0.5)", "abs(y_pred - 0.5)"),
        ("relu(log(y_pred - 0.5))", "relu(log(y_pred - 0.5))"),
    ],
)
def test_switches_that_never_switch_are_resolved(text, expected):
    p = np.linspace(0.01, 0.99, 50)
    result = resolve_switches(parse_formula(text))
    if expected.startswith(("abs", "relu")):
        assert to_text(result) == expected
    else:
        assert not any(node.op in ("abs", "sign", "relu", "max", "min") for node in result.walk())
        for x in p:
            values = [float(mpmath.mpf(eval_at(formula, x))) for formula in (result, parse_formula(expected))]
            assert values[0] == pytest.approx(values[1], abs=1e-14)


def eval_at(formula, p):
    from symloss.symbolic.dual import evaluate

    value, _ = evaluate(formula, np.array([p]), np.array([1 - p]), 0.0)
    return float(np.broadcast_to(value, (1,))[0])
