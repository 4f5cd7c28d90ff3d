"""Losses for wrong labels, and those between cross-entropy and the mean absolute error."""

from __future__ import annotations

from symloss.losses.entry import CatalogueLoss, Paper, Parameter

WANG = Paper(
    "Wang, Ma, Chen, Luo, Yi, Bailey",
    "Symmetric Cross Entropy for Robust Learning with Noisy Labels",
    2019,
    "ICCV, arXiv 1908.06112",
)
ZHOU = Paper(
    "Zhou, Liu, Jiang, Gao, Ji",
    "Asymmetric Loss Functions for Learning with Noisy Labels",
    2021,
    "ICML, arXiv 2106.03110",
)
#: The formulas that other losses are also made of.
AGCE = "y_true*((a + 1)**q - (a + y_pred)**q)/q"
AUL = "y_true*((a - y_pred)**q - (a - 1)**q)/q"
AEL = "y_true*exp(-y_pred/a)"

_AS_SET = "as the authors' code sets it for CIFAR-10"
_LOG_OF_ZERO = Parameter(-4.0, -20.0, -0.01, "what log(0) is taken for; the authors' code has log(1e-4) = -9.21")


def _taylor(order: float) -> str:
    powers = [f"(1 - y_pred)**{k}/{k}" for k in range(2, int(order) + 1)]
    return f"y_true*({' + '.join(['(1 - y_pred)', *powers])})"


LOSSES = [
    CatalogueLoss(
        name="mae",
        template="abs(y_true - y_pred)",
        paper=Paper(
            "Ghosh, Kumar, Sastry",
            "Robust Loss Functions under Label Noise for Deep Neural Networks",
            2017,
            "AAAI, arXiv 1712.09482",
        ),
        when="heavy label noise and few classes; slow to fit many classes",
    ),
    CatalogueLoss(
        name="gce",
        template="y_true*(1 - y_pred**q)/q",
        parameters={"q": Parameter(0.7, 0.001, 1.0, "towards 0 it is ce, at 1 half of mae")},
        paper=Paper(
            "Zhang, Sabuncu",
            "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels",
            2018,
            "NeurIPS, arXiv 1805.07836",
        ),
        when="label noise; between ce (q to 0) and mae (q = 1)",
    ),
    CatalogueLoss(
        name="alpha_loss",
        template="y_true*alpha/(alpha - 1)*(1 - y_pred**(1 - 1/alpha))",
        parameters={"alpha": Parameter(2.0, 1.01, 1000.0, "towards 1 it is ce, towards infinity half of mae")},
        paper=Paper(
            "Sypherd, Diaz, Cava, Dasarathy, Kairouz, Sankar",
            "A Tunable Loss Function for Robust Classification: Calibration, Landscape, and Generalization",
            2022,
            "IEEE Trans. Information Theory 68(9), arXiv 1906.02314",
        ),
        when="label noise or imbalance; gce with q = 1 - 1/alpha, from information theory",
    ),
    CatalogueLoss(
        name="density_power",
        # For hard labels. Times 1/(1 + beta) it is the bi-tempered logistic loss of Amid et al. (2019) with
        # t1 = 1 - beta and t2 = 1, the softmax.
        template="y_pred**(1 + beta) + y_true*(1 - (1 + beta)*y_pred**beta)/beta",
        parameters={"beta": Parameter(0.5, 0.001, 10.0, "towards 0 it is ce, at 1 brier; half way is our choice")},
        paper=Paper(
            "Basu, Harris, Hjort, Jones",
            "Robust and Efficient Estimation by Minimising a Density Power Divergence",
            1998,
            "Biometrika 85(3)",
        ),
        when="some wrong labels and calibrated probabilities: proper and bounded; bi-tempered at t1 = 1 - beta, t2 = 1",
    ),
    CatalogueLoss(
        name="rce",
        # -p*log(y) with log(1) = 0 and log(0) = A, for hard labels.
        template="-A*y_pred*(1 - y_true)",
        parameters={"A": _LOG_OF_ZERO},
        paper=WANG,
        when="one part of sce; alone it is -A/2 times mae, and only its step differs",
    ),
    CatalogueLoss(
        name="sce",
        template="-alpha*y_true*log(y_pred) + -A*beta*y_pred*(1 - y_true)",
        parameters={
            "alpha": Parameter(0.1, 0.0, 1000.0, "the weight of ce, which fits"),
            "beta": Parameter(1.0, 0.0, 1000.0, "the weight of rce, which resists wrong labels"),
            "A": _LOG_OF_ZERO,
        },
        paper=WANG,
        when="label noise; alpha and beta as the paper sets them for CIFAR-10",
    ),
    CatalogueLoss(
        name="bootstrap_soft",
        template="-(beta*y_true + (1 - beta)*y_pred)*log(y_pred)",
        parameters={
            "beta": Parameter(0.95, 0.0, 1.0, "the share of the label in the target; the rest is the prediction")
        },
        paper=Paper(
            "Reed, Lee, Anguelov, Szegedy, Erhan, Rabinovich",
            "Training Deep Neural Networks on Noisy Labels with Bootstrapping",
            2015,
            "ICLR workshop, arXiv 1412.6596",
        ),
        when="some wrong labels and a network that is often right; ce with a reward for low entropy",
    ),
    CatalogueLoss(
        name="js",
        # pi*KL(y || m) + (1 - pi)*KL(p || m) with m = pi*y + (1 - pi)*p, divided by -(1 - pi)*log(1 - pi).
        # At y = 0 that is p, so no log(y) is needed.
        template="y_true*(pi*log(pi + (1 - pi)*y_pred) - (1 - pi)*y_pred*log(y_pred/(pi + (1 - pi)*y_pred)))"
        "/((1 - pi)*log(1 - pi)) + (1 - y_true)*y_pred",
        parameters={
            "pi": Parameter(
                0.7,
                0.001,
                0.999,
                "the weight of the label: towards 0 ce, towards 1 mae; 0.7 is the authors' for 40 % noise",
            )
        },
        paper=Paper(
            "Englesson, Azizpour",
            "Generalized Jensen-Shannon Divergence Loss for Learning with Noisy Labels",
            2021,
            "NeurIPS, arXiv 2105.04522",
        ),
        when="label noise; between ce and mae. The consistency of GJS needs several augmentations and is not in it",
    ),
    CatalogueLoss(
        name="phuber_ce",
        # Both parts switch at one place in one way, so that the proof sees their jumps cancel.
        template="y_true*(tau*(max(y_pred, 1/tau) - y_pred) - log(max(y_pred, 1/tau)))",
        parameters={
            "tau": Parameter(
                10.0, 1.0, 1e6, "below p = 1/tau ce goes on as its tangent; the experiments have 2 for CIFAR-10"
            )
        },
        paper=Paper(
            "Menon, Rawat, Reddi, Kumar",
            "Can Gradient Clipping Mitigate Label Noise?",
            2020,
            "ICLR, openreview rklB76EKPr",
        ),
        when="label noise: ce, but straight where the true class has less than 1/tau",
    ),
    CatalogueLoss(
        name="taylor_ce",
        template=_taylor,
        parameters={"order": Parameter(2.0, 1.0, 50.0, "how many terms of the series; 1 is half of mae", whole=True)},
        paper=Paper("Feng, Shu, Lin, Lv, Li, An", "Can Cross Entropy Loss Be Robust to Label Noise?", 2020, "IJCAI"),
        when="label noise; the first terms of the Taylor series of ce at p = 1",
    ),
    CatalogueLoss(
        name="agce",
        template=AGCE,
        parameters={
            "a": Parameter(0.6, 0.0, 100.0, f"how far p is shifted; 0 is gce; {_AS_SET}"),
            "q": Parameter(0.6, 0.001, 10.0, f"the power; {_AS_SET}"),
        },
        paper=ZHOU,
        when="label noise; a and q as the authors' code sets them for CIFAR-10",
    ),
    CatalogueLoss(
        name="aul",
        template=AUL,
        parameters={
            "a": Parameter(5.5, 1.01, 100.0, f"where the power is centred; {_AS_SET}"),
            "q": Parameter(3.0, 0.001, 10.0, f"the power; {_AS_SET}"),
        },
        paper=ZHOU,
        when="label noise; a and q as the authors' code sets them for CIFAR-10",
    ),
    CatalogueLoss(
        name="ael",
        template=AEL,
        parameters={"a": Parameter(2.5, 0.1, 100.0, f"the scale of p; {_AS_SET}")},
        paper=ZHOU,
        when="label noise; a as the authors' code sets it for CIFAR-10",
    ),
]
