"""`Loss` and exported files inside torch's machinery: transforms, compilers, pickles, mixed precision, DDP."""

from __future__ import annotations

import copy
import io
import os
import pickle
import shutil
import sysconfig
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

CE = "-y_true*log(y_pred)"
BCE = "-y_true*log(y_pred) - (1 - y_true)*log(1 - y_pred)"
GENERAL = "y_true*exp(-2*y_pred) + (1 - y_true)*y_pred**1.5 + 0.25"
#: Formula and options of criteria that take different ways, for 4 classes.
CRITERIA = [
    (CE, {}),
    (CE, {"weight": torch.tensor([0.5, 2.0, 1.0, 3.0]), "label_smoothing": 0.1, "ignore_index": 255}),
    (GENERAL, {"class_reduction": "mean"}),
    (GENERAL, {"output": "sigmoid", "weight": torch.tensor([0.5, 2.0, 1.0, 3.0])}),
]


def _batch(shape=(6, 4), dtype=torch.float64, seed=0):
    """Return logits, class indices and class probabilities."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(shape, generator=generator, dtype=dtype)
    target = torch.randint(shape[1], (shape[0], *shape[2:]), generator=generator)
    return logits, target, torch.randn(shape, generator=generator, dtype=dtype).softmax(1)


def _gradient(criterion, logits, target):
    logits = logits.detach().clone().requires_grad_()
    value = criterion(logits, target)
    return value.detach(), torch.autograd.grad(value.sum(), logits)[0]


@pytest.mark.parametrize(("text", "options"), CRITERIA)
def test_copies_are_the_same(make, text, options):
    criterion = make(text, reduction="sum", **options)
    logits, target, soft = _batch()
    file = io.BytesIO()
    torch.save(criterion, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    for twin in (copy.deepcopy(criterion), pickle.loads(pickle.dumps(criterion)), loaded):
        assert repr(twin) == repr(criterion)
        for labels in (target, soft):
            torch.testing.assert_close(
                _gradient(twin, logits, labels), _gradient(criterion, logits, labels), rtol=0, atol=0
            )


def test_weight_is_a_buffer_as_in_torch(make):
    weight = torch.tensor([0.5, 2.0, 1.0, 3.0])
    logits, target, _ = _batch()
    criterion = make(CE, weight=weight)
    assert list(criterion.state_dict()) == list(nn.CrossEntropyLoss(weight).state_dict()) == ["weight"]
    assert not list(criterion.parameters())
    other = make(CE, weight=torch.ones(4))
    other.load_state_dict(criterion.state_dict())
    torch.testing.assert_close(other(logits, target), criterion(logits, target))
    assert not make(CE).state_dict()
    assert criterion.double().weight.dtype == torch.float64
    assert nn.Sequential(criterion).to("meta")[0].weight.is_meta


@pytest.mark.parametrize(("text", "options"), CRITERIA)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_a_graph_may_be_walked_twice(make, text, options, dtype):
    logits, target, soft = _batch(dtype=torch.float32)
    logits = logits.to(dtype).requires_grad_()
    for labels in (target, soft):
        for reduction in ("mean", "none"):
            value = make(text, **options, reduction=reduction)(logits, labels)
            outer = torch.ones_like(value)
            first = torch.autograd.grad(value, logits, outer, retain_graph=True)[0]
            kept = first.clone()
            doubled = torch.autograd.grad(value, logits, 2 * outer, retain_graph=True)[0]
            third = torch.autograd.grad(value, logits, outer, create_graph=True)[0]
            assert torch.equal(first, kept)
            torch.testing.assert_close(doubled, 2 * first)
            torch.testing.assert_close(third, first)


def test_gradients_accumulate(make):
    logits, target, _ = _batch()
    for text in (CE, GENERAL):
        criterion = make(text, reduction="sum")
        z = logits.clone().requires_grad_()
        for part in (slice(0, 2), slice(2, 6)):
            criterion(z[part], target[part]).backward()
        torch.testing.assert_close(z.grad, _gradient(criterion, logits, target)[1])
        before = z.grad.clone()
        (criterion(z, target) + 2 * criterion(z, target)).backward()
        torch.testing.assert_close(z.grad, 4 * before)


def test_one_logit_tensor_twice_in_a_graph(make):
    """A gradient that is given away must not be changed through somebody else's use of it."""
    logits, target, soft = _batch()
    z = logits.clone().requires_grad_()
    hidden = z * 1.0
    hidden.retain_grad()
    (make(CE)(hidden, target) + make(GENERAL)(hidden, soft)).backward()
    expected = _gradient(make(CE), logits, target)[1] + _gradient(make(GENERAL), logits, soft)[1]
    torch.testing.assert_close(z.grad, expected)
    torch.testing.assert_close(hidden.grad, expected)


@pytest.mark.parametrize("text", [CE, GENERAL])
def test_changes_in_place_are_noticed(make, text):
    """The backward pass must use what the forward pass saw, or fail; never other numbers."""
    logits, target, _ = _batch()
    z = logits.clone().requires_grad_()
    hidden = z * 1.0
    value = make(text)(hidden, target)
    with torch.no_grad():
        hidden.zero_()
    expected = _gradient(make(text), logits, target)[1]
    message = ""
    try:
        value.backward()
    except RuntimeError as error:
        message = str(error)
    if message:
        assert "modified by an inplace operation" in message
    else:
        torch.testing.assert_close(z.grad, expected)


@pytest.mark.parametrize("text", [CE, GENERAL])
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1, "weight": torch.tensor([0.5, 2.0, 1.0, 3.0])}])
@pytest.mark.filterwarnings("ignore:.*torch.jit")  # torch's own forward mode uses it
def test_functional_transforms(make, text, options):
    logits, target, soft = _batch()
    each, total = (make(text, reduction=reduction, **options) for reduction in ("none", "sum"))
    for labels in (target, soft):
        z = logits.clone().requires_grad_()
        (expected,) = torch.autograd.grad(total(z, labels), z)
        torch.testing.assert_close(torch.func.grad(total)(logits, labels), expected)
        torch.testing.assert_close(torch.func.vmap(torch.func.grad(total))(logits, labels), expected)
        torch.testing.assert_close(torch.func.vmap(each)(logits, labels), each(logits, labels))
        jacobian = torch.func.jacrev(each)(logits, labels)
        torch.testing.assert_close(jacobian.sum(0), expected)
        torch.testing.assert_close(torch.func.jacfwd(each)(logits, labels), jacobian)
        hessian = torch.autograd.functional.hessian(lambda z, y=labels: total(z, y), logits)
        torch.testing.assert_close(torch.func.hessian(total)(logits, labels), hessian)
        torch.testing.assert_close(torch.func.jacrev(torch.func.jacrev(total))(logits, labels), hessian)
    if text == CE:
        expected = F.cross_entropy(
            logits,
            target,
            options.get("weight", torch.ones(4)).double(),
            **{name: value for name, value in options.items() if name != "weight"},
        )
        torch.testing.assert_close(torch.func.vmap(make(text, **options))(logits[None], target[None])[0], expected)


@pytest.mark.parametrize(("text", "options"), CRITERIA)
@pytest.mark.parametrize("kind", ["indices", "labels"])
def test_one_graph_for_the_compiler(make, text, options, kind):
    torch.compiler.reset()
    criterion = make(text, **options)
    compiled = torch.compile(criterion, backend="eager", fullgraph=True)
    logits, target, soft = _batch()
    labels = target if kind == "indices" else soft
    torch.testing.assert_close(_gradient(compiled, logits, labels), _gradient(criterion, logits, labels))


def _can_compile() -> bool:
    compiler = any(map(shutil.which, [os.environ.get("CXX", "g++"), "clang++"]))
    return compiler and Path(sysconfig.get_path("include"), "Python.h").exists()


@pytest.mark.skipif(not _can_compile(), reason="the default backend of torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")  # of torch's own making
def test_compiled_by_the_default_backend(make):
    torch.compiler.reset()
    criterion = make(GENERAL, weight=torch.tensor([0.5, 2.0, 1.0, 3.0]))
    logits, target, _ = _batch(dtype=torch.float32)
    target[0] = -100
    compiled = torch.compile(criterion)
    torch.testing.assert_close(_gradient(compiled, logits, target), _gradient(criterion, logits, target))


@pytest.mark.parametrize("text", [CE, GENERAL])
def test_autocast(make, text):
    torch.manual_seed(0)
    network, criterion = nn.Linear(3, 4), make(text)
    inputs, target = torch.randn(6, 3), torch.randint(4, (6,))
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(inputs)
        value = criterion(logits, target)
    assert logits.dtype == torch.bfloat16
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, criterion(logits.float(), target))
    value.backward()
    got = network.weight.grad.clone()
    network.weight.grad = None
    criterion(network(inputs), target).backward()
    torch.testing.assert_close(got, network.weight.grad, rtol=0.05, atol=0.01)


@pytest.mark.parametrize("text", [CE, GENERAL])
@pytest.mark.parametrize("kind", ["indices", "labels"])
def test_loss_scaling_saves_small_gradients(make, text, kind):
    """A mean over many positions in float16: what is too small for float16 must be scaled before it is rounded."""
    logits, target, soft = _batch((4, 4, 5000), torch.float32)
    logits = logits.half()
    labels = target if kind == "indices" else soft
    z, exact = logits.clone().requires_grad_(), logits.float().requires_grad_()
    (make(text)(z, labels) * 2.0**16).backward()
    (make(text)(exact, labels) * 2.0**16).backward()
    torch.testing.assert_close(z.grad.float(), exact.grad, rtol=2**-10, atol=1e-6)


@pytest.mark.parametrize(("text", "options"), CRITERIA)
def test_any_memory_layout(make, text, options):
    criterion = make(text, **options)
    logits, target, soft = _batch((3, 4, 5, 6))
    for labels in (target, soft):
        expected = _gradient(criterion, logits, labels)
        value, gradient = _gradient(criterion, logits.to(memory_format=torch.channels_last), labels)
        torch.testing.assert_close((value, gradient), expected)
        z = logits.movedim(1, -1).contiguous().requires_grad_()
        value = criterion(z.movedim(-1, 1), labels.transpose(-1, -2).contiguous().transpose(-1, -2))
        torch.testing.assert_close(value.detach(), expected[0])
        torch.testing.assert_close(torch.autograd.grad(value, z)[0].movedim(-1, 1), expected[1])
    row = logits[:1, :, 0, 0].requires_grad_()
    value = criterion(row.expand(3, 4), target[:, 0, 0])
    (gradient,) = torch.autograd.grad(value, row)
    alone = _gradient(criterion, row.repeat(3, 1), target[:, 0, 0])
    torch.testing.assert_close((value.detach(), gradient), (alone[0], alone[1].sum(0, keepdim=True)))


@pytest.mark.parametrize(("text", "options"), CRITERIA)
def test_without_gradients(make, text, options):
    criterion = make(text, **options)
    logits, target, soft = _batch()
    for labels in (target, soft):
        expected = _gradient(criterion, logits, labels)[0]
        assert not criterion(logits, labels).requires_grad
        torch.testing.assert_close(criterion(logits, labels), expected)
        z = logits.clone().requires_grad_()
        for mode in (torch.no_grad(), torch.inference_mode()):
            with mode:
                value = criterion(z, labels)
            assert not value.requires_grad
            torch.testing.assert_close(value.clone(), expected)


def test_inputs_stay_as_they_were(make):
    logits, target, soft = _batch()
    for text, options in CRITERIA:
        for labels in (target, soft):
            z, y = logits.clone().requires_grad_(), labels.clone()
            make(text, **options)(z, y).backward()
            assert torch.equal(z, logits)
            assert torch.equal(y, labels)


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="torch was built without gloo")
@pytest.mark.filterwarnings("ignore")  # of torch's own making
def test_distributed_data_parallel(make, tmp_path):
    class Training(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network, self.criterion = nn.Linear(3, 4), make(CE, weight=torch.ones(4))

        def forward(self, inputs, target):
            return self.criterion(self.network(inputs), target)

    torch.manual_seed(0)
    alone = Training()
    inputs, target = torch.randn(6, 3), torch.randint(4, (6,))
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        wrapped = nn.parallel.DistributedDataParallel(copy.deepcopy(alone))
        for _ in range(2):
            wrapped(inputs, target).backward()
            alone(inputs, target).backward()
        torch.testing.assert_close(wrapped.module.network.weight.grad, alone.network.weight.grad)
    finally:
        torch.distributed.destroy_process_group()
