"""Names of networks: read, checked and spelled in one way, without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symloss.cli.task_options import task_configs
from symloss.errors import SymlossError
from symloss.models import MODELS, OWN_MODELS, canonical, check, parse, spelling
from symloss.tasks import TaskConfig, defaults_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("inception-v3( aux = True )", "inception-v3(aux=true)"),
        ("inception-v3(aux=false)", "inception-v3"),
        ("resnet18(upsample=3, head=paper)", "resnet18(head=paper, upsample=3)"),
        ("resnet50 ( norm = GROUP,upsample=00 )", "resnet50(norm=group)"),
        ("densenet121(dropout=1e-1)", "densenet121(dropout=0.1)"),
        ("densenet121(dropout=-0.0)", "densenet121"),
        ("efficientnet-b0(dropout=.20)", "efficientnet-b0"),
        ("efficientnet-b0(dropout=-0.0)", "efficientnet-b0(dropout=0)"),
        ("unet(width=+8)", "unet(width=8)"),
        (" mlp ", "mlp"),
        ("cnn()", "cnn"),
        ("my.nets:Small", "my.nets:Small"),
    ],
)
def test_equal_networks_have_one_name(name, expected):
    assert canonical(name) == expected


@st.composite
def choices(draw):
    """Return a network with values of some of its parameters, valid each on its own."""
    model = draw(st.sampled_from(list(MODELS.values())))
    values = {}
    for name, parameter in model.parameters.items():
        if draw(st.booleans()):
            default, low, high = parameter.default, parameter.low, parameter.high
            if isinstance(default, bool):
                values[name] = draw(st.booleans())
            elif isinstance(default, str):
                values[name] = draw(st.sampled_from(parameter.choices))
            elif isinstance(default, int):
                values[name] = draw(st.integers(int(low), int(high)))
            else:
                values[name] = draw(st.floats(low, high))
    if values.get("head") == "paper" and model.conflict:
        values.pop("dropout", None)
    return model, values


@given(choices(), st.randoms(use_true_random=False))
def test_canonical_names_keep_what_was_asked_for(choice, random):
    model, values = choice
    order = list(values)
    random.shuffle(order)

    def space():
        return " " * random.randrange(3)

    settings = [f"{space()}{name}{space()}={space()}{spelling(values[name])}{space()}" for name in order]
    chosen = parse(f"{space()}{model.name}{space()}({','.join(settings)}){space()}")
    assert chosen.model is model
    assert chosen.values == {**model.values, **values}
    assert canonical(chosen.name) == chosen.name
    assert parse(chosen.name).values == chosen.values
    changed = {name for name, value in values.items() if value != model.values[name]}
    assert chosen.name.count("=") == len(changed)
    assert (chosen.name != model.name) is bool(changed)


@given(choices(), choices())
def test_names_are_equal_exactly_for_equal_networks(one, other):
    names = [canonical(model.spelled({**model.values, **values})) for model, values in (one, other)]
    full = [(model.name, {**model.values, **values}) for model, values in (one, other)]
    assert (names[0] == names[1]) is (full[0] == full[1])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "resnet19",
            r"unknown model 'resnet19'; known: .*; did you mean 'resnet18'\?\. One of your own is package.module",
        ),
        ("resnet19(norm=group)", "unknown model 'resnet19';.*did you mean 'resnet18'"),
        ("resnet18(head=papr)", "head of resnet18 is 'papr'; it must be linear or paper"),
        (
            "resnet18(haed=paper)",
            "unknown parameter of resnet18 'haed'; known: head, norm, upsample; did you mean 'head'",
        ),
        (
            "resnet18(head)",
            r"cannot read the parameter 'head' of resnet18; write name=value; it has head=linear, upsample=0",
        ),
        ("resnet18(norm=group, norm=batch)", "'norm' of resnet18 is given twice"),
        ("resnet18(upsample=6)", "upsample of resnet18 is '6'; it must be a whole number from 0 to 5"),
        ("resnet18(upsample=1.0)", "upsample of resnet18 is '1.0'; it must be a whole number"),
        ("densenet121(dropout=1)", "dropout of densenet121 is '1'; it must be a number from 0 to 0.9"),
        ("densenet121(dropout=nan)", "dropout of densenet121 is 'nan'"),
        ("inception-v3(aux=yes)", "aux of inception-v3 is 'yes'; it must be true or false"),
        (
            "inception-v3(head=paper, dropout=0.1)",
            r"no network: dropout is of the linear head.*leave one of the two out",
        ),
        ("efficientnet-b0(head=paper, dropout=0)", r"no network: dropout is of the linear head"),
        ("mlp(width=3)", "the model 'mlp' has no parameters, but 'width' was given; drop it"),
        ("unet(width=0)", "width of unet is '0'; it must be a whole number from 1 to 512"),
        ("unet(__import__('os'))", "cannot read the parameter"),
        ("a:b()", "unknown model 'a:b\\(\\)'"),
        ("", "unknown model ''"),
        (None, "model is None; it must be a name, such as 'mlp'"),
        (["mlp"], r"model is \['mlp'\]; it must be a name"),
    ],
)
def test_bad_names_are_explained(name, message):
    with pytest.raises(SymlossError, match=message):
        check(name)


def test_every_entry_is_complete():
    for name, model in MODELS.items():
        check(name)
        assert (model.name, canonical(name)) == (name, name)
        assert model.task in ("classification", "segmentation")
        assert model.description
        for parameter in model.parameters.values():
            assert parameter.meaning
            assert parameter.read(spelling(parameter.default), "it") == parameter.default
    assert [name for name, model in MODELS.items() if not model.paper] == ["mlp", "cnn"]
    assert [name for name, model in MODELS.items() if model.task == "segmentation"] == ["unet", "deeplabv3-resnet50"]
    assert list(OWN_MODELS) == ["package.module:factory"]


def test_names_need_no_torch():
    code = "import sys, symloss.models as m; m.check('swin-t(upsample=1)'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_tasks_keep_the_canonical_name():
    spelled = TaskConfig(model="resnet18( upsample=2,head = paper)")
    assert spelled.model == "resnet18(head=paper, upsample=2)"
    assert spelled.digest() == TaskConfig(model="resnet18(head=paper, upsample=2)").digest()
    assert TaskConfig(model="resnet18(norm=batch)") == TaskConfig(model="resnet18")
    assert TaskConfig.from_json(spelled.to_json()) == spelled
    # As they were before networks had parameters: scores stored under them stay valid.
    assert TaskConfig().digest() == "8e28e439451cf45e"
    assert TaskConfig(model="cnn").digest() == "3ed96d9ac8e37dd1"


def test_defaults_do_not_depend_on_parameters():
    assert defaults_of("resnet18(head=paper)") == defaults_of("resnet18") != {}
    for model in MODELS.values():
        if model.task == "classification":
            TaskConfig.from_dict({"model": model.name} | defaults_of(model.name))


def test_commas_inside_parentheses_belong_to_a_name():
    given = {"dataset": "digits", "metric": "accuracy", "data_dir": None, "steps": 5}
    configs = task_configs(model="resnet18( upsample=1,head=paper), mlp,cnn,mlp()", **given)
    assert [config.model for config in configs] == ["resnet18(head=paper, upsample=1)", "mlp", "cnn"]
    assert [config.schedule for config in configs] == ["cosine", "constant", "cosine"]  # each has its own defaults


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unet", "'unet' gives every pixel a class.* use one of mlp, cnn, resnet18,"),
        ("deeplabv3-resnet50(aux=true)", "gives every pixel a class"),
        ("inception-v3(aux=true)", "trains with an auxiliary head.*use 'inception-v3'$"),
        ("inception-v3(head=paper, aux=true)", r"use 'inception-v3\(head=paper\)'$"),
    ],
)
def test_tasks_refuse_networks_that_return_more_than_logits(name, message):
    with pytest.raises(SymlossError, match=message):
        TaskConfig(model=name)
