"""What these tests share: jobs in a module that workers import by name, as they do a user's own, and one local Ray."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from symloss.runtime import RayExecutor

sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="session")
def local_ray():
    """An executor on two CPUs of this machine. Starting Ray takes seconds."""
    pytest.importorskip("ray")
    with RayExecutor("local", 2) as executor:
        yield executor
