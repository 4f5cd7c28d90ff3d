"""What is made of cells' scores."""

from __future__ import annotations

from symloss.benchmark.statistics import summary
from symloss.benchmark.table import choose_rate


def test_the_first_of_equal_rates_is_taken() -> None:
    low, high = sorted([summary([0.1, 0.7, 0.3]), summary([0.3, 0.7, 0.1])], key=lambda found: found.mean)
    assert low.mean < high.mean  # by rounding alone
    assert choose_rate("accuracy", [(0.1, low), (0.2, high)], [0, 0]).lr == 0.1
    assert choose_rate("nll", [(0.1, high), (0.2, low)], [0, 0]).lr == 0.1


def test_a_failed_run_weighs_more_than_a_score() -> None:
    tried = [(0.1, summary([0.9, 0.9])), (0.2, summary([0.5, 0.5])), (0.3, summary([0.6, 0.4]))]
    assert choose_rate("accuracy", tried, [1, 0, 0]).lr == 0.2
    assert choose_rate("accuracy", tried, [1, 2, 2]).lr == 0.1
