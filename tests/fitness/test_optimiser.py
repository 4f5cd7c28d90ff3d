from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from symloss.fitness.optimiser import FlatOptimiser
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


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_flat_optimiser_passes_over_all_networks_once(name):
    optimiser = FlatOptimiser(TaskConfig(optimizer=name), torch.zeros(64), torch.zeros(64), 1)
    assert optimiser._optimiser.param_groups[0]["fused"]
