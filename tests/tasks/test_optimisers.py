from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from symloss.tasks import TaskConfig
from symloss.tasks.optimisers import rate_factor, torch_optimiser


@given(st.sampled_from(["constant", "cosine"]), st.floats(0, 0.99), st.integers(1, 200))
def test_rates_rise_and_fall(schedule, warmup, total):
    config = TaskConfig(schedule=schedule, warmup=warmup)
    rates = [rate_factor(config, step, total) for step in range(total)]
    assert all(0 < rate <= 1 for rate in rates)
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    if schedule == "constant":
        assert rates[-1] == 1


def test_rates_by_hand():
    config = TaskConfig(schedule="cosine", warmup=0.5)
    found = [rate_factor(config, step, 8) for step in range(8)]
    half = math.sqrt(0.5)
    assert found == pytest.approx([0.25, 0.5, 0.75, 1, 1, (1 + half) / 2, 0.5, (1 - half) / 2])


def test_default_is_torchs_fused_adam():
    optimiser = torch_optimiser(TaskConfig(), [torch.zeros(3)], fused=True)
    assert isinstance(optimiser, torch.optim.Adam)
    assert optimiser.defaults["fused"]
    assert optimiser.defaults["lr"] == TaskConfig().lr
