"""Fixtures: a batch of samples, and every loss with every setting of its parameters beside its reference."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from symloss.losses import CATALOGUE

_SPEC = importlib.util.spec_from_file_location("loss_references", Path(__file__).with_name("references.py"))
references = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(references)


def pytest_generate_tests(metafunc):
    """Give a test that asks for a ``case`` each name of the catalogue with the published and with other parameters."""
    if "case" in metafunc.fixturenames:
        cases = [(name, settings) for name in CATALOGUE for settings in ({}, *references.VARIANTS.get(name, ()))]
        ids = [f"{name}({', '.join(f'{key}={value}' for key, value in given.items())})" for name, given in cases]
        metafunc.parametrize("case", cases, ids=ids)


@pytest.fixture
def reference():
    """All references by name: functions of logits, class indices and parameters."""
    return references.REFERENCES


@pytest.fixture
def variants():
    """Other settings of the parameters by the name of the loss."""
    return references.VARIANTS


@pytest.fixture(params=[2, 10])
def batch(request):
    """Logits [16, C] and class indices [16]."""
    generator = torch.Generator().manual_seed(request.param)
    logits = 2 * torch.randn(16, request.param, generator=generator, dtype=torch.float64)
    return logits, torch.randint(request.param, (16,), generator=generator)


@pytest.fixture
def value_and_gradient():
    """A function that returns a criterion's value and its gradient in the logits."""

    def evaluate(criterion, logits, target):
        z = logits.clone().requires_grad_()
        value = criterion(z, target)
        return value, torch.autograd.grad(value, z)[0]

    return evaluate
