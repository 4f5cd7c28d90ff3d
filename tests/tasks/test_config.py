from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symloss.errors import SymlossError
from symloss.tasks import TaskConfig

configs = st.builds(
    TaskConfig,
    hidden=st.integers(1, 500),
    batch=st.integers(1, 500),
    steps=st.integers(1, 10**6),
    lr=st.floats(1e-6, 10),
    label_noise=st.floats(0, 1, exclude_max=True),
    scaling=st.sampled_from(["unit", "standard"]),
)


@given(configs)
def test_json_round_trip(config):
    back = TaskConfig.from_json(config.to_json())
    assert back == config
    assert back.digest() == config.digest()


@given(configs, configs)
def test_digest_tells_configurations_apart(one, other):
    assert (one.digest() == other.digest()) == (one == other)


def test_digest_does_not_depend_on_how_a_number_is_written():
    assert TaskConfig(label_noise=0, lr=1).digest() == TaskConfig(label_noise=0.0, lr=1.0).digest()


def test_missing_fields_take_their_defaults():
    assert TaskConfig.from_json('{"hidden": 32}') == replace(TaskConfig(), hidden=32)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dataset": "digit"}, "unknown dataset 'digit'.*did you mean 'digits'"),
        ({"model": "mpl"}, "unknown model 'mpl'.*did you mean 'mlp'"),
        ({"scaling": "units"}, "unknown scaling 'units'.*did you mean 'unit'"),
        ({"label_noise": 1.0}, r"label_noise is 1.0; it must be in \[0, 1\)"),
        ({"label_noise": -0.1}, "label_noise is -0.1"),
        ({"label_noise": float("nan")}, "label_noise is nan"),
        ({"lr": 0}, "lr is 0.0; it must be above 0"),
        ({"lr": float("inf")}, "lr is inf"),
        ({"lr": "fast"}, "lr is 'fast'; it must be a number"),
        ({"hidden": 0}, "hidden is 0; it must be a whole number of at least 1"),
        ({"batch": 1.5}, "batch is 1.5; it must be a whole number"),
        ({"steps": True}, "steps is True; it must be a whole number"),
        ({"hiden": 3}, "unknown task setting 'hiden'.*did you mean 'hidden'"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(SymlossError, match=message):
        TaskConfig.from_json(json.dumps(settings))


@pytest.mark.parametrize("text", ["", "{", "[1]", "3", "[" * 100_000])
def test_bad_json_is_refused(text):
    with pytest.raises(SymlossError, match="task configuration"):
        TaskConfig.from_json(text)
