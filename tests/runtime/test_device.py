"""Devices by name, with and without accelerators."""

from __future__ import annotations

import pytest
import torch

from symloss.errors import SymlossError
from symloss.runtime import choose_device


@pytest.fixture
def machine(monkeypatch):
    """Pretend that there are so many CUDA devices, and an Apple GPU or none."""

    def pretend(cuda, mps=False, built="12.8"):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.version, "cuda", built)
        monkeypatch.setattr(torch.version, "hip", None, raising=False)

    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "name", "chosen"),
    [
        (0, False, "auto", "cpu"),
        (0, True, "auto", "mps"),
        (1, False, "auto", "cuda"),
        (1, True, "auto", "cuda"),
        (2, False, "cpu", "cpu"),
        (2, False, "cuda", "cuda"),
        (2, False, "cuda:0", "cuda:0"),
        (2, False, "cuda:1", "cuda:1"),
        (0, True, "mps", "mps"),
    ],
)
def test_choice(machine, cuda, mps, name, chosen):
    machine(cuda, mps)
    assert choose_device(name) == torch.device(chosen)


@pytest.mark.parametrize(
    ("cuda", "built", "name", "text"),
    [
        (0, "12.8", "cuda", "'cuda', but torch sees no CUDA device here .*use 'cpu' or 'auto'"),
        (0, None, "cuda:0", "'cuda:0', but this torch is built without CUDA; use 'cpu' or 'auto'"),
        (1, "12.8", "cuda:1", "'cuda:1', but torch sees 1 CUDA device here; use 'cuda:0'"),
        (2, "12.8", "cuda:2", "'cuda:2', but torch sees 2 CUDA devices here; use 'cuda:0' or 'cuda:1'"),
        (2, "12.8", "mps", "'mps', but torch sees no Apple GPU here"),
    ],
)
def test_what_is_not_there_is_refused(machine, cuda, built, name, text):
    machine(cuda, built=built)
    with pytest.raises(SymlossError, match=text):
        choose_device(name)


@pytest.mark.parametrize("name", ["gpu", "", "CUDA", "cuda:", "cuda:-1", "cuda:x", "mps:1", "meta", None, 0])
def test_unknown_names_are_refused(name):
    with pytest.raises(SymlossError, match=r"unknown device .*; known: auto, cpu, cuda, cuda:1, mps"):
        choose_device(name)


def test_a_near_miss_is_suggested():
    with pytest.raises(SymlossError, match=r"did you mean 'cuda'\?"):
        choose_device("cudaa")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_real_cuda_device_computes():
    assert torch.ones(2, device=choose_device("auto")).sum().item() == 2
