from __future__ import annotations

import json
from dataclasses import fields

import pytest

from symloss.errors import SymlossError
from symloss.training import Recipe


@pytest.mark.parametrize(
    ("values", "idle", "deciding"),
    [
        ({"optimizer": "adam"}, {"momentum": 0.5}, {"weight_decay": 0.1}),
        ({"optimizer": "sgd"}, {"noise": "asymmetric"}, {"momentum": 0.5}),
        ({"schedule": "cosine"}, {"milestones": (0.1,), "factor": 0.5, "patience": 3, "floor": 1e-4}, {"warmup": 0.1}),
        ({"schedule": "step"}, {"patience": 3, "floor": 1e-4}, {"milestones": (0.1,)}),
        ({"schedule": "plateau"}, {"milestones": (0.1,)}, {"patience": 3}),
        ({"label_noise": 0.2}, {"floor": 1e-4}, {"noise": "asymmetric"}),
    ],
)
def test_the_digest_is_of_what_decides(values, idle, deciding):
    def recipe(more):
        return Recipe("cifar-10", "cnn", **values | more).digest()

    assert recipe({}) == recipe(idle)
    assert recipe({}) != recipe(deciding)


def test_equal_recipes_have_one_digest():
    one = Recipe("cifar-10", "resnet18(upsample=2)", lr=1, size=32, weight_decay=0)
    other = Recipe("cifar-10", "resnet18(norm=batch,  upsample=2)", lr=1.0, size=(32, 32), metrics=("accuracy",))
    assert one == other
    assert one.digest() == other.digest()
    assert one.digest() != Recipe("cifar-10", "resnet18(upsample=2)", lr=1, size=32, split_seed=1).digest()


def test_json_and_back():
    recipe = Recipe("camvid", "unet", size=(90, 120), milestones=(0.2, 0.9), augment="segmentation")
    assert Recipe.from_dict(json.loads(recipe.to_json())) == recipe
    assert recipe.metrics == ("miou", "pixel-accuracy")
    assert recipe.task == "segmentation"


def test_nothing_of_a_machine_is_in_a_recipe():
    names = {field.name for field in fields(Recipe)}
    assert names.isdisjoint({"device", "workers", "processes", "threads"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "cifar10"}, "did you mean 'cifar-10'"),
        ({"dataset": 3}, "it must be a name"),
        ({"dataset": "imagefolder:"}, "a path must follow"),
        ({"model": "resnet19"}, "did you mean 'resnet1"),
        ({"model": "unet"}, "'unet' is for segmentation"),
        ({"augment": "segmentation"}, "not for classification; use one of none"),
        ({"augment": "imagenet"}, "give one, such as size=224"),
        ({"schedule": "poli"}, "did you mean 'poly'"),
        ({"precision": "half"}, "unknown precision 'half'"),
        ({"normalise": None}, "unknown normalise 'None'"),
        ({"epochs": 0}, "epochs is 0; it must be a whole number of at least 1"),
        ({"batch": True}, "batch is True"),
        ({"batch": 4, "accumulate": 5}, "at most batch, which is 4"),
        ({"images": 1}, "at least 2"),
        ({"lr": 0}, "lr is 0.0"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"momentum": 1}, r"in \[0, 1\)"),
        ({"validation": 0}, r"validation is 0.0; it must be in \(0, 1\)"),
        ({"factor": "big"}, "it must be a number"),
        ({"floor": 1.0, "lr": 0.5}, "at most lr, which is 0.5"),
        ({"milestones": (0.5, 0.5)}, "must rise between 0 and 1"),
        ({"milestones": 0.5}, "a list of shares"),
        ({"size": (3, 4, 5)}, r"size is \(3, 4, 5\)"),
        ({"size": 0}, "size is 0"),
        ({"raw": 1}, "true or false"),
        ({"metrics": ("miou",)}, "unknown metric for classification 'miou'"),
        ({"metrics": ("nll", "nll")}, "give each once"),
        ({"metrics": "nll"}, "a list of names"),
        ({"colour": 1}, "unknown recipe setting 'colour'"),
    ],
)
def test_bad_values_are_said(changes, message):
    with pytest.raises(SymlossError, match=message):
        Recipe.from_dict({"dataset": "digits", "model": "cnn"} | changes)


def test_dataset_and_model_are_needed():
    with pytest.raises(SymlossError, match="lacks 'model'"):
        Recipe.from_dict({"dataset": "digits"})
