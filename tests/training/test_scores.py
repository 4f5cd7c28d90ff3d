from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    jaccard_score,
    log_loss,
    top_k_accuracy_score,
)
from torchmetrics.functional.classification import (
    multiclass_calibration_error,
    multiclass_confusion_matrix,
    multiclass_jaccard_index,
)

from symloss.training import SCORES
from symloss.training.scores import Scores

FLAT = [name for name, score in SCORES.items() if "classification" in score.tasks]
DENSE = [name for name, score in SCORES.items() if "segmentation" in score.tasks]


def scores(names, logits, target, classes, ignore=-100, parts=3):
    gathered = Scores(names, classes, ignore)
    for part in torch.arange(len(target)).tensor_split(parts):
        gathered.update(logits[part], target[part])
    return gathered.compute()


@settings(max_examples=25)
@given(st.integers(6, 12), st.integers(20, 200), st.integers(0, 10**6))
def test_classification_is_scikit_learns(classes, size, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(size, classes, generator=generator, dtype=torch.float64)
    target = torch.randint(0, classes, (size,), generator=generator)
    found = scores(FLAT, logits, target, classes)
    p, y = logits.softmax(1).numpy(), target.numpy()
    labels = list(range(classes))
    met = sorted({*y.tolist(), *p.argmax(1).tolist()})
    expected = {
        "accuracy": accuracy_score(y, p.argmax(1)),
        "top-5": top_k_accuracy_score(y, p, k=5, labels=labels),
        "macro-f1": f1_score(y, p.argmax(1), labels=met, average="macro"),
        "nll": log_loss(y, p, labels=labels),
        "ece": written_out_ece(p, y),
    }
    present = [(p.argmax(1)[y == c] == c).mean() for c in sorted({*y.tolist()})]
    expected["balanced-accuracy"] = np.mean(present)
    assert found == pytest.approx(expected, abs=1e-12)
    assert found["ece"] == pytest.approx(float(multiclass_calibration_error(logits, target, classes, 15)), abs=1e-6)


def test_balanced_accuracy_is_scikit_learns():
    logits, target = torch.randn(100, 4), torch.arange(100) % 4
    expected = balanced_accuracy_score(target, logits.argmax(1))
    assert scores(["balanced-accuracy"], logits, target, 4)["balanced-accuracy"] == pytest.approx(expected)


def written_out_ece(p, y):
    total = 0.0
    confidence, right = p.max(1), p.argmax(1) == y
    for low in np.arange(15) / 15:
        inside = (confidence >= low) & (confidence < low + 1 / 15)
        if inside.any():
            total += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return total


@settings(max_examples=25)
@given(st.integers(2, 6), st.sampled_from([255, 11, 1]), st.integers(0, 10**6))
def test_segmentation_is_torchmetrics(classes, ignore, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(5, classes, 6, 7, generator=generator, dtype=torch.float64)
    target = torch.randint(0, max(2, classes - 1), (5, 6, 7), generator=generator)
    if ignore >= classes:
        target[torch.rand(5, 6, 7, generator=generator) < 0.4] = ignore
    found = scores(DENSE, logits, target, classes, ignore)
    valid = target != ignore
    y, p = target[valid].numpy(), logits.softmax(1).movedim(1, -1)[valid].numpy()
    assert found["pixel-accuracy"] == pytest.approx((p.argmax(1) == y).mean())
    assert found["nll"] == pytest.approx(-np.log(p[np.arange(len(y)), y]).mean())
    assert found["ece"] == pytest.approx(written_out_ece(p, y), abs=1e-12)
    met = sorted({*y.tolist(), *p.argmax(1).tolist()})
    assert found["miou"] == pytest.approx(jaccard_score(y, p.argmax(1), labels=met, average="macro"))
    if ignore >= classes:
        expected = multiclass_jaccard_index(logits, target, classes, ignore_index=ignore)
        assert found["miou"] == pytest.approx(float(expected))
        gathered = Scores(DENSE, classes, ignore)
        gathered.update(logits, target)
        confusion = multiclass_confusion_matrix(logits, target, classes, ignore_index=ignore)
        assert torch.equal(gathered.confusion[:, :-1], confusion)


def test_samples_that_are_not_finite_are_wrong():
    logits = torch.eye(6).mul(9)[:4]
    target = torch.arange(4)
    logits[0, 3], logits[1] = torch.nan, torch.inf
    found = scores(FLAT, logits, target, 6)
    assert found["accuracy"] == found["top-5"] == 0.5
    assert found["nll"] == math.inf
    # All four are in the last bin: two are wrong and certain, two right with this confidence.
    confidence = logits[2].softmax(0).max().item()
    assert found["ece"] == pytest.approx(abs((2 + 2 * confidence) / 4 - 2 / 4), abs=1e-6)


def test_nothing_is_nan():
    gathered = Scores(["accuracy"], 3, 9)
    gathered.update(torch.zeros(2, 3), torch.full((2,), 9))
    assert math.isnan(gathered.compute()["accuracy"])


def test_ties_go_to_the_first():
    logits = torch.zeros(8, 8)
    assert scores(["accuracy", "top-5"], logits, torch.arange(8), 8) == {"accuracy": 1 / 8, "top-5": 5 / 8}
