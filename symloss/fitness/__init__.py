"""What a loss is worth: networks trained with it, many at a time, on rungs of rising budget.

Example:
    >>> scores = train_population(load_task(TaskConfig()), gradients, seeds=range(5), steps=1000)
    >>> scores.final.mean(1)  # mean validation accuracy of each loss
"""

from symloss.fitness.choice import Choice, choose, choose_engine, engine_fields
from symloss.fitness.free_logits import free_logits_accuracy
from symloss.fitness.halving import Entry, Ladder, Rung
from symloss.fitness.jobs import Evaluator, Job, JobScores, run_job
from symloss.fitness.population import PopulationScores, train_population
from symloss.fitness.reference import train_reference

__all__ = [
    "Choice",
    "Entry",
    "Evaluator",
    "Job",
    "JobScores",
    "Ladder",
    "PopulationScores",
    "Rung",
    "choose",
    "choose_engine",
    "engine_fields",
    "free_logits_accuracy",
    "run_job",
    "train_population",
    "train_reference",
]
