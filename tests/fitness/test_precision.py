from __future__ import annotations

import pytest
import torch

from symloss.fitness.precision import Precision
from symloss.tasks import TaskConfig


def flags():
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize(
    ("precision", "device", "inside"),
    [
        ("float32", "cuda", (False, False)),
        ("tf32", "cuda:1", (True, True)),
        ("bfloat16", "cuda", (False, False)),
        ("float32", "cpu", (False, True)),
        ("tf32", "mps", (False, True)),
    ],
)
def test_products_round_as_asked_and_torch_is_left_as_it_was(precision, device, inside):
    assert flags() == (False, True)  # torch's own setting

    def fail():
        with Precision.of(TaskConfig(precision=precision), device).products():
            assert flags() == inside
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fail()
    assert flags() == (False, True)


def test_a_cpu_computes_in_float32_whatever_is_asked():
    for precision in ("tf32", "bfloat16"):
        assert Precision.of(TaskConfig(precision=precision), "cpu") == Precision()
