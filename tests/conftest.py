"""Settings of all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# Continuous integration repeats the same examples, so that a red run is the change's fault; at a desk they vary.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("desk", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
