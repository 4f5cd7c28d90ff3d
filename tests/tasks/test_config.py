from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symloss.errors import SymlossError
from symloss.tasks import METRICS, MODELS, TaskConfig, defaults_of

shares = st.floats(0, 1, exclude_max=True)
configs = st.builds(
    TaskConfig,
    dataset=st.sampled_from(["digits", "fashion-mnist", "imagefolder:some/where", "my.data:load"]),
    model=st.sampled_from(["mlp", "cnn", "my.nets:Small"]),
    hidden=st.integers(1, 500),
    batch=st.integers(1, 500),
    optimizer=st.sampled_from(["adam", "adamw", "sgd"]),
    steps=st.integers(1, 10**6),
    lr=st.floats(1e-6, 10),
    momentum=shares,
    weight_decay=st.floats(0, 10),
    schedule=st.sampled_from(["constant", "cosine"]),
    warmup=shares,
    label_noise=shares,
    noise=st.sampled_from(["symmetric", "asymmetric"]),
    imbalance=st.floats(0, 1, exclude_min=True),
    train_size=st.none() | st.integers(1, 10**6),
    metrics=st.lists(st.sampled_from(sorted(METRICS)), min_size=1, unique=True).map(tuple),
    scaling=st.sampled_from(["unit", "standard"]),
    engine=st.sampled_from(["auto", "stacked", "single"]),
    precision=st.sampled_from(["float32", "tf32", "bfloat16"]),
)


@given(configs)
def test_json_round_trip(config):
    back = TaskConfig.from_json(config.to_json())
    assert back == config
    assert back.digest() == config.digest()
    assert hash(back) == hash(config)


@given(configs, configs)
def test_digest_tells_configurations_apart(one, other):
    def deciding(config):
        values = asdict(config)
        if config.optimizer != "sgd":
            del values["momentum"]
        if not config.label_noise:
            del values["noise"]
        return values

    assert (one.digest() == other.digest()) == (deciding(one) == deciding(other))


def test_what_decides_nothing_is_no_part_of_the_digest():
    config = TaskConfig()
    assert config.digest() == replace(config, momentum=0.5, noise="asymmetric").digest()
    assert replace(config, optimizer="sgd").digest() != replace(config, optimizer="sgd", momentum=0.5).digest()
    noisy = replace(config, label_noise=0.1)
    assert noisy.digest() != replace(noisy, noise="asymmetric").digest()


def test_digest_does_not_depend_on_how_a_value_is_written():
    one = TaskConfig(label_noise=0, lr=1, momentum=0, weight_decay=0, warmup=0, imbalance=1, metrics=["accuracy"])
    other = TaskConfig(lr=1.0, momentum=0.0)
    assert one == other
    assert one.digest() == other.digest()


def test_missing_fields_take_their_defaults():
    assert TaskConfig.from_json('{"hidden": 32}') == replace(TaskConfig(), hidden=32)


def test_defaults_of_a_model_make_a_configuration():
    assert defaults_of("mlp") == {}
    assert defaults_of("my.nets:Small") == {}
    for name in MODELS:
        config = TaskConfig.from_dict({"model": name} | defaults_of(name))
        assert asdict(config).items() >= defaults_of(name).items()
    defaults_of("cnn")["steps"] = 3  # a copy: it changes nothing
    assert defaults_of("cnn")["steps"] > 3
    with pytest.raises(SymlossError, match=r"unknown model 'cnm'.*did you mean 'cnn'"):
        defaults_of("cnm")


WHOLE = "it must be a whole number of at least 1"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dataset": "digit"}, "unknown dataset 'digit'.*did you mean 'digits'.*imagefolder:PATH"),
        ({"dataset": "imagefolder:"}, "a path must follow"),
        ({"dataset": "my data:load"}, "unknown dataset"),
        ({"dataset": 3}, "dataset is 3; it must be a name"),
        ({"model": "mpl"}, "unknown model 'mpl'.*did you mean 'mlp'.*package.module:factory"),
        ({"model": "a:b()"}, "unknown model"),
        ({"model": None}, "model is None; it must be a name"),
        ({"scaling": "units"}, "unknown scaling 'units'.*did you mean 'unit'"),
        ({"optimizer": "adamm"}, "unknown optimizer 'adamm'.*did you mean 'adam"),
        ({"optimizer": ["adam"]}, "unknown optimizer"),
        ({"schedule": "cosin"}, "unknown schedule 'cosin'.*did you mean 'cosine'"),
        ({"noise": "asymetric"}, "unknown noise 'asymetric'.*did you mean 'asymmetric'"),
        ({"engine": "stack"}, "unknown engine 'stack'.*did you mean 'stacked'"),
        ({"precision": "float16"}, "unknown precision 'float16'.*did you mean 'b?float"),
        ({"label_noise": 1.0}, r"label_noise is 1.0; it must be in \[0, 1\)"),
        ({"label_noise": -0.1}, "label_noise is -0.1"),
        ({"label_noise": float("nan")}, "label_noise is nan"),
        ({"momentum": 1}, r"momentum is 1.0; it must be in \[0, 1\), such as 0.9"),
        ({"warmup": 1}, r"warmup is 1.0; it must be in \[0, 1\)"),
        ({"weight_decay": -1e-9}, "weight_decay is -1e-09; it must be at least 0"),
        ({"weight_decay": float("inf")}, "weight_decay is inf"),
        ({"weight_decay": float("nan")}, "weight_decay is nan"),
        ({"imbalance": 0}, r"imbalance is 0.0; it must be in \(0, 1\], such as 0.01 for 100:1"),
        ({"imbalance": 100}, "imbalance is 100.0"),
        ({"lr": 0}, "lr is 0.0; it must be above 0"),
        ({"lr": float("inf")}, "lr is inf"),
        ({"lr": "fast"}, "lr is 'fast'; it must be a number"),
        ({"lr": 10**400}, "lr is a number of 401 digits"),
        ({"hidden": 0}, f"hidden is 0; {WHOLE}"),
        ({"batch": 1.5}, "batch is 1.5; it must be a whole number"),
        ({"batch": None}, "batch is None; it must be a whole number"),
        ({"steps": True}, "steps is True; it must be a whole number"),
        ({"train_size": 0}, f"train_size is 0; {WHOLE}"),
        ({"train_size": 0.5}, f"train_size is 0.5; {WHOLE}"),
        ({"metrics": []}, r"metrics is \[\]; it must be a list of at least one name"),
        ({"metrics": "accuracy"}, "metrics is 'accuracy'; it must be a list"),
        ({"metrics": ["acuracy"]}, "unknown metric 'acuracy'.*did you mean 'accuracy'"),
        ({"metrics": [["ece"]]}, "unknown metric"),
        ({"metrics": ["ece", "ece"]}, "give each once"),
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
