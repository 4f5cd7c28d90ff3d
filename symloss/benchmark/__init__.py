"""Fair comparisons: the same seeds, splits and budgets for every loss, with statistics that say what is noise.

Example:
    >>> result = run("benchmark.yaml")
    >>> result.tasks[0].rows[1].gain
"""

from symloss.benchmark.compare import Contender, Row, catalogue_contenders, compare
from symloss.benchmark.config import BenchmarkConfig, Sweep, combine, contenders_of, experiments_of
from symloss.benchmark.published import Published, PublishedScore, load_published
from symloss.benchmark.ranks import Friedman, Ranking, critical_difference, friedman, ranking
from symloss.benchmark.reader import load_config
from symloss.benchmark.result import BenchmarkResult, CellRecord
from symloss.benchmark.running import default_folder, run
from symloss.benchmark.statistics import Paired, Summary, holm, paired_difference, summary
from symloss.benchmark.table import TaskResult
from symloss.benchmark.trainers import Experiment
from symloss.benchmark.training import Progress

__all__ = [
    "BenchmarkConfig",
    "BenchmarkResult",
    "CellRecord",
    "Contender",
    "Experiment",
    "Friedman",
    "Paired",
    "Progress",
    "Published",
    "PublishedScore",
    "Ranking",
    "Row",
    "Summary",
    "Sweep",
    "TaskResult",
    "catalogue_contenders",
    "combine",
    "compare",
    "contenders_of",
    "critical_difference",
    "default_folder",
    "experiments_of",
    "friedman",
    "holm",
    "load_config",
    "load_published",
    "paired_difference",
    "ranking",
    "run",
    "summary",
]
