"""What a loss is trained on: data, splits, label noise, network and optimiser settings.

Example:
    >>> task = load_task(TaskConfig(label_noise=0.4))
    >>> fold = task.split(seed=0)  # seeds 0..4 use each image of the pool as validation exactly once
"""

from symloss.tasks.config import MODELS, TaskConfig
from symloss.tasks.datasets import DATASETS, Dataset
from symloss.tasks.task import Split, Task, load_task

__all__ = ["DATASETS", "MODELS", "Dataset", "Split", "Task", "TaskConfig", "load_task"]
