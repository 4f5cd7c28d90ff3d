"""Published class-wise losses as formulas, each with the paper it is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from symloss.formula import Formula, parse_formula


@dataclass(frozen=True)
class Paper:
    """Where a loss was published.

    Attributes:
        authors: family names, or all names of a short list.
        title: the paper's title.
        year: of publication.
        source: arXiv number, journal or conference.
    """

    authors: str
    title: str
    year: int
    source: str


@dataclass(frozen=True)
class CatalogueLoss:
    """A known loss.

    Attributes:
        name: the short name, such as ``"ngl"``.
        formula: L(p, y) of one class, in ``y_pred`` and ``y_true``.
        class_reduction: ``"sum"`` or ``"mean"`` over classes, as published.
        parameters: the constants of the formula that the paper lets the user choose, as set here.
        paper: where it was published.
        when: one line on when to use it.
    """

    name: str
    formula: Formula
    paper: Paper
    when: str
    class_reduction: str = "sum"
    parameters: Mapping[str, float] = field(default_factory=dict, hash=False)


_ZHOU = Paper(
    "Zhou, Liu, Jiang, Gao, Ji",
    "Asymmetric Loss Functions for Learning with Noisy Labels",
    2021,
    "ICML, arXiv 2106.03110",
)

_LOSSES = [
    CatalogueLoss(
        name="ce",
        formula=parse_formula("-y_true*log(y_pred)"),
        paper=Paper("Good", "Rational Decisions", 1952, "J. Royal Statistical Society B 14(1)"),
        when="the default: cross-entropy, or log loss",
    ),
    CatalogueLoss(
        name="brier",
        formula=parse_formula("(y_true - y_pred)**2"),
        paper=Paper(
            "Brier",
            "Verification of Forecasts Expressed in Terms of Probability",
            1950,
            "Monthly Weather Review 78(1)",
        ),
        when="calibrated probabilities; bounded, so milder than ce on wrong labels",
    ),
    CatalogueLoss(
        name="mae",
        formula=parse_formula("abs(y_true - y_pred)"),
        paper=Paper(
            "Ghosh, Kumar, Sastry",
            "Robust Loss Functions under Label Noise for Deep Neural Networks",
            2017,
            "AAAI, arXiv 1712.09482",
        ),
        when="heavy label noise and few classes; slow to fit many classes",
    ),
    CatalogueLoss(
        name="ngl",
        formula=parse_formula("exp(2.4092 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))"),
        class_reduction="mean",
        paper=Paper(
            "Akhmedova, Körber",
            "Next Generation Loss Function for Image Classification",
            2024,
            "arXiv 2404.12948",
        ),
        when="image classification; found by genetic programming, with gains over ce on several data sets",
    ),
    CatalogueLoss(
        name="focal",
        formula=parse_formula("-y_true*(1 - y_pred)**2*log(y_pred)"),
        parameters={"gamma": 2.0},
        paper=Paper(
            "Lin, Goyal, Girshick, He, Dollár",
            "Focal Loss for Dense Object Detection",
            2017,
            "ICCV, arXiv 1708.02002",
        ),
        when="many easy examples, such as class imbalance",
    ),
    CatalogueLoss(
        name="poly1",
        formula=parse_formula("-y_true*log(y_pred) + y_true*(1 - y_pred)"),
        parameters={"epsilon": 1.0},
        paper=Paper(
            "Leng, Tan, Liu, Cubuk, Shi, Cheng, Anguelov",
            "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions",
            2022,
            "ICLR, arXiv 2204.12511",
        ),
        when="a drop-in for ce with one more term to tune",
    ),
    CatalogueLoss(
        name="gce",
        formula=parse_formula("y_true*(1 - y_pred**0.7)/0.7"),
        parameters={"q": 0.7},
        paper=Paper(
            "Zhang, Sabuncu",
            "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels",
            2018,
            "NeurIPS, arXiv 1805.07836",
        ),
        when="label noise; between ce (q to 0) and mae (q = 1)",
    ),
    CatalogueLoss(
        name="sce",
        # The reverse cross-entropy -p*log(y) with log(1) = 0 and log(0) = A = -4, for hard labels.
        formula=parse_formula("-0.1*y_true*log(y_pred) + 4*y_pred*(1 - y_true)"),
        parameters={"alpha": 0.1, "beta": 1.0, "A": -4.0},
        paper=Paper(
            "Wang, Ma, Chen, Luo, Yi, Bailey",
            "Symmetric Cross Entropy for Robust Learning with Noisy Labels",
            2019,
            "ICCV, arXiv 1908.06112",
        ),
        when="label noise; alpha and beta as the paper sets them for CIFAR-10",
    ),
    CatalogueLoss(
        name="taylor_ce",
        formula=parse_formula("y_true*((1 - y_pred) + (1 - y_pred)**2/2)"),
        parameters={"order": 2.0},
        paper=Paper("Feng, Shu, Lin, Lv, Li, An", "Can Cross Entropy Loss Be Robust to Label Noise?", 2020, "IJCAI"),
        when="label noise; the first terms of the Taylor series of ce at p = 1",
    ),
    CatalogueLoss(
        name="agce",
        formula=parse_formula("y_true*((0.6 + 1)**0.6 - (0.6 + y_pred)**0.6)/0.6"),
        parameters={"a": 0.6, "q": 0.6},
        paper=_ZHOU,
        when="label noise; a and q as the authors' code sets them for CIFAR-10",
    ),
    CatalogueLoss(
        name="aul",
        formula=parse_formula("y_true*((5.5 - y_pred)**3 - (5.5 - 1)**3)/3"),
        parameters={"a": 5.5, "q": 3.0},
        paper=_ZHOU,
        when="label noise; a and q as the authors' code sets them for CIFAR-10",
    ),
    CatalogueLoss(
        name="ael",
        formula=parse_formula("y_true*exp(-y_pred/2.5)"),
        parameters={"a": 2.5},
        paper=_ZHOU,
        when="label noise; a as the authors' code sets it for CIFAR-10",
    ),
]

#: Every known loss by name.
CATALOGUE: dict[str, CatalogueLoss] = {loss.name: loss for loss in _LOSSES}

#: Other names in use.
ALIASES: dict[str, str] = {
    "cross_entropy": "ce",
    "mse": "brier",
    "symmetric_ce": "sce",
    "generalized_ce": "gce",
}
