"""Ray: what it says when it is missing, unreachable or lost, and what it leaves behind."""

from __future__ import annotations

import importlib
import importlib.util
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import executor_jobs as jobs
import pytest
from executor_checks import assert_drawn

from symloss.errors import SymlossError
from symloss.runtime import RayExecutor, make_executor

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray")

_SCRIPT = """
import sys
sys.path.append(sys.argv[1])
import executor_jobs as jobs
from symloss.runtime import make_executor

with make_executor(ray="local") as executor:
    assert sorted(executor.imap(lambda job: job + 1, range(3))) == [(0, 1), (1, 2), (2, 3)]
    print(list(executor.imap(jobs.dies_once, [sys.argv[2]])))
assert not sys.modules["ray"].is_initialized()
"""


def test_missing_ray_says_how_to_install_it(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(SymlossError, match=r"needs Ray; install it with: pip install 'symloss\[ray\]'"):
        make_executor(ray="local")


@pytest.mark.parametrize(
    ("address", "workers", "text"),
    [
        ("", None, "is ''"),
        (" local", None, "is ' local'"),
        ("auto", 2, "only 'local'"),
        ("local", 0, "1024"),
    ],
)
def test_bad_arguments_are_refused(address, workers, text):
    with pytest.raises(SymlossError, match=text):
        RayExecutor(address, workers)


@pytest.fixture
def port():
    """A port of this machine where somebody listens who says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@needs_ray
def test_nobody_answers_at_the_address(monkeypatch):
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    start = time.monotonic()
    for given in (address, f"ray://{address}"):
        with pytest.raises(SymlossError, match=rf"at '{given}': ConnectionRefusedError.*ray start --head"):
            make_executor(ray=given)
    assert time.monotonic() - start < 2


@needs_ray
def test_ray_refuses_at_the_address(monkeypatch, port):
    import ray

    def refuse(**options):
        assert options["address"] == f"127.0.0.1:{port}"
        assert "num_cpus" not in options  # a running cluster takes none
        raise RuntimeError("another version\nand much more")

    monkeypatch.setattr(ray, "init", refuse)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(SymlossError, match=r"does not answer at .*: RuntimeError: another version; start it"):
        make_executor(ray=f"127.0.0.1:{port}")


def test_a_lost_cluster_says_how_to_go_on(local_ray, monkeypatch):
    import ray

    def lost(*references, **options):
        raise ray.exceptions.LocalRayletDiedError

    with monkeypatch.context() as patch:
        patch.setattr(ray, "wait", lost)
        with pytest.raises(SymlossError, match=r"cluster at 'local' was lost: LocalRayletDied.*--resume"):
            list(local_ray.imap(jobs.draw, range(3)))
    assert_drawn(list(local_ray.imap(jobs.draw, range(3))), 3)


def test_an_error_of_ray_that_a_job_raises_is_its_own(local_ray):
    import ray

    with pytest.raises(ray.exceptions.RaySystemError, match="the job's own"):
        list(local_ray.imap(jobs.raises_for_ray, [0]))


def test_not_all_jobs_are_with_ray_at_once(local_ray, monkeypatch):
    import ray

    sizes = []
    wait = ray.wait
    monkeypatch.setattr(ray, "wait", lambda references: sizes.append(len(references)) or wait(references))
    assert_drawn(list(local_ray.imap(jobs.draw, range(12))), 12)
    assert max(sizes) == 4  # two a CPU


def test_a_connection_that_is_there_is_used_and_kept(local_ray):
    import ray

    with RayExecutor("local") as second:
        assert second.workers == 2
    assert ray.is_initialized()


def test_one_thread_a_job(local_ray):
    assert {result for _, result in local_ray.imap(jobs.threads, range(3))} == {(1, "1")}


@needs_ray
def test_a_program_is_quiet_and_leaves_nothing(tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _SCRIPT, str(Path(__file__).parent), str(tmp_path / "died")],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=120,
        env={name: value for name, value in os.environ.items() if not name.startswith("RAY_")},
    )
    assert done.stderr == ""
    assert done.stdout == "[(0, 'done')]\n"
    assert list(here.iterdir()) == []
