from __future__ import annotations

import sys

import pytest

from symloss.errors import SymlossError
from symloss.training import fit

NETWORK = """from torch import nn


class Net(nn.Module):
    calls = 0

    def __init__(self, classes):
        super().__init__()
        self.linear = nn.Linear(64, classes)

    def forward(self, x):
        self.calls += 1
        assert self.calls < 8, "no more"
        return self.linear(x.flatten(1))


def net(shape, classes):
    return Net(classes)
"""


def test_a_network_that_fails_in_training_is_named(small, ce, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    (tmp_path / "failing.py").write_text(NETWORK)
    message = (
        r"the model 'failing:net' failed in training: AssertionError: no more \(.*failing.py, line 13\) at: assert"
    )
    with pytest.raises(SymlossError, match=message):
        fit(small(model="failing:net"), ce, 0, tmp_path / "run", device="cpu")
    sys.modules.pop("failing", None)
