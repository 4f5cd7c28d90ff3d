"""What several tests of executors check."""

from __future__ import annotations

import os
import time

import executor_jobs as jobs
import numpy as np


def assert_drawn(results, count):
    assert sorted(place for place, _ in results) == list(range(count))
    want = jobs.expected(count)
    for place, array in results:
        np.testing.assert_array_equal(array, want[place])


def wait_for(path, seconds=20.0):
    """Return the number in a file as soon as it is there."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} was not written"
        time.sleep(0.01)
    return int(path.read_text())


def gone(process, seconds=3.0):
    """Return whether a process ends in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False
