"""What names there are, for a shell that completes them.

The lists proper import numpy, SciPy or torch, which takes longer than a person who presses Tab waits; these are copies
of them, and a test says where one is out of date.
"""

from __future__ import annotations

LOSSES = (
    *(
        "ce",
        "label_smoothed_ce",
        "label_relaxation",
        "confidence_penalty",
        "poly1",
        "poly1_focal",
        "focal",
        "dual_focal",
    ),
    *("brier", "squared_log", "mae", "gce", "alpha_loss", "density_power", "rce", "sce", "bootstrap_soft", "js"),
    *("phuber_ce", "taylor_ce", "agce", "aul", "ael", "ngl", "ngl_sigmoid", "baikal", "bce", "focal_sigmoid", "asl"),
    *("hinge", "squared_hinge", "unhinged", "exponential", "savage", "tangent", "sigmoid_loss", "square_logits"),
    *("nce", "nce_rce", "nce_mae", "nfl_rce", "nfl_mae", "nce_agce", "nce_aul", "nce_ael"),
)
GRAMMARS = ("autoloss-zero", "cse-autoloss", "default", "evomal", "neuroloss", "ngl", "taylorglo")
#: Those that a loss can be trained on by itself, and the others that can be fetched and checked.
DATASETS = (
    *("digits", "mnist", "fashion-mnist", "cifar-10", "cifar-100", "svhn", "malaria", "pcam", "colorectal-histology"),
    *("caltech-101", "flowers-102"),
)
OTHER_DATASETS = ("imagenet-1k", "voc-2012", "voc-2012-aug", "coco-stuff-164k", "camvid")
#: Those that classify.
MODELS = (
    *("mlp", "cnn", "resnet18", "resnet50", "resnet101", "inception-v3", "densenet121", "efficientnet-b0"),
    *("convnext-tiny", "vit-b-16", "swin-t"),
)
METRICS = ("accuracy", "balanced-accuracy", "macro-f1", "auroc", "ece")
STRATEGIES = ("gp", "regularized-evolution", "random", "cmaes")
CONTROLS = ("none", "random")
OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("constant", "cosine")
NOISES = ("symmetric", "asymmetric")
ENGINES = ("auto", "stacked", "single")
PRECISIONS = ("float32", "tf32", "bfloat16")
DEVICES = ("auto", "cpu", "cuda", "mps")
