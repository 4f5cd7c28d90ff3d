"""What a loss is trained on: data, splits and their conditions, networks, metrics and settings.

Example:
    >>> task = load_task(TaskConfig(label_noise=0.4))
    >>> fold = task.split(seed=0)  # seeds 0..4 use each image of the pool as validation exactly once
    >>> network = task.network(seed=0)
    >>> logits = network(torch.tensor(task.inputs[fold.validation]))
    >>> METRICS["accuracy"](logits[None], torch.tensor(task.labels[fold.validation]))
"""

from symloss.data import DATA_VARIABLE
from symloss.models import initial_weights
from symloss.tasks.conditions import NOISES
from symloss.tasks.config import ENGINES, OPTIMIZERS, PRECISIONS, SCHEDULES, TaskConfig
from symloss.tasks.datasets import DATASETS, OWN_DATASETS, Dataset
from symloss.tasks.metrics import METRICS, Metric
from symloss.tasks.models import MODELS, OWN_MODELS, Model, defaults_of
from symloss.tasks.samples import SCALINGS
from symloss.tasks.task import Split, Task, load_task

__all__ = [
    "DATASETS",
    "DATA_VARIABLE",
    "ENGINES",
    "METRICS",
    "MODELS",
    "NOISES",
    "OPTIMIZERS",
    "OWN_DATASETS",
    "OWN_MODELS",
    "PRECISIONS",
    "SCALINGS",
    "SCHEDULES",
    "Dataset",
    "Metric",
    "Model",
    "Split",
    "Task",
    "TaskConfig",
    "defaults_of",
    "initial_weights",
    "load_task",
]
