"""What the surrogate saves, as the report counts it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "quality" / "search_report.py"


@pytest.fixture(scope="module")
def report(load_script: Callable[[Path], ModuleType]) -> ModuleType:
    return load_script(SCRIPT)


def test_candidates_are_counted_until_the_medians_are_there(report: ModuleType) -> None:
    slow = [[(10, 0.5), (90, 0.8)], [(10, 0.6), (60, 0.9)], [(10, 0.4), (80, 0.7)]]  # median 0.8 from 90 on
    fast = [[(10, 0.5), (30, 0.8)], [(20, 0.95)], [(10, 0.1)]]  # median 0.8 from 30 on
    assert report.saving({"gp": fast, "unaided": slow}) == pytest.approx((0.8, 30, 90))


def test_another_middle_than_the_median_can_be_taken(report: ModuleType) -> None:
    slow = [[(10, 0.5), (90, 0.8)], [(10, 0.5), (90, 0.8)], [(10, 0.5), (60, 0.5)]]  # mean 0.7 from 90 on
    fast = [[(10, 0.5), (30, 0.9)], [(20, 0.7)], [(10, 0.5)]]  # mean 0.7 from 30 on, median 0.7 only
    runs = {"gp": fast, "unaided": slow}
    assert report.saving(runs, np.mean) == pytest.approx((0.7, 30, 90))
    assert report.saving(runs)[1] == float("inf")


def test_a_score_that_is_lost_again_is_not_reached(report: ModuleType) -> None:
    goal = [[(10, 0.5), (90, 0.8)]]
    assert report.saving({"gp": [[(10, 0.9), (40, 0.7), (70, 0.8)]], "unaided": goal})[1] == 70
    assert report.saving({"gp": [[(10, 0.9), (40, 0.7)]], "unaided": goal})[1] == float("inf")
