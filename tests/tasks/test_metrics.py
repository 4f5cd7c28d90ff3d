from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, roc_auc_score

from symloss.tasks import METRICS


def expected_calibration_error(p, labels, bins=15):
    """Guo et al. 2017, equation 3, with bins closed on the left, the last one on both sides."""
    confidence, right = p.max(1), p.argmax(1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        inside = place == b
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return error


def softmax(logits):
    z = logits.double().numpy()
    z = np.exp(z - z.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)


REFERENCES = {
    "accuracy": lambda p, y: accuracy_score(y, p.argmax(1)),
    "balanced-accuracy": lambda p, y: balanced_accuracy_score(y, p.argmax(1)),
    "macro-f1": lambda p, y: f1_score(y, p.argmax(1), average="macro"),
    "auroc": lambda p, y: (
        roc_auc_score(y, p, multi_class="ovr", labels=range(p.shape[1]))
        if p.shape[1] > 2
        else roc_auc_score(y, p[:, 1])
    ),
    "ece": expected_calibration_error,
}


def drawn(members, samples, classes, seed=0, scale=2.0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, (samples,), generator=generator)
    labels[:classes] = torch.arange(classes)  # each class is there
    logits = scale * torch.randn(members, samples, classes, generator=generator)
    logits[:, torch.arange(samples), labels] += torch.linspace(-1, 3, members)[:, None]
    return logits, labels


def test_every_metric_has_a_reference():
    assert list(METRICS) == list(REFERENCES)
    assert all(metric.name == name for name, metric in METRICS.items())


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize(("members", "samples", "classes"), [(1, 30, 2), (5, 200, 10), (3, 40, 20), (2, 60, 3)])
def test_agrees_with_scikit_learn(name, members, samples, classes):
    logits, labels = drawn(members, samples, classes)
    found = METRICS[name](logits, labels)
    assert found.shape == (members,)
    assert found.dtype == np.float64
    expected = [REFERENCES[name](p, labels.numpy()) for p in softmax(logits)]
    assert found == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize("name", METRICS)
def test_layout_and_neighbours_do_not_matter(name):
    logits, labels = drawn(6, 90, 4)
    found = METRICS[name](logits, labels)
    turned = logits.transpose(1, 2).contiguous().transpose(1, 2)
    assert np.array_equal(METRICS[name](turned, labels), found)
    for k in range(6):
        assert METRICS[name](logits[k : k + 1], labels)[0] == found[k]


@given(st.integers(0, 10**6), st.integers(2, 5), st.integers(1, 30), st.booleans())
def test_accuracy_is_that_of_argmax_where_logits_tie(seed, classes, samples, broken):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randint(-1, 2, (3, samples, classes), generator=generator).float()
    labels = torch.randint(0, classes, (samples,), generator=generator)
    expected = logits.argmax(-1) == labels
    if broken:
        logits[1, 0, -1] = torch.tensor([torch.nan, torch.inf, -torch.inf])[seed % 3]
        expected[1, 0] = False
    assert np.array_equal(METRICS["accuracy"](logits, labels), expected.double().mean(1).numpy())


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_sample_with_a_logit_that_is_not_finite_is_wrong(value):
    logits, labels = drawn(3, 50, 5, scale=0.1)
    logits[1] = 10 * torch.nn.functional.one_hot(labels, 5)  # all right, but for
    sample = int((labels == 2).nonzero()[0])
    logits[1, sample, 2] = value
    scores = {name: metric(logits, labels) for name, metric in METRICS.items()}
    of_class = int((labels == 2).sum())
    assert scores["accuracy"][1] == pytest.approx(49 / 50)
    assert scores["balanced-accuracy"][1] == pytest.approx((4 + (of_class - 1) / of_class) / 5)
    # Of class 2 one sample is missed; it is no false positive of another class.
    assert scores["macro-f1"][1] == pytest.approx((4 + 2 * (of_class - 1) / (2 * of_class - 1)) / 5)
    assert scores["auroc"][1] == METRICS["auroc"].worst == 0
    assert scores["ece"][1] == METRICS["ece"].worst == 1
    rest = logits[[0, 2]]
    for name, metric in METRICS.items():
        assert np.array_equal(scores[name][[0, 2]], metric(rest, labels))


def test_sum_that_overflows_is_no_logit_that_does():
    logits = torch.full((1, 4, 3), 3e38)
    logits[:, :, 1] = -3e38
    assert METRICS["accuracy"](logits, torch.tensor([0, 0, 1, 2])) == [0.5]


@pytest.mark.parametrize("name", ["balanced-accuracy", "macro-f1", "auroc"])
def test_classes_without_samples_do_not_count(name):
    logits, labels = drawn(2, 60, 6)
    logits[0, :, 4] = -50  # never predicted by the first network, sometimes by the second
    labels[labels == 4] = 0
    found = METRICS[name](logits, labels)
    if name == "auroc":
        areas = [[roc_auc_score(labels == c, p[:, c]) for c in (0, 1, 2, 3, 5)] for p in softmax(logits)]
        expected = np.mean(areas, 1)
    elif name == "macro-f1":
        expected = [f1_score(labels, p.argmax(1), average="macro") for p in softmax(logits)]
    else:
        recalls = [[np.mean(p.argmax(1)[labels == c] == c) for c in (0, 1, 2, 3, 5)] for p in softmax(logits)]
        expected = np.mean(recalls, 1)
    assert found == pytest.approx(np.array(expected), abs=1e-6)


def test_calibration_error_of_certain_networks():
    # A confidence that rounds to 1 shares the last bin with one just below it: the errors there cancel.
    logits = torch.tensor([[[0.0, 100.0]], [[0.0, 3.0]]])
    both = torch.cat([logits[0], logits[1]])[None]
    labels = torch.tensor([0, 1])
    assert METRICS["ece"](both, labels) == pytest.approx([expected_calibration_error(softmax(both)[0], labels.numpy())])
    assert METRICS["ece"](logits[:1], torch.tensor([0])) == pytest.approx([1.0])
    assert METRICS["ece"](logits[:1], torch.tensor([1])) == pytest.approx([0.0], abs=1e-7)


@pytest.mark.parametrize("name", METRICS)
def test_half_precision_and_graphs_are_taken(name):
    logits, labels = drawn(2, 40, 3)
    found = METRICS[name](logits.bfloat16().requires_grad_(), labels)
    assert found == pytest.approx(METRICS[name](logits.bfloat16().float(), labels), abs=1e-6)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_device_does_not_matter(name):
    logits, labels = drawn(4, 90, 5)
    logits[1, 3, 2] = torch.nan
    assert METRICS[name](logits.cuda(), labels.cuda()) == pytest.approx(METRICS[name](logits, labels), abs=1e-9)
