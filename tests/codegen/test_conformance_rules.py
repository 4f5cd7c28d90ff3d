"""Rules that losses keep whatever the formula: what is ignored, what is an error, and derivatives that are right."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from symloss.errors import SymlossError

CE = "-y_true*log(y_pred)"
BCE = "-y_true*log(y_pred) - (1 - y_true)*log(1 - y_pred)"
NGL = "exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))"
GENERAL = "y_true*exp(-2*y_pred) + (1 - y_true)*y_pred**1.5 + 0.25"
SMOOTH = [CE, BCE, "(y_true - y_pred)**2", NGL, GENERAL]


@pytest.mark.parametrize("ignored", [0, 2, 255, -1])
def test_ignored_positions_count_for_nothing(make, ignored):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 4, 5, generator=generator).requires_grad_()
    target = torch.randint(4, (2, 5), generator=generator)
    target[0, :3] = ignored
    kept = target != ignored
    for text in SMOOTH:
        options = {"ignore_index": ignored, "label_smoothing": 0.1}
        each = make(text, reduction="none", **options)(logits, target)
        assert each.shape == target.shape
        assert not each[~kept].any()
        value = make(text, **options)(logits, target)
        torch.testing.assert_close(value, each.sum() / kept.sum())
        (gradient,) = torch.autograd.grad(value, logits)
        assert not gradient.movedim(1, -1)[~kept].any()
        assert gradient.movedim(1, -1)[kept].all()


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"weight": torch.ones(4)}])
def test_nothing_left_is_nan_as_in_torch(make, options):
    logits = torch.zeros(3, 4, requires_grad=True)
    target = torch.full((3,), -100)
    for text in SMOOTH:
        value = make(text, **options)(logits, target)
        assert value.isnan()
        assert not torch.autograd.grad(value, logits)[0].any()  # one such batch must not spoil the network
        assert make(text, reduction="sum", **options)(logits, target) == 0
        assert make(text, **options)(logits[:0], target[:0]).isnan()


@pytest.mark.parametrize("text", SMOOTH)
def test_a_masked_class_is_not_there(make, text):
    """A logit of -inf forbids a class, as in masked attention or action spaces; torch's cross-entropy allows it."""
    generator = torch.Generator().manual_seed(0)
    few = 2 * torch.randn(5, 3, generator=generator, dtype=torch.float64)
    logits = F.pad(few, (0, 1), value=-torch.inf)
    target = torch.tensor([0, 1, 2, 0, 1])
    criterion = make(text, reduction="none")
    ours, reference = logits.clone().requires_grad_(), few.clone().requires_grad_()
    got, want = criterion(ours, target), criterion(reference, target)
    constant = {NGL: math.exp(2.4092) - math.cos(1), GENERAL: 0.25}.get(text, 0.0)
    torch.testing.assert_close(got, want + constant)
    slopes = [torch.autograd.grad(v.sum(), z, create_graph=True)[0] for v, z in ((got, ours), (want, reference))]
    torch.testing.assert_close(slopes[0], F.pad(slopes[1], (0, 1)))
    seconds = [torch.autograd.grad(g[:, 0].sum(), z)[0] for g, z in zip(slopes, (ours, reference), strict=True)]
    torch.testing.assert_close(seconds[0], F.pad(seconds[1], (0, 1)))
    each = torch.func.vmap(torch.func.grad(make(text)))(logits, target)
    torch.testing.assert_close(each, slopes[0].detach())


def test_only_one_class_left(make):
    logits = torch.full((2, 4), -torch.inf, dtype=torch.float64)
    logits[:, 1] = 0.5
    target = torch.tensor([1, 1])
    for criterion in (F.cross_entropy, make(CE), make(GENERAL)):
        z = logits.clone().requires_grad_()
        (slope,) = torch.autograd.grad(criterion(z, target), z, create_graph=True)
        (second,) = torch.autograd.grad(slope.square().sum(), z)
        each = torch.func.vmap(torch.func.grad(criterion))(logits, target)
        for gradient in (slope, second, each):
            torch.testing.assert_close(gradient, torch.zeros_like(logits))


@pytest.mark.parametrize("text", SMOOTH)
@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
@pytest.mark.parametrize("kind", ["indices", "labels"])
def test_gradcheck(make, text, output, kind):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([[0, 2], [1, -100]])
    if kind == "labels":
        target = torch.rand(2, 3, 2, generator=generator, dtype=torch.float64)
    for options in ({}, {"label_smoothing": 0.2, "weight": torch.tensor([0.5, 2.0, 1.0]), "reduction": "none"}):
        criterion = make(text, output=output, **options)
        assert torch.autograd.gradcheck(lambda z, c=criterion: c(z, target), (logits,), fast_mode=True)
        assert torch.autograd.gradgradcheck(lambda z, c=criterion: c(z, target), (logits,), fast_mode=True)


def test_labels_have_gradients_too(make):
    """As in torch: a teacher may be trained through its probabilities."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    target = torch.randn(4, 5, generator=generator, dtype=torch.float64).softmax(1).requires_grad_()
    for options in ({}, {"label_smoothing": 0.1}):
        got = torch.autograd.grad(make(CE, **options)(logits, target), (logits, target))
        want = torch.autograd.grad(F.cross_entropy(logits, target, **options), (logits, target))
        torch.testing.assert_close(got, want)


def test_sigmoid_takes_logits_without_classes(make):
    generator = torch.Generator().manual_seed(0)
    for shape in ((7,), (7, 1)):
        logits = torch.randn(shape, generator=generator)
        target = torch.rand(shape, generator=generator)
        expected = F.binary_cross_entropy_with_logits(logits, target)
        torch.testing.assert_close(make(BCE, output="sigmoid")(logits, target), expected)


LOGITS, TARGET = torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])


@pytest.mark.parametrize(
    ("options", "logits", "target"),
    [
        ({}, LOGITS, TARGET + 1),
        ({}, LOGITS, TARGET - 1),
        ({"ignore_index": 255}, LOGITS, torch.tensor([0, 255, 254, 1])),
        ({}, LOGITS, TARGET[:3]),
        ({}, LOGITS, TARGET.float()),
        ({}, LOGITS, TARGET > 0),
        ({}, LOGITS, LOGITS + 1.5),
        ({}, LOGITS.long(), TARGET),
        ({}, LOGITS[:, :1], 0 * TARGET),
        ({"weight": torch.ones(4)}, LOGITS, TARGET),
        ({"output": "sigmoid"}, LOGITS, LOGITS - 0.5),
        ({"output": "sigmoid"}, LOGITS, TARGET + 1),
    ],
)
def test_bad_input_is_a_value_error(make, options, logits, target):
    with pytest.raises(ValueError, match=r"\w"):
        make(CE, **options)(logits, target)


@pytest.mark.parametrize(
    "options",
    [
        {"reduction": "avg"},
        {"class_reduction": "men"},
        {"output": "sigmod"},
        {"label_smoothing": 1.5},
        {"label_smoothing": -0.1},
        {"weight": torch.ones(2, 3)},
    ],
)
def test_bad_options_are_value_errors(make, options):
    with pytest.raises(ValueError, match=r"\w"):
        make(CE, **options)


def test_errors_are_value_errors():
    assert issubclass(SymlossError, ValueError)
