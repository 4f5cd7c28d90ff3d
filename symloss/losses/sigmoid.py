"""Losses on a sigmoid output: each class against the rest, on its probability or on its raw logit."""

from __future__ import annotations

from symloss.losses.entry import CatalogueLoss, Paper, Parameter

#: The logit z of y_pred = sigmoid(z), and the margin: z for the true class, -z for the others.
_LOGIT = "(log(y_pred) - log(1 - y_pred))"
_MARGIN = f"(2*y_true - 1)*{_LOGIT}"

_TANG = Paper("Tang", "Deep Learning using Linear Support Vector Machines", 2013, "ICML workshop, arXiv 1306.0239")
_WIDTH = Parameter(
    1.0, 0.0, 100.0, "the margin from which an example has no loss; Janocha and Czarnecki (2017) have 1/2"
)

LOSSES = [
    CatalogueLoss(
        name="bce",
        template="-y_true*log(y_pred) - (1 - y_true)*log(1 - y_pred)",
        output="sigmoid",
        paper=Paper(
            "Wightman, Touvron, Jégou",
            "ResNet Strikes Back: An Improved Training Procedure in timm",
            2021,
            "NeurIPS workshop, arXiv 2110.00476",
        ),
        when="several labels a sample, or mixed images; the logistic loss of each class against the rest",
    ),
    CatalogueLoss(
        name="focal_sigmoid",
        template="-alpha*y_true*(1 - y_pred)**gamma*log(y_pred)"
        " - (1 - alpha)*(1 - y_true)*y_pred**gamma*log(1 - y_pred)",
        output="sigmoid",
        parameters={
            "alpha": Parameter(0.25, 0.0, 1.0, "the weight of the true class; that of the others is 1 - alpha"),
            "gamma": Parameter(2.0, 0.0, 10.0, "how strongly easy examples are passed over"),
        },
        paper=Paper(
            "Lin, Goyal, Girshick, He, Dollár",
            "Focal Loss for Dense Object Detection",
            2017,
            "ICCV, arXiv 1708.02002",
        ),
        when="detection and other tasks where nearly everything is background",
    ),
    CatalogueLoss(
        name="asl",
        template="-y_true*(1 - y_pred)**gamma_pos*log(y_pred)"
        " - (1 - y_true)*relu(y_pred - margin)**gamma_neg*log(1 - relu(y_pred - margin))",
        output="sigmoid",
        parameters={
            "gamma_neg": Parameter(
                4.0, 0.0, 10.0, "how strongly easy negatives are passed over; the authors' for MS-COCO"
            ),
            "gamma_pos": Parameter(
                0.0, 0.0, 10.0, "how strongly easy positives are passed over; the authors' for MS-COCO"
            ),
            "margin": Parameter(0.05, 0.0, 0.9, "negatives below this probability do not count at all"),
        },
        paper=Paper(
            "Ben-Baruch, Ridnik, Zamir, Noy, Friedman, Protter, Zelnik-Manor",
            "Asymmetric Loss for Multi-Label Classification",
            2021,
            "ICCV, arXiv 2009.14119",
        ),
        when="many labels of which few hold, some of them missing",
    ),
    CatalogueLoss(
        name="hinge",
        template=f"relu(margin - {_MARGIN})",
        output="sigmoid",
        parameters={"margin": _WIDTH},
        paper=_TANG,
        when="a support vector machine as the last layer; squared_hinge trains more smoothly",
    ),
    CatalogueLoss(
        name="squared_hinge",
        template=f"relu(margin - {_MARGIN})**2",
        output="sigmoid",
        parameters={"margin": _WIDTH},
        paper=_TANG,
        when="a support vector machine as the last layer, with clean labels",
    ),
    CatalogueLoss(
        name="unhinged",
        template=f"1 - {_MARGIN}",
        output="sigmoid",
        paper=Paper(
            "van Rooyen, Menon, Williamson",
            "Learning with Symmetric Label Noise: The Importance of Being Unhinged",
            2015,
            "NeurIPS, arXiv 1505.07634",
        ),
        when="label noise in theory; unbounded below, so only with strong weight decay",
    ),
    CatalogueLoss(
        name="exponential",
        template=f"exp(-{_MARGIN})",
        output="sigmoid",
        paper=Paper(
            "Friedman, Hastie, Tibshirani",
            "Additive Logistic Regression: a Statistical View of Boosting",
            2000,
            "Annals of Statistics 28(2)",
        ),
        when="the loss of AdaBoost, for comparison: wrong labels and float32 make it explode",
    ),
    CatalogueLoss(
        name="savage",
        # 1/(1 + exp(2*v))**2 of the paper, at half of the logit.
        template="(y_true - y_pred)**2",
        output="sigmoid",
        paper=Paper(
            "Masnadi-Shirazi, Vasconcelos",
            "On the Design of Loss Functions for Classification: Theory, Robustness to Outliers, and SavageBoost",
            2008,
            "NeurIPS",
        ),
        when="outliers: brier of each class against the rest, whose gradient fades where a label cannot be right",
    ),
    CatalogueLoss(
        name="tangent",
        template=f"(2*atan({_MARGIN}) - 1)**2",
        output="sigmoid",
        paper=Paper(
            "Masnadi-Shirazi, Mahadevan, Vasconcelos",
            "On the Design of Robust Classifiers for Computer Vision",
            2010,
            "CVPR",
        ),
        when="outliers; bounded, and logits that are too right cost as well",
    ),
    CatalogueLoss(
        name="sigmoid_loss",
        template="abs(y_true - y_pred)",
        output="sigmoid",
        paper=Paper(
            "Ghosh, Manwani, Sastry",
            "Making Risk Minimization Tolerant to Label Noise",
            2015,
            "Neurocomputing 160, arXiv 1403.3610",
        ),
        when="heavy label noise with few classes; mae of each class against the rest",
    ),
    CatalogueLoss(
        name="square_logits",
        template=f"k*y_true*({_LOGIT} - M)**2 + (1 - y_true)*{_LOGIT}**2",
        output="sigmoid",
        class_reduction="mean",
        parameters={
            "k": Parameter(1.0, 0.01, 1000.0, "the weight of the true class; raise it for 42 classes and more"),
            "M": Parameter(1.0, 0.01, 1000.0, "the logit that the true class should have; raise it with k"),
        },
        paper=Paper(
            "Hui, Belkin",
            "Evaluation of Neural Architectures Trained with Square Loss vs Cross-Entropy in Classification Tasks",
            2021,
            "ICLR, arXiv 2006.07322",
        ),
        when="a regression to one-hot targets on raw logits; as good as ce on many tasks, with its learning rate tuned",
    ),
]
