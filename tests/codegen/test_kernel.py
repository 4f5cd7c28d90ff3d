"""What the fused backward must not do: touch what is not its own, or mistake how it is called."""

import pytest
import torch
import torch.nn.functional as F
from torch._dynamo import compiled_autograd

LOGITS = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
TARGET = torch.tensor([0, 1, 2, 0])
CE = "-y_true*log(y_pred)"


def _slope(criterion, target=TARGET):
    z = LOGITS.clone().requires_grad_()
    return torch.autograd.grad(criterion(z, target), z)[0]


def test_a_compiled_backward_after_an_eager_forward(make):
    z = LOGITS.clone().requires_grad_()
    loss = make(CE)(z, TARGET)
    torch.compiler.reset()
    with compiled_autograd._enable(torch.compile(backend="eager")):
        loss.backward()
    torch.testing.assert_close(z.grad, _slope(F.cross_entropy))


def test_labels_are_not_overwritten(make):
    labels = torch.rand(4, 3, generator=torch.Generator().manual_seed(1)).softmax(1)
    before = labels.clone()
    for text in ("y_true*log(y_pred)", "y_true + log(y_pred)", "y_pred", "log(y_pred)"):
        z = LOGITS.clone().requires_grad_()
        loss = make(text)(z, labels)
        first = torch.autograd.grad(loss, z, retain_graph=True)[0].clone()
        torch.testing.assert_close(torch.autograd.grad(loss, z)[0], first)
        assert torch.equal(labels, before)


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
@pytest.mark.parametrize(
    "text", ["exp(y_true)*-log(y_pred)", "y_true*log(y_true) - y_true*log(y_pred)", "0.2**y_true*y_pred", "y_true", "3"]
)
def test_smoothed_labels_in_functions_of_their_own(make, text, output):
    smoothed = F.one_hot(TARGET, 3) * 0.9 + (0.05 if output == "sigmoid" else 0.1 / 3)
    got = _slope(make(text, output=output, label_smoothing=0.1, reduction="sum"))
    torch.testing.assert_close(got, _slope(make(text, output=output, reduction="sum"), smoothed))


def test_a_tie_of_numbers_keeps_the_type(make):
    z = LOGITS.double().requires_grad_()
    make("0.3*max(y_pred, 0.3) + min(1.3, 1 - y_pred)")(z, TARGET).backward()
    assert z.grad.dtype == torch.float64


def test_several_backward_passes_as_one(make):
    z = LOGITS.clone().requires_grad_()
    rows = torch.autograd.grad(make(CE, reduction="none")(z, TARGET), z, torch.eye(4), is_grads_batched=True)[0]
    torch.testing.assert_close(rows.mean(0), _slope(F.cross_entropy))
    both = torch.autograd.grad(make(CE)(z, TARGET), z, torch.tensor([1.0, 2.0]), is_grads_batched=True)[0]
    torch.testing.assert_close(both[1], 2 * _slope(F.cross_entropy))


def test_the_loss_is_where_the_logits_are(make):
    logits = torch.randn(300_000, 4, requires_grad=True)
    with torch.device("meta"):
        assert make(CE)(logits, torch.zeros(len(logits), dtype=torch.long, device="cpu")).device.type == "cpu"


def test_a_weight_that_wants_a_gradient_is_refused(make):
    with pytest.raises(ValueError, match="weight requires a gradient"):
        make(CE, weight=torch.ones(3, requires_grad=True))
