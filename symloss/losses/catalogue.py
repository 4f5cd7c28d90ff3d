"""Every known loss, and the other names in use."""

from __future__ import annotations

from symloss.losses import classic, coupled, found, noise, sigmoid
from symloss.losses.entry import CatalogueLoss

#: Every known loss by name.
CATALOGUE: dict[str, CatalogueLoss] = {
    loss.name: loss for family in (classic, noise, found, sigmoid, coupled) for loss in family.LOSSES
}

#: Other names in use.
ALIASES: dict[str, str] = {
    "cross_entropy": "ce",
    "mse": "brier",
    "symmetric_ce": "sce",
    "generalized_ce": "gce",
    "reverse_ce": "rce",
    "binary_ce": "bce",
    "asymmetric": "asl",
    "sigmoid_focal": "focal_sigmoid",
    "bootstrap": "bootstrap_soft",
    "jensen_shannon": "js",
    "phuber": "phuber_ce",
    "normalized_ce": "nce",
}
