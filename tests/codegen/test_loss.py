"""The loss module: conventions of torch's own losses, errors, gradients, pickling."""

import copy
import itertools
import pickle

import pytest
import sympy
import torch
import torch.nn.functional as F
from torch import nn

from symloss.codegen import Loss
from symloss.errors import SymlossError
from symloss.formula import call, constant, hole, parse_formula

CE = "-y_true*log(y_pred)"
BRIER = "(y_true - y_pred)**2"
NGL = "exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))"
#: With no common structure between labels, so that every path is taken.
GENERAL = "y_true*exp(-2*y_pred) + (1 - y_true)*y_pred**1.5 + 0.25"

SHAPES = [((), ()), ((7,), ()), ((2,), (3, 4))]


def _batch(batch, rest, classes=5, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(*batch, classes, *rest, generator=generator, dtype=dtype)
    return logits, torch.randint(classes, (*batch, *rest), generator=generator)


def _one_hot(target, classes=5):
    encoded = F.one_hot(target, classes).double()
    return encoded if target.dim() == 0 else encoded.movedim(-1, 1)


def _plain(function, logits, target, class_reduction, reduction):
    """Return the loss written out naively with a one-hot target."""
    dim = 0 if logits.dim() == 1 else 1
    per_class = function(logits.softmax(dim), _one_hot(target))
    per_sample = per_class.sum(dim) if class_reduction == "sum" else per_class.mean(dim)
    return {"none": per_sample, "sum": per_sample.sum(), "mean": per_sample.mean()}[reduction]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("batch", "rest"), SHAPES)
def test_cross_entropy_is_torchs(batch, rest, reduction):
    logits, target = _batch(batch, rest)
    got = Loss(CE, reduction=reduction)(logits, target)
    torch.testing.assert_close(got, F.cross_entropy(logits, target, reduction=reduction))
    soft = torch.rand_like(logits)
    soft = soft / soft.sum(0 if logits.dim() == 1 else 1, keepdim=True)
    got = Loss(CE, reduction=reduction)(logits, soft)
    torch.testing.assert_close(got, F.cross_entropy(logits, soft, reduction=reduction))


@pytest.mark.parametrize(
    ("text", "function"),
    [
        (BRIER, lambda p, y: (y - p) ** 2),
        ("abs(y_true - y_pred)", lambda p, y: (y - p).abs()),
        (NGL, lambda p, y: torch.exp(2.4092 - p * (1 + y)) - torch.cos(torch.cos(torch.sin(p)))),
        (GENERAL, lambda p, y: y * torch.exp(-2 * p) + (1 - y) * p**1.5 + 0.25),
    ],
)
@pytest.mark.parametrize("class_reduction", ["sum", "mean"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("batch", "rest"), SHAPES)
def test_class_wise_losses_match_their_definition(text, function, class_reduction, reduction, batch, rest):
    logits, target = _batch(batch, rest)
    criterion = Loss(text, class_reduction=class_reduction, reduction=reduction)
    expected = _plain(function, logits, target, class_reduction, reduction)
    torch.testing.assert_close(criterion(logits, target), expected)
    torch.testing.assert_close(criterion(logits, _one_hot(target)), expected)


@pytest.mark.parametrize("text", [CE, BRIER, NGL, GENERAL])
@pytest.mark.parametrize("soft", [False, True])
def test_gradients_first_and_second_order(text, soft):
    logits, target = _batch((3,), (), classes=4)
    target = _one_hot(target, 4) * 0.7 + 0.1 if soft else target
    criterion = Loss(text)
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda z: criterion(z, target), (logits,))
    assert torch.autograd.gradgradcheck(lambda z: criterion(z, target), (logits,))


def test_the_expression_may_be_text_tree_or_sympy():
    logits, target = _batch((7,), ())
    y_pred, y_true = sympy.symbols("y_pred y_true")
    expected = F.cross_entropy(logits, target)
    for expression in (CE, parse_formula(CE), -y_true * sympy.log(y_pred)):
        torch.testing.assert_close(Loss(expression)(logits, target), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(dtype):
    logits, target = _batch((7,), (), dtype=torch.float32)
    logits = logits.to(dtype)
    got = Loss(CE)(logits, target)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, F.cross_entropy(logits.float(), target))


def test_logits_and_target_stay_as_they_were():
    logits, target = _batch((7,), ())
    before = logits.clone(), target.clone()
    for text in (CE, GENERAL):
        Loss(text)(logits, target)
        Loss(text)(logits, _one_hot(target))
    assert torch.equal(logits, before[0])
    assert torch.equal(target, before[1])


@pytest.mark.parametrize("text", [CE, BRIER, GENERAL])
def test_pickle_and_deepcopy(text):
    logits, target = _batch((7,), ())
    criterion = nn.Sequential(Loss(text, class_reduction="mean", reduction="sum"))[0]
    for twin in (copy.deepcopy(criterion), pickle.loads(pickle.dumps(criterion))):
        assert repr(twin) == repr(criterion)
        assert twin.formula == parse_formula(text)
        assert torch.equal(twin(logits, target), criterion(logits, target))


def test_repr_shows_the_formula_and_options():
    assert repr(Loss(CE)) == f"Loss({CE!r}, class_reduction='sum', reduction='mean')"


@pytest.mark.parametrize("text", ["y_true + 2", "y_true", "3"])
def test_a_loss_without_gradient_still_runs_backward(text):
    logits, target = _batch((7,), ())
    logits.requires_grad_()
    for labels in (target, _one_hot(target)):
        Loss(text)(logits, labels).backward()
        assert not logits.grad.any()


def test_vmap_of_gradients_per_sample():
    logits, target = _batch((7,), ())
    for text in (CE, GENERAL):
        criterion = Loss(text)
        got = torch.func.vmap(torch.func.grad(criterion))(logits, target)
        z = logits.clone().requires_grad_()
        (expected,) = torch.autograd.grad(Loss(text, reduction="sum")(z, target), z)
        torch.testing.assert_close(got, expected)


def test_compiles_as_one_graph():
    logits, target = _batch((7,), ())
    for text in (CE, GENERAL):
        criterion = Loss(text)
        compiled = torch.compile(criterion, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(logits, target), criterion(logits, target))


@pytest.mark.parametrize(
    "text",
    [
        CE,
        BRIER,
        NGL,
        GENERAL,
        "abs(y_true - y_pred)",
        "y_true/y_pred*y_pred**2",
        "sin(y_pred)/y_pred",
        "-log(1.5 - y_pred)",
    ],
)
@pytest.mark.parametrize("soft", [False, True])
def test_no_nan_for_extreme_logits(text, soft):
    rows = torch.tensor(list(itertools.product([-100.0, 0.0, 100.0], repeat=3)))
    logits = rows.repeat(3, 1).requires_grad_()
    target = torch.arange(3).repeat_interleave(len(rows))
    value = Loss(text)(logits, _one_hot(target, 3).float() if soft else target)
    (gradient,) = torch.autograd.grad(value, logits)
    assert value.isfinite()
    assert gradient.isfinite().all()


def test_the_true_class_brings_no_nan_through_the_other_classes_function():
    """1/(1 - p)**2 overflows at the true class, where it is not part of the loss."""
    logits = torch.tensor([[100.0, 0.0, -3.0]], requires_grad=True)
    value = Loss("-y_true*y_pred + (1 - y_true)/(1 - y_pred)**2")(logits, torch.tensor([0]))
    (gradient,) = torch.autograd.grad(value, logits)
    assert value.item() == 1
    assert gradient.isfinite().all()


def test_two_classes_at_least():
    with pytest.raises(SymlossError, match="at least 2"):
        Loss(CE)(torch.zeros(3, 1), torch.zeros(3, dtype=torch.long))


LOGITS, TARGET = torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])


@pytest.mark.parametrize(
    ("logits", "target", "message"),
    [
        (LOGITS.long(), TARGET, "logits must be floating point"),
        (torch.tensor(1.0), TARGET, "no dimension"),
        (LOGITS, TARGET[:3], r"target \[3\] does not fit logits \[4, 3\]: class indices must be \[4\]"),
        (LOGITS, TARGET.float(), "must be shaped like logits"),
        (LOGITS, TARGET > 0, "torch.bool"),
        (LOGITS, TARGET + 1, "class index 3; it must be from 0 to 2"),
        (LOGITS, TARGET - 1, "class index -1"),
        (LOGITS, LOGITS + 1.5, "class probability 1.5"),
        (LOGITS, LOGITS + torch.nan, "class probability nan"),
    ],
)
def test_bad_input_is_explained(logits, target, message):
    with pytest.raises(SymlossError, match=message):
        Loss(CE)(logits, target)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((CE,), {"reduction": "avg"}, "unknown reduction 'avg'"),
        ((CE,), {"class_reduction": "men"}, "unknown class_reduction 'men'; known: sum, mean"),
        ((3.0,), {}, "got float"),
        ((call("add", constant(1.0), hole("x")),), {}, "template"),
        (("y_pred + log(y_true)",), {}, "not a finite real number"),
    ],
)
def test_bad_options_are_explained(arguments, options, message):
    with pytest.raises(SymlossError, match=message):
        Loss(*arguments, **options)
