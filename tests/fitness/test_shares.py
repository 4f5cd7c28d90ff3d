from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symloss.fitness.engines import Shares, shares
from symloss.fitness.population import _jobs
from symloss.fitness.stacked import WIDTH


@pytest.mark.parametrize(
    ("engine", "chunk", "losses", "seeds", "workers", "on_cpu", "expected"),
    [
        ("mlp", 64, 64, 1, 2, True, (32, 1, 2)),
        ("mlp", 64, 64, 5, 2, True, (32, 1, 2)),
        ("mlp", 64, 200, 5, 1, True, (64, 1, 1)),
        ("mlp", 64, 33, 1, 2, True, (33, 1, 1)),  # one thread is faster than two with half of them each
        ("mlp", 64, 4, 5, 2, True, (4, 5, 1)),
        ("mlp", 64, 3, 30, 2, True, (3, 10, 2)),
        ("mlp", 3, 64, 1, 2, True, (1, 1, 2)),
        ("stacked", 64, 64, 5, 2, True, (WIDTH, 1, 2)),
        ("stacked", 4, 64, 1, 2, True, (2, 1, 2)),
        ("single", 64, 64, 1, 2, True, (4, 1, 2)),
        ("single", 64, 3, 1, 2, True, (2, 1, 2)),
        ("single", 1, 64, 1, 2, True, (1, 1, 2)),
        ("single", 64, 4, 2, 2, True, (4, 1, 2)),
        ("stacked", 500, 64, 5, 1, False, (64, 5, 1)),
        ("stacked", 500, 400, 2, 1, False, (128, 2, 1)),
        ("mlp", 500, 400, 2, 1, False, (400, 2, 1)),
        ("single", 20, 64, 5, 1, False, (20, 5, 1)),
    ],
)
def test_shares_of_the_work(engine, chunk, losses, seeds, workers, on_cpu, expected):
    assert shares(engine, chunk, losses, seeds, workers, on_cpu) == Shares(*expected)


@given(
    st.sampled_from(["mlp", "stacked", "single"]),
    st.integers(1, 200),
    st.integers(1, 200),
    st.integers(1, 20),
    st.integers(1, 8),
    st.booleans(),
)
def test_shares_cover_every_network_once(engine, chunk, losses, seeds, workers, on_cpu):
    plan = shares(engine, chunk, losses, seeds, workers, on_cpu)
    found = sorted((k, s) for some, columns in _jobs(losses, seeds, plan) for k in some for s in columns)
    assert found == [(k, s) for k in range(losses) for s in range(seeds)]
    assert plan.members == 1 or plan.members * plan.workers <= chunk
    assert 1 <= plan.workers <= workers
