"""Training at full size: one network, one loss, one seed, one recipe, on one device or several.

Importing this imports no torch; training does, and needs the extra ``train``.

Example:
    >>> recipe = Recipe("cifar-10", "resnet18(upsample=2)", epochs=30, augment="crop-flip", weight_decay=5e-4)
    >>> result = fit(recipe, symloss.losses.find("ngl"), seed=0, folder="runs/ngl-0")
    >>> result.best.test["accuracy"], result.last.test["accuracy"]
"""

from symloss.training.choices import AUGMENTATIONS, PRECISIONS, SCHEDULES, SCORES
from symloss.training.fit import fit, key_of
from symloss.training.recipe import NORMALISATIONS, Recipe
from symloss.training.result import Epoch, Key, Result, Scored, read_result

__all__ = [
    "AUGMENTATIONS",
    "NORMALISATIONS",
    "PRECISIONS",
    "SCHEDULES",
    "SCORES",
    "Epoch",
    "Key",
    "Recipe",
    "Result",
    "Scored",
    "fit",
    "key_of",
    "read_result",
]
