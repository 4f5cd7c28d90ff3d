from __future__ import annotations

import warnings

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from symloss.training import Recipe
from symloss.training.schedule import plateaus, rate


def recipe(**changes):
    return Recipe("digits", "cnn", **changes)


def theirs(make, steps):
    optimiser = torch.optim.SGD([torch.zeros(1)], 0.4)
    schedule = make(optimiser)
    rates = []
    for _ in range(steps):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    return rates


@pytest.mark.parametrize(
    ("changes", "make"),
    [
        ({"schedule": "poly"}, lambda o: torch.optim.lr_scheduler.PolynomialLR(o, 20, 0.9)),
        (
            {"schedule": "step", "milestones": (0.25, 0.8), "factor": 0.3},
            lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [5, 16], 0.3),
        ),
        ({"schedule": "cosine"}, lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20)),
        ({"schedule": "constant"}, lambda o: torch.optim.lr_scheduler.ConstantLR(o, 1.0)),
    ],
)
def test_rates_are_torchs(changes, make):
    ours = [rate(recipe(lr=0.4, **changes), step, 20) for step in range(20)]
    assert ours == pytest.approx(theirs(make, 20), rel=1e-9)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "step", "poly", "plateau"])
def test_warm_up_rises_linearly(schedule):
    ours = [rate(recipe(lr=0.4, schedule=schedule, warmup=0.2), step, 20) for step in range(4)]
    assert ours == pytest.approx([0.1, 0.2, 0.3, 0.4])


@given(
    st.lists(st.one_of(st.integers(0, 5), st.just(float("nan"))), min_size=1, max_size=40),
    st.integers(0, 3),
    st.booleans(),
)
@example([float("nan"), 1, 2, 3, 4, 5], 1, True)
def test_plateaus_are_torchs(values, patience, higher):
    optimiser = torch.optim.SGD([torch.zeros(1)], 1.0)
    mode = "max" if higher else "min"
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, mode, 0.5, patience, threshold=0.0, threshold_mode="abs", eps=0.0
    )
    # Torch takes an equal value for no improvement, as we do, only without a threshold.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for value in values:
            schedule.step(float(value))
    assert 0.5 ** plateaus(values, patience, higher) == optimiser.param_groups[0]["lr"]


def test_plateau_ends_at_the_floor():
    chosen = recipe(lr=0.4, schedule="plateau", factor=0.1, floor=0.01)
    assert [rate(chosen, 5, 20, drops) for drops in range(4)] == pytest.approx([0.4, 0.04, 0.01, 0.01])
