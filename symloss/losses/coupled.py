"""Active and passive losses: a normalised loss that fits and one that resists, which couple the classes."""

from __future__ import annotations

import math

from symloss.losses.entry import CatalogueLoss, Paper, Parameter, Part
from symloss.losses.noise import AEL, AGCE, AUL, ZHOU

_MA = Paper(
    "Ma, Huang, Wang, Romano, Erfani, Bailey",
    "Normalized Loss Functions for Deep Learning with Noisy Labels",
    2020,
    "ICML, arXiv 2006.13554",
)
_CE = Part("-y_true*log(y_pred)", "alpha", normalised=True)
_FOCAL = Part("-y_true*(1 - y_pred)**gamma*log(y_pred)", "alpha", normalised=True)
_RCE = Part("-A*y_pred*(1 - y_true)", "beta")
#: 1 - p of the true class, half of the mean absolute error, as both papers' code has it beside a normalised loss.
_MAE = Part("y_true*(1 - y_pred)", "beta")

_SET = "as the authors' code sets it for CIFAR-10"
_A = Parameter(math.log(1e-4), -20.0, -0.01, "what log(0) is taken for; log(1e-4) as in the authors' code")
_GAMMA = Parameter(0.5, 0.0, 10.0, f"of the focal loss; {_SET}")
_Q = Parameter(1.5, 0.001, 10.0, f"the power; {_SET}")


def _weights(beta: float, hundred: str) -> dict[str, Parameter]:
    """Return the two weights; ``hundred`` is what the authors set for CIFAR-100."""
    return {
        "alpha": Parameter(1.0, 0.0, 1000.0, f"the weight of the loss that fits; {hundred} for 100 classes"),
        "beta": Parameter(beta, 0.0, 1000.0, f"the weight of the loss that resists; {hundred} for 100 classes"),
    }


_MA_WEIGHTS = _weights(1.0, "10 and 0.1")

LOSSES = [
    CatalogueLoss(
        name="nce",
        template=(_CE,),
        parameters={"alpha": Parameter(1.0, 0.0, 1000.0, "the weight")},
        paper=_MA,
        when="the normalised ce that the pairs below are made of; alone it resists wrong labels but fits too little",
    ),
    CatalogueLoss(
        name="nce_rce",
        template=(_CE, _RCE),
        parameters=_MA_WEIGHTS | {"A": _A},
        paper=_MA,
        when="label noise: the first of these pairs to try",
    ),
    CatalogueLoss(
        name="nce_mae",
        template=(_CE, _MAE),
        parameters=_MA_WEIGHTS,
        paper=_MA,
        when="label noise; as nce_rce with a weaker second part",
    ),
    CatalogueLoss(
        name="nfl_rce",
        template=(_FOCAL, _RCE),
        parameters=_MA_WEIGHTS | {"gamma": _GAMMA, "A": _A},
        paper=_MA,
        when="label noise; as nce_rce with focal in place of ce",
    ),
    CatalogueLoss(
        name="nfl_mae",
        template=(_FOCAL, _MAE),
        parameters=_MA_WEIGHTS | {"gamma": _GAMMA},
        paper=_MA,
        when="label noise; as nce_mae with focal in place of ce",
    ),
    CatalogueLoss(
        name="nce_agce",
        template=(_CE, Part(AGCE, "beta")),
        parameters=_weights(4.0, "10 and 0.1")
        | {"a": Parameter(6.0, 0.0, 100.0, f"how far p is shifted; {_SET}"), "q": _Q},
        paper=ZHOU,
        when="heavy label noise, also towards similar classes",
    ),
    CatalogueLoss(
        name="nce_aul",
        template=(_CE, Part(AUL, "beta")),
        parameters=_weights(4.0, "10 and 0.015")
        | {"a": Parameter(6.3, 1.01, 100.0, f"where the power is centred; {_SET}"), "q": _Q},
        paper=ZHOU,
        when="heavy label noise, also towards similar classes",
    ),
    CatalogueLoss(
        name="nce_ael",
        template=(_CE, Part(AEL, "beta")),
        parameters=_weights(4.0, "10 and 0.1") | {"a": Parameter(5.0, 0.1, 100.0, f"the scale of p; {_SET}")},
        paper=ZHOU,
        when="heavy label noise, also towards similar classes",
    ),
]
