"""The operation table against mpmath, over the whole whitelist."""

import math

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from symloss.codegen import stable
from symloss.codegen.operations import ALL, INTERNAL, OPERATIONS
from symloss.formula import FUNCTIONS, OPERATORS

mp = mpmath.mp

REFERENCE = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "pow": lambda a, b: mp.power(a, b),
    "exp": mp.exp,
    "log": mp.log,
    "sqrt": mp.sqrt,
    "square": lambda a: a * a,
    "abs": abs,
    "sign": mp.sign,
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": mp.tan,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "tanh": mp.tanh,
    "asinh": mp.asinh,
    "atan": mp.atan,
    "erf": mp.erf,
    "erfc": mp.erfc,
    "i0": lambda a: mp.besseli(0, a),
    "i0e": lambda a: mp.exp(-abs(a)) * mp.besseli(0, a),
    "i1": lambda a: mp.besseli(1, a),
    "i1e": lambda a: mp.exp(-abs(a)) * mp.besseli(1, a),
    "sigmoid": lambda a: 1 / (1 + mp.exp(-a)),
    "softplus": lambda a: mp.log(1 + mp.exp(a)),
    "relu": lambda a: max(a, mp.mpf(0)),
    "max": max,
    "min": min,
    "expm1": mp.expm1,
    "log1p": lambda a: mp.log(1 + a),
    "rsqrt": lambda a: 1 / mp.sqrt(a),
    "power_slope": lambda a, b: b * mp.power(a, b - 1),
    "xlogy": lambda a, b: a * mp.log(b),
    "pick": lambda a, b, x, y: x if a > b else y,
    "copy": lambda a: a,
    "i1_slope": lambda a: mp.besseli(1, a, derivative=1),
    "i1e_slope": lambda a: mp.diff(lambda t: mp.exp(-abs(t)) * mp.besseli(1, t), a),
}

POSITIVE = {"log", "sqrt", "pow", "log1p", "rsqrt", "power_slope"}
numbers = st.floats(-6, 6, allow_subnormal=False).filter(lambda a: abs(a) > 1e-3)


def test_table_covers_the_whitelist_exactly():
    assert set(OPERATIONS) == set(FUNCTIONS) | set(OPERATORS)
    assert not set(INTERNAL) & set(OPERATIONS)


@pytest.mark.parametrize("op", [*OPERATIONS, *INTERNAL])
@settings(deadline=None, max_examples=25)
@given(a=numbers, b=numbers, x=numbers, y=numbers)
def test_value_and_gradient_match_mpmath(op, a, b, x, y):
    a, b = abs(a) if op in POSITIVE else a, abs(b) if op == "xlogy" else b
    arity = ALL[op].source.count("{")
    values = [a, b, x, y][:arity]
    if arity > 1 and abs(a - b) < 1e-6:
        return  # a tie of max and min, where there is no derivative to compare
    tensors = [torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in values]
    result = ALL[op].torch(*tensors)
    gradients = torch.autograd.grad(result.sum(), tensors, materialize_grads=True)
    with mpmath.workdps(50):
        exact = [mp.mpf(value) for value in values]
        assert result.item() == pytest.approx(float(REFERENCE[op](*exact)), rel=1e-12, abs=1e-300)
        for place, gradient in enumerate(gradients):

            def along(x, place=place):
                return REFERENCE[op](*[x if index == place else value for index, value in enumerate(exact)])

            assert gradient.item() == pytest.approx(float(mp.diff(along, exact[place])), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("op", [op for op, operation in OPERATIONS.items() if "{1}" in operation.source])
def test_one_argument_may_be_a_number(op):
    tensor = torch.tensor([0.3, 2.5], dtype=torch.float64)
    both = OPERATIONS[op].torch
    number = torch.full_like(tensor, 1.5)
    assert torch.allclose(both(tensor, 1.5), both(tensor, number), rtol=1e-14)
    assert torch.allclose(both(1.5, tensor), both(number, tensor), rtol=1e-14)


@pytest.mark.parametrize(
    "function", [stable.sqrt, lambda a: stable.power(a, 0.3), lambda a: stable.power(a, torch.tensor([0.3]))]
)
def test_roots_have_value_and_gradient_zero_at_zero(function):
    a = torch.tensor([0.0, 4.0], requires_grad=True)
    result = function(a)
    (gradient,) = torch.autograd.grad(result.sum(), a)
    assert result[0] == 0
    assert gradient[0] == 0
    assert gradient[1] > 0


def test_slopes_of_roots_are_zero_at_zero():
    zero = torch.zeros(2)
    assert not stable.rsqrt(zero).any()
    assert not stable.power_slope(zero, 0.3).any()
    assert not stable.power_slope(zero, torch.tensor([0.3, 0.9])).any()
    assert stable.power_slope(zero, 1.0).tolist() == [1, 1]
    assert not stable.xlogy(zero, zero).any()


def test_pick_takes_the_mean_at_a_tie():
    a = torch.tensor([1.0, 2.0, 3.0])
    assert stable.pick(a, 2.0, 5.0, torch.tensor(7.0)).tolist() == [7, 6, 5]


def test_roots_of_negative_numbers_are_not_hidden():
    a = torch.tensor([-1.0])
    assert stable.sqrt(a).isnan().all()
    assert stable.power(a, 0.5).isnan().all()
    assert stable.power(a, 3.0).item() == -1


@pytest.mark.parametrize(("op", "expected"), [("i0", 0), ("i0e", 0), ("i1", 0.5), ("i1e", 0.5)])
def test_bessel_functions_have_a_slope_at_zero(op, expected):
    a = torch.zeros(1, requires_grad=True)
    (gradient,) = torch.autograd.grad(OPERATIONS[op].torch(a).sum(), a)
    assert gradient == expected


def test_ties_share_the_gradient_as_torch_has_it():
    for function, reference in ((stable.maximum, torch.maximum), (stable.minimum, torch.minimum)):
        a = torch.tensor([1.0], requires_grad=True)
        (gradient,) = torch.autograd.grad(function(a, 1.0).sum(), a)
        (expected,) = torch.autograd.grad(reference(a, torch.ones(1)).sum(), a)
        assert gradient == expected == 0.5


@pytest.mark.parametrize("a", [-90.0, -20.0, -1.0, -1e-6, 0.0, 1e-6, 3.0, 95.0])
def test_expm1_and_softplus_never_lose_their_gradient(a):
    x = torch.tensor([a], requires_grad=True)
    with mpmath.workdps(80):
        for function, slope in ((stable.expm1, mp.exp(a)), (stable.softplus, 1 / (1 + mp.exp(-a)))):
            (gradient,) = torch.autograd.grad(function(x).sum(), x)
            if slope < 1e38:
                assert gradient.item() == pytest.approx(float(slope), rel=1e-5, abs=1e-38)


def test_log_odds_match_their_definition():
    logits = torch.tensor([[0.5, -1.0, 2.0], [1.0, 1.0, 1.0], [90.0, -90.0, 89.0]])
    odds = stable.log_odds(logits, 1)
    for row in range(3):
        with mpmath.workdps(60):
            z = [mp.mpf(value) for value in logits[row].tolist()]
            for c in range(3):
                exact = z[c] - mp.log(mp.fsum(mp.exp(z[j]) for j in range(3) if j != c))
                assert odds[row, c].item() == pytest.approx(float(exact), rel=1e-6, abs=1e-6)
    assert odds.isfinite().all()
    assert math.isclose(torch.sigmoid(odds[0]).sum().item(), 1, rel_tol=1e-6)


@pytest.mark.parametrize("dim", [0, 1])
def test_a_hidden_target_takes_another_class_and_no_gradient(dim):
    odds = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]).movedim(1, dim).requires_grad_()
    target = torch.tensor([0, 2, 1]).unsqueeze(dim)
    hidden = stable.hide_target(odds, target, dim)
    assert hidden.movedim(dim, 1).tolist() == [[2, 2, 3], [4, 5, 4], [7, 9, 9]]
    (gradient,) = torch.autograd.grad(hidden.sum(), odds)
    assert gradient.movedim(dim, 1).tolist() == [[0, 1, 1], [1, 1, 0], [1, 0, 1]]
