from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Keep torch from spinning when several test processes share the cores."""
    setting = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(setting)


@pytest.fixture
def meta():
    """Build and run networks without numbers: shapes and counts are what they are, and nothing is computed."""
    with torch.device("meta"):
        yield
