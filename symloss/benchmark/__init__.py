"""Fair comparisons: the same seeds, splits and budgets for every loss, with statistics that say what is noise."""

from symloss.benchmark.compare import Contender, Row, catalogue_contenders, compare
from symloss.benchmark.statistics import Paired, Summary, holm, paired_difference, summary

__all__ = [
    "Contender",
    "Paired",
    "Row",
    "Summary",
    "catalogue_contenders",
    "compare",
    "holm",
    "paired_difference",
    "summary",
]
