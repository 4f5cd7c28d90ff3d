"""Every option against torch's own losses, or against the definition written out, for `Loss` and exported files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

CE = "-y_true*log(y_pred)"
BCE = "-y_true*log(y_pred) - (1 - y_true)*log(1 - y_pred)"
NGL = "exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))"
#: With no common structure between labels, so that every path is taken.
GENERAL = "y_true*exp(-2*y_pred) + (1 - y_true)*y_pred**1.5 + 0.25"
DEFINITIONS = {
    CE: lambda p, y: -y * p.log(),
    BCE: lambda p, y: -y * p.log() - (1 - y) * (1 - p).log(),
    "(y_true - y_pred)**2": lambda p, y: (y - p) ** 2,
    "abs(y_true - y_pred)": lambda p, y: (y - p).abs(),
    NGL: lambda p, y: torch.exp(2.4092 - p * (1 + y)) - torch.cos(torch.cos(torch.sin(p))),
    GENERAL: lambda p, y: y * torch.exp(-2 * p) + (1 - y) * p**1.5 + 0.25,
}
INTEGERS = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16]
#: Two roundings, of the gradient and of its product with what comes from above.
HALF = {torch.bfloat16: 2**-7, torch.float16: 2**-10}
REDUCTIONS = ["mean", "sum", "none"]


@dataclass
class Case:
    """Logits, a target that fits them, and options."""

    logits: Tensor
    target: Tensor
    options: dict[str, Any]

    @property
    def indices(self) -> bool:
        return self.target.shape != self.logits.shape


@st.composite
def cases(draw, *, output="softmax", kinds=("indices", "labels"), least=1):
    """Draw a case; logits have any type and any shape, down to no sample at all."""
    classes = draw(st.integers(2, 12))
    batch = draw(st.sampled_from([(), (0,), (1,), (2,), (5,)]))
    rest = draw(st.sampled_from([(), (), (3,), (2, 2)])) if batch else ()
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    dtype = draw(st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.float16]))
    scale = draw(st.sampled_from([0.1, 1.0, 5.0, 20.0]))
    shape = (*batch, classes, *rest)
    logits = (scale * torch.randn(shape, generator=generator, dtype=torch.float64)).to(dtype)
    options = {"reduction": draw(st.sampled_from(REDUCTIONS)), "label_smoothing": draw(st.sampled_from([0, 0.1, 1]))}
    if draw(st.booleans()):
        options["weight"] = 3 * torch.rand(classes, generator=generator)
    if draw(st.sampled_from(kinds)) == "indices":
        integer = draw(st.sampled_from(INTEGERS))
        target = torch.randint(classes, (*batch, *rest), generator=generator)
        ignored = draw(st.sampled_from([None, -100, -1, 0, classes - 1, 127]))
        if ignored is not None and (ignored >= 0 or integer.is_signed):
            options["ignore_index"] = ignored
            if draw(st.booleans()):
                target = torch.where(torch.rand(target.shape, generator=generator) < 0.4, ignored, target)
        return Case(logits, target.to(integer), options)
    target = torch.rand(shape, generator=generator, dtype=torch.float64)
    if output == "sigmoid" and not batch:
        options.pop("weight", None)  # logits [N] have no classes there
    if output == "sigmoid" and draw(st.booleans()):
        target = (target > 0.5).to(draw(st.sampled_from([torch.bool, *INTEGERS])))
    else:
        target = target.to(draw(st.sampled_from([torch.float32, torch.float64, dtype])))
        target = target / target.sum(0 if logits.dim() == 1 else 1, keepdim=True) if output == "softmax" else target
    return Case(logits, target.clamp(max=1) if target.is_floating_point() else target, options)


def by_definition(
    function,
    logits,
    target,
    *,
    output="softmax",
    class_reduction="sum",
    weight=None,
    ignore_index=-100,
    reduction="mean",
    label_smoothing=0.0,
):
    """Return the loss written out naively with a one-hot target."""
    dim = 0 if logits.dim() == 1 else 1
    classes = logits.shape[dim]
    indices = target.shape != logits.shape
    weights = torch.ones(classes).to(logits) if weight is None else weight.to(logits)
    counted = torch.ones(logits.select(dim, 0).shape).to(logits)
    if indices:
        target = target.long()
        valid = target != ignore_index
        target = target.masked_fill(~valid, 0)
        counted = weights[target] * valid
        labels = F.one_hot(target, classes).movedim(-1, dim) if logits.dim() > 1 else F.one_hot(target, classes)
    else:
        valid, labels = counted.bool(), target
    label_share = 1 / classes if output == "softmax" else 1 / 2
    labels = labels.to(logits) * (1 - label_smoothing) + label_smoothing * label_share
    p = logits.softmax(dim) if output == "softmax" else logits.sigmoid()
    values = function(p, labels) * weights.view(-1, *[1] * (logits.dim() - dim - 1))
    if output == "softmax" or indices:
        values = values.sum(dim) if class_reduction == "sum" else values.mean(dim)
        values = torch.where(valid, values, 0.0)
    else:
        counted = torch.ones_like(values)
    return {"none": values, "sum": values.sum(), "mean": values.sum() / counted.sum()}[reduction]


def compare(criterion, expected, case: Case) -> None:
    """Compare value, logit gradient and, in float64, a second derivative with ``expected(logits)`` in float64."""
    dtype = case.logits.dtype
    single = dtype != torch.float64
    size = max(1.0, float(case.options["weight"].max()) if "weight" in case.options else 1.0)
    tolerance = {"rtol": 2e-5, "atol": 3e-6 * size} if single else {"rtol": 1e-9, "atol": 1e-11}
    ours, reference = case.logits.clone().requires_grad_(), case.logits.double().requires_grad_()
    got, want = criterion(ours, case.target), expected(reference)
    assert got.dtype == (torch.float32 if single else torch.float64)
    torch.testing.assert_close(got.double(), want, equal_nan=True, **tolerance)
    outer = torch.linspace(0.5, 2, want.numel(), dtype=torch.float64).view(want.shape)
    (slope,) = torch.autograd.grad(got, ours, outer.to(got.dtype), create_graph=not single)
    (exact,) = torch.autograd.grad(want, reference, outer, create_graph=not single)
    assert slope.dtype == dtype
    if not want.isfinite().all():
        return  # 0/0 where nothing counts; torch's own gradients differ there between its options
    tolerance["rtol"] += HALF.get(dtype, 0)
    tolerance["atol"] += HALF.get(dtype, 0) * 1e-4  # subnormal numbers of float16
    torch.testing.assert_close(slope.double(), exact, **tolerance)
    if not single and exact.numel():
        along = torch.cos(torch.arange(exact.numel(), dtype=torch.float64)).view(exact.shape)
        second = torch.autograd.grad(slope, ours, along)[0]
        torch.testing.assert_close(second, torch.autograd.grad(exact, reference, along)[0], **tolerance)


@settings(max_examples=150)
@given(case=cases())
def test_cross_entropy_is_torchs(make, case):
    options = dict(case.options)
    if "weight" in options:
        options["weight"] = options["weight"].double()
    reference = torch.nn.CrossEntropyLoss(**options)
    target = case.target.long() if case.indices else case.target.double()
    compare(make(CE, **case.options), lambda logits: reference(logits, target), case)


@settings(max_examples=100)
@given(case=cases(output="sigmoid", kinds=("labels",)))
def test_binary_cross_entropy_is_torchs(make, case):
    smoothing = case.options["label_smoothing"]
    labels = case.target.double() * (1 - smoothing) + smoothing / 2
    weight = case.options.get("weight")
    if weight is not None and case.logits.dim() > 1:
        weight = weight.view(-1, *[1] * (case.logits.dim() - 2))
    reference = torch.nn.BCEWithLogitsLoss(
        None if weight is None else weight.double(), reduction=case.options["reduction"]
    )
    compare(make(BCE, output="sigmoid", **case.options), lambda logits: reference(logits, labels), case)


@settings(max_examples=150)
@given(
    text=st.sampled_from(sorted(DEFINITIONS)),
    output=st.sampled_from(["softmax", "sigmoid"]),
    class_reduction=st.sampled_from(["sum", "mean"]),
    data=st.data(),
)
def test_losses_are_their_definition(make, text, output, class_reduction, data):
    case = data.draw(cases(output=output))
    case.logits = case.logits.clamp(-4, 4)  # the naive definition loses the digits of 1 - p beyond
    if output == "sigmoid" and not case.indices:
        class_reduction = "sum"
    options = {"output": output, "class_reduction": class_reduction, **case.options}
    target = case.target if case.indices else case.target.double()
    compare(
        make(text, **options),
        lambda logits: by_definition(DEFINITIONS[text], logits, target, **options),
        case,
    )


@pytest.mark.parametrize("text", [*DEFINITIONS])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_indices_are_one_hot_targets(make, text, smoothing):
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(4, 6, 3, generator=generator, dtype=torch.float64)
    target = torch.randint(6, (4, 3), generator=generator)
    labels = F.one_hot(target, 6).movedim(-1, 1)
    weight = torch.rand(6, generator=generator)
    for output in ("softmax", "sigmoid"):
        options = {"output": output, "weight": weight, "label_smoothing": smoothing, "reduction": "none"}
        criterion = make(text, **options)
        by_label = criterion(logits, labels.double())
        by_label = by_label.sum(1) if output == "sigmoid" else by_label
        torch.testing.assert_close(criterion(logits, target), by_label)
    torch.testing.assert_close(
        make(text, output="sigmoid")(logits, labels), make(text, output="sigmoid")(logits, labels > 0)
    )


def test_ngl_is_the_authors(make):
    """Akhmedova and Körber average over samples and classes at once."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(7, 10, generator=generator, dtype=torch.float64)
    target = torch.randint(10, (7,), generator=generator)
    y, p = F.one_hot(target, 10), logits.softmax(1)
    expected = (torch.exp(2.4092 - p - p * y) - torch.cos(torch.cos(torch.sin(p)))).sum() / (7 * 10)
    torch.testing.assert_close(make(NGL, class_reduction="mean")(logits, target), expected)


@pytest.mark.parametrize("shape", [(150, 1001), (2, 150_000), (2, 21, 70, 71), (1, 150, 2048)])
@pytest.mark.parametrize("text", [CE, GENERAL])
@pytest.mark.parametrize("kind", ["indices", "labels"])
def test_inputs_beyond_any_cache(make, text, shape, kind):
    """What is computed in blocks must not show where they end."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(shape, generator=generator)
    target = torch.randint(shape[1], (shape[0], *shape[2:]), generator=generator)
    target[..., ::3] = -100
    labels = target if kind == "indices" else torch.rand(shape, generator=generator)
    for reduction in ("mean", "none"):
        options = {"weight": torch.rand(shape[1], generator=generator), "reduction": reduction}
        compare(
            make(text, **options),
            lambda z, options=options: by_definition(DEFINITIONS[text], z, labels, **options),
            Case(logits, labels, options),
        )
