"""Losses that a search found."""

from __future__ import annotations

from symloss.losses.entry import CatalogueLoss, Paper

_AKHMEDOVA = Paper(
    "Akhmedova, Körber",
    "Next Generation Loss Function for Image Classification",
    2024,
    "arXiv 2404.12948",
)

LOSSES = [
    CatalogueLoss(
        name="ngl",
        template="exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))",
        class_reduction="mean",
        paper=_AKHMEDOVA,
        when="image classification; found by genetic programming, with gains over ce on several data sets",
    ),
    CatalogueLoss(
        name="ngl_sigmoid",
        template="exp(2.4092 - sigmoid(y_pred)*(1 + y_true)) - cos(cos(sin(sigmoid(y_pred))))",
        class_reduction="mean",
        paper=_AKHMEDOVA,
        when="ngl as the authors' Keras example has it, with a sigmoid on top of the softmax",
    ),
    CatalogueLoss(
        name="baikal",
        # As published but for the sign: the paper's text has log(p) - y/p, which training would have to raise.
        template="y_true/y_pred - log(y_pred)",
        class_reduction="mean",
        paper=Paper(
            "Gonzalez, Miikkulainen",
            "Improved Training Speed, Accuracy, and Data Utilization Through Loss Function Optimization",
            2020,
            "IEEE CEC, arXiv 1905.11528",
        ),
        when="to study loss search: its gradient is like 1/p for a true class near 0, and its best p is only 1/sqrt(C)",
    ),
]
