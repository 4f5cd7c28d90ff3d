"""What a recipe can choose from, by name, with one line each. Nothing here imports torch."""

from __future__ import annotations

from dataclasses import dataclass

#: How the step size changes after the warm-up.
SCHEDULES: dict[str, str] = {
    "constant": "not at all",
    "cosine": "along half a cosine to 0 at the last step (Loshchilov and Hutter 2017, without restarts)",
    "step": "times factor at each of the milestones",
    "poly": "as (1 - t)**0.9 over the time t from 0 to 1 (Chen et al. 2017, DeepLab)",
    "plateau": "times factor whenever the first metric has not improved for patience epochs, not below floor",
}

#: The number format of training.
PRECISIONS: dict[str, str] = {
    "float32": "32 bits throughout",
    "bfloat16": "autocast to bfloat16",
    "float16": "autocast to float16, with a scaled loss",
}


@dataclass(frozen=True)
class Augmentation:
    """How training images are changed at random, anew in each epoch.

    Attributes:
        description: one line for listings.
        tasks: "classification", "segmentation" or both.
        draws: how many random numbers an image needs.
        alone: whether each image is cut out of its file on its own, before a batch has one size.
    """

    description: str
    tasks: tuple[str, ...]
    draws: int
    alone: bool = False


_BOTH = ("classification", "segmentation")

#: The augmentations.
AUGMENTATIONS: dict[str, Augmentation] = {
    "none": Augmentation("images as they are", _BOTH, 0),
    "flip": Augmentation("every other image mirrored, left for right", _BOTH, 1),
    "crop-flip": Augmentation("flip, and a crop of the image with 4 black pixels around it", ("classification",), 3),
    "paper": Augmentation(
        "flip, each side zoomed by 0.8 to 1.2 and shifted by up to a tenth of it, the border repeated outside: that of "
        "Akhmedova and Koerber 2024",
        ("classification",),
        5,
    ),
    "imagenet": Augmentation(
        "flip, and a part of 8 to 100 % of the area and an aspect ratio of 3/4 to 4/3 brought to size (Szegedy et al. "
        "2015); for evaluation 7/8 of the middle",
        ("classification",),
        41,
        alone=True,
    ),
    "segmentation": Augmentation(
        "flip, and image and mask together scaled by 0.5 to 2 and cropped or padded", ("segmentation",), 4, alone=True
    ),
}


@dataclass(frozen=True)
class Score:
    """One metric of the trainer.

    Attributes:
        description: one line for listings.
        higher_is_better: whether selection looks for high values.
        tasks: "classification", "segmentation" or both, where each pixel that counts is a sample.
    """

    description: str
    higher_is_better: bool
    tasks: tuple[str, ...]


#: The metrics, each gathered batch by batch. All but nll are fractions of 1.
SCORES: dict[str, Score] = {
    "accuracy": Score("the share of samples whose largest logit is the label's", True, ("classification",)),
    "top-5": Score("the share of samples whose label is among the five largest logits", True, ("classification",)),
    "balanced-accuracy": Score("the mean of the recalls of the classes with samples", True, ("classification",)),
    "macro-f1": Score("the mean F1 score of the classes with samples or predictions", True, ("classification",)),
    "ece": Score("the expected calibration error of the largest probability in 15 equal bins", False, _BOTH),
    "nll": Score("the mean of -log p of the label, in nats", False, _BOTH),
    "miou": Score(
        "intersection over union, mean over the classes in masks or predictions of the whole part",
        True,
        ("segmentation",),
    ),
    "pixel-accuracy": Score("the share of pixels whose largest logit is the mask's class", True, ("segmentation",)),
}
