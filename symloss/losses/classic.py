"""Cross-entropy, its relatives for calibration and imbalance, and proper scores."""

from __future__ import annotations

from symloss.losses.entry import CatalogueLoss, Paper, Parameter

_LIN = Paper(
    "Lin, Goyal, Girshick, He, Dollár",
    "Focal Loss for Dense Object Detection",
    2017,
    "ICCV, arXiv 1708.02002",
)
_LENG = Paper(
    "Leng, Tan, Liu, Cubuk, Shi, Cheng, Anguelov",
    "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions",
    2022,
    "ICLR, arXiv 2204.12511",
)
_GAMMA = Parameter(2.0, 0.0, 10.0, "how strongly easy examples are passed over; 0 passes over none")

LOSSES = [
    CatalogueLoss(
        name="ce",
        template="-y_true*log(y_pred)",
        paper=Paper("Good", "Rational Decisions", 1952, "J. Royal Statistical Society B 14(1)"),
        when="the default: cross-entropy, or log loss",
    ),
    CatalogueLoss(
        name="label_smoothed_ce",
        template="-y_true*log(y_pred)",
        parameters={
            "label_smoothing": Parameter(0.1, 0.0, 1.0, "the share of the label that is spread evenly over all classes")
        },
        module_options=("label_smoothing",),
        paper=Paper(
            "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna",
            "Rethinking the Inception Architecture for Computer Vision",
            2016,
            "CVPR, arXiv 1512.00567",
        ),
        when="image classification with many classes; less overconfident than ce",
    ),
    CatalogueLoss(
        name="label_relaxation",
        # The divergence of the prediction from the nearest distribution that gives the true class 1 - alpha.
        template="y_true*(alpha*log(alpha/(1 - min(y_pred, 1 - alpha)))"
        " - (1 - alpha)*log(min(y_pred, 1 - alpha)/(1 - alpha)))",
        parameters={
            "alpha": Parameter(
                0.1, 0.001, 0.5, "the true class wants any probability from 1 - alpha up, as in the code"
            )
        },
        paper=Paper("Lienen, Hüllermeier", "From Label Smoothing to Label Relaxation", 2021, "AAAI 35(10)"),
        when="calibration where label smoothing underestimates: no gradient once the true class has 1 - alpha",
    ),
    CatalogueLoss(
        name="confidence_penalty",
        template="-y_true*log(y_pred) + beta*y_pred*log(y_pred)",
        parameters={
            "beta": Parameter(0.1, 0.0, 10.0, "the weight of the entropy of the prediction, which is rewarded")
        },
        paper=Paper(
            "Pereyra, Tucker, Chorowski, Kaiser, Hinton",
            "Regularizing Neural Networks by Penalizing Confident Output Distributions",
            2017,
            "ICLR workshop, arXiv 1701.06548",
        ),
        when="overconfident networks; ce with a reward for entropy",
    ),
    CatalogueLoss(
        name="poly1",
        template="-y_true*log(y_pred) + epsilon*y_true*(1 - y_pred)",
        parameters={"epsilon": Parameter(1.0, -1.0, 100.0, "what is added to the first coefficient of ce in 1 - p")},
        paper=_LENG,
        when="a drop-in for ce with one more term to tune",
    ),
    CatalogueLoss(
        name="poly1_focal",
        template="-y_true*(1 - y_pred)**gamma*log(y_pred) + epsilon*y_true*(1 - y_pred)**(gamma + 1)",
        parameters={
            "gamma": _GAMMA,
            "epsilon": Parameter(1.0, -1.0, 100.0, "what is added to the first coefficient of focal in 1 - p"),
        },
        paper=_LENG,
        when="as focal, with one more term to tune",
    ),
    CatalogueLoss(
        name="focal",
        template="-y_true*(1 - y_pred)**gamma*log(y_pred)",
        parameters={"gamma": _GAMMA},
        paper=_LIN,
        when="many easy examples, such as class imbalance",
    ),
    CatalogueLoss(
        name="dual_focal",
        template="-y_true*log(y_pred) - beta*(1 - y_true)*log(rho - y_pred) + alpha*abs(y_true - y_pred)**gamma",
        parameters={
            "alpha": Parameter(1.0, 0.0, 10.0, "the weight of the error's power, which keeps gradients from vanishing"),
            "beta": Parameter(1.0, 0.0, 10.0, "the weight of the other classes"),
            "gamma": Parameter(1.0, 1.0, 10.0, "the power of the error"),
            "rho": Parameter(1.0, 1.0, 10.0, "1 is one class against the rest; above 1 the other classes pull less"),
        },
        paper=Paper(
            "Hossain, Betts, Paplinski",
            "Dual Focal Loss to Address Class Imbalance in Semantic Segmentation",
            2021,
            "Neurocomputing 462",
        ),
        when="imbalanced segmentation; alpha = 0 is binary cross-entropy of every softmax probability",
    ),
    CatalogueLoss(
        name="brier",
        template="(y_true - y_pred)**2",
        paper=Paper(
            "Brier",
            "Verification of Forecasts Expressed in Terms of Probability",
            1950,
            "Monthly Weather Review 78(1)",
        ),
        when="calibrated probabilities; bounded, so milder than ce on wrong labels",
    ),
    CatalogueLoss(
        name="squared_log",
        template="(y_true*log(y_pred))**2",
        paper=Paper(
            "Janocha, Czarnecki",
            "On Loss Functions for Deep Neural Networks in Classification",
            2017,
            "Schedae Informaticae 25, arXiv 1702.05659",
        ),
        when="clean labels: harder than ce on what is wrong, milder on what is right",
    ),
]
