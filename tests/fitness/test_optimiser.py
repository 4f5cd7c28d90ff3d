from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from symloss.fitness.optimiser import FlatOptimiser, rate_factor, torch_optimiser
from symloss.tasks import TaskConfig

settings = st.fixed_dictionaries(
    {
        "optimizer": st.sampled_from(["adam", "adamw", "sgd"]),
        "lr": st.floats(1e-4, 0.5),
        "momentum": st.sampled_from([0.0, 0.5, 0.9]),
        "weight_decay": st.sampled_from([0.0, 1e-3, 0.1]),
        "schedule": st.sampled_from(["constant", "cosine"]),
        "warmup": st.sampled_from([0.0, 0.1, 0.35, 0.9]),
    }
)


@given(settings, st.integers(1, 12), st.integers(0, 99))
def test_flat_optimiser_takes_torchs_steps(chosen, steps, seed):
    config = TaskConfig(**chosen)
    generator = torch.Generator().manual_seed(seed)
    flat = torch.randn(64, generator=generator)
    plain = [torch.nn.Parameter(part.clone()) for part in flat.split([10, 40, 14])]
    gradients = torch.zeros(64)
    ours = FlatOptimiser(config, flat, gradients, steps)
    theirs = {
        "adam": lambda: torch.optim.Adam(plain, lr=config.lr, weight_decay=config.weight_decay),
        "adamw": lambda: torch.optim.AdamW(plain, lr=config.lr, weight_decay=config.weight_decay),
        "sgd": lambda: torch.optim.SGD(plain, config.lr, config.momentum, weight_decay=config.weight_decay),
    }[config.optimizer]()

    warm = config.warmup * steps

    def factor(step):
        rise = min(1.0, (step + 1) / warm) if warm else 1.0
        if rise < 1 or config.schedule == "constant":
            return rise
        return 0.5 * (1 + math.cos(math.pi * max(0.0, step - warm) / (steps - warm)))

    schedule = torch.optim.lr_scheduler.LambdaLR(theirs, factor)
    for step in range(steps):
        gradients.copy_(torch.randn(64, generator=generator))
        for parameter, gradient in zip(plain, gradients.split([10, 40, 14]), strict=True):
            parameter.grad = gradient.clone()
        ours.set_rate(step)
        ours.step()
        theirs.step()
        schedule.step()
    assert torch.allclose(flat, torch.cat([parameter.detach() for parameter in plain]), rtol=1e-5, atol=1e-6)


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


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_one_entry_that_is_not_finite_touches_no_other(name):
    config = TaskConfig(optimizer=name, weight_decay=0.1)
    flats = []
    for bad in (0.0, torch.nan, torch.inf):
        flat, gradients = torch.ones(128), torch.ones(128)
        optimiser = FlatOptimiser(config, flat, gradients, 3)
        for _ in range(3):
            gradients[70] = bad
            optimiser.step()
        flats.append(flat)
    rest = torch.arange(128) != 70
    assert all(torch.equal(flat[rest], flats[0][rest]) for flat in flats)
    assert not flats[1][70].isfinite()


def test_default_is_torchs_fused_adam():
    optimiser = torch_optimiser(TaskConfig(), [torch.zeros(3)], fused=True)
    assert isinstance(optimiser, torch.optim.Adam)
    assert optimiser.defaults["fused"]
    assert optimiser.defaults["lr"] == TaskConfig().lr


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_flat_optimiser_passes_over_all_networks_once(name):
    optimiser = FlatOptimiser(TaskConfig(optimizer=name), torch.zeros(64), torch.zeros(64), 1)
    assert optimiser._optimiser.param_groups[0]["fused"]
