"""torchvision's classifiers, trained from scratch: a table of what each is, and the one function that builds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from symloss.models.images import MOST_DOUBLINGS, check_images
from symloss.models.model import Model, Parameter, Request, Value

if TYPE_CHECKING:
    from torch import nn

_HEAD = Parameter(
    "linear",
    "linear is the network's own classifier; paper is global max pooling and three layers, as in Akhmedova and Koerber "
    "2024",
    choices=("linear", "paper"),
)
_UPSAMPLE = Parameter(
    0, "how often the images' sides are doubled first, by the nearest neighbour", low=0, high=MOST_DOUBLINGS
)
_NORM = Parameter(
    "batch", "what normalises in the backbone: BatchNorm, or GroupNorm with 32 groups", choices=("batch", "group")
)
#: torchvision leaves the weight of the loss to the user; this one is the paper's.
_INCEPTION_AUX_WEIGHT = 0.4
#: One network at a time: stacked convolutions of this size are slower, and a stack may not fit into memory.
_CONVOLUTIONS: dict[str, object] = {"lr": 1e-3, "schedule": "cosine", "engine": "single"}
_TRANSFORMERS: dict[str, object] = {"optimizer": "adamw", "lr": 5e-4, "schedule": "cosine", "engine": "single"}


def _dropout(default: float, where: str) -> Parameter:
    return Parameter(default, f"the probability that dropout drops a value {where}", low=0, high=0.9)


@dataclass(frozen=True)
class _Kind:
    """What one of torchvision's networks is.

    Attributes:
        function: its name in ``torchvision.models``.
        features: what its backbone hands to the classifier.
        least: the shortest side that its layers take, in pixels.
        options: from a request to the arguments of the function.
        top: puts a head in place of its classifier, with global max pooling before it where there are feature maps.
        multiple, square: see :func:`~symloss.models.images.check_images`.
    """

    function: str
    features: int
    least: int
    top: Callable[[nn.Module, nn.Module], nn.Module]
    options: Callable[[Request], dict[str, Any]] = field(default=lambda request: {})
    multiple: int = 1
    square: bool = False

    def build(self, request: Request) -> nn.Module:
        # Not at the top of the file: torchvision takes seconds to import, and listings need none of it.
        import torchvision

        from symloss.models.layers import Adapted, paper_head

        values = request.values
        aux = bool(values.get("aux", False))
        # The auxiliary head ends in a 5x5 convolution without padding, for which 299 pixels leave exactly 5x5 places.
        check_images(request, 299 if aux else self.least, multiple=self.multiple, square=self.square)
        constructor = getattr(torchvision.models, self.function)
        network = constructor(weights=None, num_classes=request.classes, **self.options(request))
        if values["head"] == "paper":
            network = self.top(network, paper_head(self.features, request.classes))
        return Adapted(network, request.shape[0], int(values["upsample"]), _INCEPTION_AUX_WEIGHT if aux else 0.0)


def _pooled(top: str) -> Callable[[nn.Module, nn.Module], nn.Module]:
    """Return the ``top`` of networks whose pooling is their ``avgpool`` and whose classifier has the given name."""

    def replace(network: nn.Module, head: nn.Module) -> nn.Module:
        from symloss.models.layers import GlobalMax

        network.avgpool = GlobalMax()
        setattr(network, top, head)
        return network

    return replace


def _inception_top(network: nn.Module, head: nn.Module) -> nn.Module:
    from torch import nn

    network.dropout = nn.Identity()
    return _pooled("fc")(network, head)


def _densenet_top(network: nn.Module, head: nn.Module) -> nn.Module:
    from torch import nn

    from symloss.models.layers import GlobalMax

    # torchvision applies the last ReLU and the pooling in forward(), which has the average alone.
    return nn.Sequential(network.features, nn.ReLU(inplace=True), GlobalMax(), head)  # type: ignore[arg-type]


def _vit_top(network: nn.Module, head: nn.Module) -> nn.Module:
    network.heads = head  # behind the class token, so there is nothing to pool
    return network


def _resnet_options(request: Request) -> dict[str, Any]:
    if request.values["norm"] == "batch":
        return {}
    from symloss.models.layers import group_norm

    return {"norm_layer": group_norm}


def _inception_options(request: Request) -> dict[str, Any]:
    # init_weights is torchvision's default as well, but leaving it out is a warning.
    values = request.values
    return {"aux_logits": values["aux"], "dropout": values["dropout"], "init_weights": True}


def _vit_options(request: Request) -> dict[str, Any]:
    side = request.shape[1] << int(request.values["upsample"])
    return {"image_size": side, "dropout": request.values["dropout"]}


def _one_dropout(default: float) -> Callable[[Mapping[str, Value]], str | None]:
    """Return the conflict of networks whose dropout, as published ``default``, belongs to the classifier alone."""

    def conflict(values: Mapping[str, Value]) -> str | None:
        if values["head"] == "paper" and values["dropout"] != default:
            return "dropout is of the linear head, and head=paper has dropout of its own; leave one of the two out"
        return None

    return conflict


def _model(name: str, kind: _Kind, description: str, paper: str, defaults: dict[str, object], **more: Any) -> Model:
    parameters = {"head": _HEAD, "upsample": _UPSAMPLE} | more.pop("parameters", {})
    return Model(name, "classification", description, kind.build, paper, parameters, defaults, **more)


def _resnet(depth: int, features: int) -> Model:
    return _model(
        f"resnet{depth}",
        _Kind(f"resnet{depth}", features, 8, _pooled("fc"), _resnet_options),
        f"residual network of {depth} layers, for images from 8x8 on",
        "He et al. 2016, Deep Residual Learning for Image Recognition, CVPR",
        _CONVOLUTIONS,
        parameters={"norm": _NORM},
    )


VISION = (
    _resnet(18, 512),
    _resnet(50, 2048),
    _resnet(101, 2048),
    _model(
        "inception-v3",
        _Kind("inception_v3", 2048, 75, _inception_top, _inception_options),
        "Inception of the third version, for images from 75x75 on, with its auxiliary head from 299x299 on",
        "Szegedy et al. 2016, Rethinking the Inception Architecture for Computer Vision, CVPR",
        _CONVOLUTIONS,
        parameters={
            "aux": Parameter(False, "whether it trains with the auxiliary head, whose loss counts 0.4"),
            "dropout": _dropout(0.5, "before the linear classifier"),
        },
        conflict=_one_dropout(0.5),
    ),
    _model(
        "densenet121",
        _Kind("densenet121", 1024, 32, _densenet_top, lambda request: {"drop_rate": request.values["dropout"]}),
        "densely connected network of 121 layers, for images from 32x32 on",
        "Huang et al. 2017, Densely Connected Convolutional Networks, CVPR",
        _CONVOLUTIONS,
        parameters={"dropout": _dropout(0.0, "behind each dense layer")},
    ),
    _model(
        "efficientnet-b0",
        _Kind(
            "efficientnet_b0",
            1280,
            32,
            _pooled("classifier"),
            lambda request: {"dropout": request.values["dropout"]},
        ),
        "the smallest EfficientNet, for images from 32x32 on",
        "Tan and Le 2019, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML",
        _CONVOLUTIONS,
        parameters={"dropout": _dropout(0.2, "before the linear classifier")},
        conflict=_one_dropout(0.2),
    ),
    _model(
        "convnext-tiny",
        _Kind("convnext_tiny", 768, 32, _pooled("classifier")),
        "the smallest ConvNeXt, for images from 32x32 on",
        "Liu et al. 2022, A ConvNet for the 2020s, CVPR",
        _TRANSFORMERS,
    ),
    _model(
        "vit-b-16",
        _Kind("vit_b_16", 768, 16, _vit_top, _vit_options, multiple=16, square=True),
        "vision transformer, base size, 16x16 patches, for square images whose side is a multiple of 16",
        "Dosovitskiy et al. 2021, An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale, ICLR",
        _TRANSFORMERS,
        parameters={"dropout": _dropout(0.0, "in the transformer's blocks")},
    ),
    _model(
        "swin-t",
        _Kind("swin_t", 768, 32, _pooled("head"), lambda request: {"dropout": request.values["dropout"]}),
        "the smallest Swin transformer, for images from 32x32 on",
        "Liu et al. 2021, Swin Transformer: Hierarchical Vision Transformer using Shifted Windows, ICCV",
        _TRANSFORMERS,
        parameters={"dropout": _dropout(0.0, "in the transformer's blocks")},
    ),
)
