"""The networks that give every pixel a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symloss.models.images import check_images
from symloss.models.model import Model, Parameter, Request

if TYPE_CHECKING:
    from torch import nn

#: Of the auxiliary head's loss, as in torchvision's reference training of its segmentation networks.
_AUX_WEIGHT = 0.5


def _unet(request: Request) -> nn.Module:
    from symloss.models.unet import UNet

    values = request.values
    width, depth = int(values["width"]), int(values["depth"])
    check_images(request, 2**depth, colours=False)
    return UNet(request.shape[0], request.classes, width, depth, str(values["norm"]))


def _deeplab(request: Request) -> nn.Module:
    from torchvision.models.segmentation import deeplabv3_resnet50

    from symloss.models.layers import Adapted

    check_images(request, 32)
    aux = bool(request.values["aux"])
    network = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=request.classes, aux_loss=aux)
    return Adapted(network, request.shape[0], aux_weight=_AUX_WEIGHT if aux else 0.0)


SEGMENTATION = (
    Model(
        name="unet",
        task="segmentation",
        description="the U-Net, padded and normalised, for images from 16x16 on (2**depth), of any number of channels",
        build=_unet,
        paper="Ronneberger et al. 2015, U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI",
        parameters={
            "width": Parameter(32, "channels of the first level; each level has twice those above", low=1, high=512),
            "depth": Parameter(4, "how often the image is halved", low=1, high=6),
            "norm": Parameter("batch", "what normalises: BatchNorm, or GroupNorm with 8 groups", ("batch", "group")),
        },
    ),
    Model(
        name="deeplabv3-resnet50",
        task="segmentation",
        description="atrous convolutions on a residual network of 50 layers, for images from 32x32 on",
        build=_deeplab,
        paper="Chen et al. 2017, Rethinking Atrous Convolution for Semantic Image Segmentation, arXiv 1706.05587",
        parameters={"aux": Parameter(False, "whether it trains with the auxiliary head, whose loss counts 0.5")},
    ),
)
