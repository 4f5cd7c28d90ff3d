"""What holds for every executor: in this process, on local processes, on Ray."""

from __future__ import annotations

import os
import signal
import threading
import time

import executor_jobs as jobs
import numpy as np
import pytest
from executor_checks import assert_drawn, gone, wait_for

from symloss.errors import SymlossError
from symloss.runtime import InProcess, Processes, make_executor


@pytest.fixture(scope="module")
def two_processes():
    with Processes(2) as executor:
        yield executor


@pytest.fixture(params=["in_process", "two_processes", "local_ray"])
def executor(request):
    return InProcess() if request.param == "in_process" else request.getfixturevalue(request.param)


@pytest.fixture(params=["two_processes", "local_ray"])
def remote(request):
    return request.getfixturevalue(request.param)


def test_every_job_is_done_once_and_knows_its_place(executor):
    assert_drawn(list(executor.imap(jobs.draw, range(9))), 9)
    assert_drawn(list(executor.imap(jobs.draw, range(1))), 1)
    assert list(executor.imap(jobs.draw, [])) == []


def test_results_come_as_they_finish(remote, tmp_path):
    list(remote.imap(jobs.process_of, range(4)))  # both workers run
    delays = [1.0, 0.0, 0.0, 0.0]
    order = [place for place, _ in remote.imap(jobs.mark, [(tmp_path, p, s) for p, s in enumerate(delays)])]
    assert order[-1] == 0


def test_all_workers_work_and_are_kept(remote):
    first = {process for _, process in remote.imap(jobs.process_of, range(12))}
    assert remote.workers == len(first) == 2
    assert os.getpid() not in first
    assert {process for _, process in remote.imap(jobs.process_of, range(12))} == first


def test_large_jobs_and_results(executor):
    arrays = [np.full(500_000, place, np.float64) for place in range(3)]
    assert dict(executor.imap(jobs.array_sum, arrays)) == {0: 0.0, 1: 500_000.0, 2: 1_000_000.0}


@pytest.mark.parametrize(
    ("kind", "error", "text"),
    [
        ("symloss", SymlossError, "x is 1; it must be 2"),
        ("key", KeyError, "'a'"),
        ("demanding", SymlossError, "a job failed with Demanding: one"),
        ("unpicklable", SymlossError, "a job failed with Unpicklable: no"),
        ("exit", SymlossError, "a job failed with SystemExit: 3"),
    ],
)
def test_an_exception_is_raised_as_itself_after_what_ran_beside_it(remote, kind, error, text):
    results = []
    with pytest.raises(error) as caught:
        _collect(remote.imap(jobs.raises, [(kind, place) for place in range(40)]), results)
    assert type(caught.value) is error
    assert str(caught.value) == text
    assert "executor_jobs.py" in caught.value.__notes__[0]  # where it happened
    assert (0, 0) in results
    assert len(results) < 10
    assert dict(remote.imap(jobs.array_sum, [[1.0, 2.0]])) == {0: 3.0}  # the executor goes on


def _collect(iterator, into):
    """Keep what comes before an exception."""
    for item in iterator:
        into.append(item)


def test_in_process_an_exception_is_raised_at_its_job():
    iterator = InProcess().imap(jobs.raises, [("demanding", 0), ("demanding", 1)])
    assert next(iterator) == (0, 0)
    with pytest.raises(jobs.Demanding):
        next(iterator)


def test_a_result_that_does_not_pickle_is_an_error(remote):
    with pytest.raises(TypeError, match="this result does not pickle"):
        list(remote.imap(jobs.unpicklable_result, [1]))


def test_what_cannot_be_sent_is_an_error(remote):
    with pytest.raises(SymlossError, match="job 1 cannot be sent to a worker process: this result does not pickle"):
        list(remote.imap(jobs.draw, [1, jobs.Refuses()]))
    assert_drawn(list(remote.imap(jobs.draw, range(3))), 3)


def test_a_killed_worker_is_replaced_and_its_job_done(remote, tmp_path):
    killed = []

    def kill():
        killed.append(wait_for(tmp_path / "pid"))
        os.kill(killed[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    assert_drawn(list(remote.imap(jobs.wait_to_be_killed, [(tmp_path, place) for place in range(8)])), 8)
    killer.join()
    assert gone(killed[0])


def test_a_job_that_kills_its_workers_is_named_and_the_others_are_kept(remote):
    results = []
    with pytest.raises(SymlossError, match=r"job 2 ended its .*memory ran out; use .*smaller chunks.*--resume"):
        _collect(remote.imap(jobs.dies, range(4)), results)
    assert {(0, 0), (1, 1)} <= set(results)
    assert (2, 2) not in results
    assert_drawn(list(remote.imap(jobs.draw, range(3))), 3)


def test_an_abandoned_iterator_cancels_what_is_not_finished(executor, tmp_path):
    iterator = executor.imap(jobs.quick_then_endless, [(tmp_path, place) for place in range(30)])
    assert next(iterator) == (0, 0)
    if executor.workers > 1:
        wait_for(tmp_path / "pid1")
    start = time.monotonic()
    iterator.close()
    assert_drawn(list(executor.imap(jobs.draw, range(3))), 3)
    assert time.monotonic() - start < 10
    started = [path.read_text() for path in tmp_path.glob("pid*")]
    assert len(started) <= 5
    # One that was ended between opening its file and writing there has left no number.
    assert all(gone(int(process)) for process in started if process)


def test_an_abandoned_iterator_ends_its_processes_at_once(tmp_path):
    with Processes(2) as executor:
        iterator = executor.imap(jobs.quick_then_endless, [(tmp_path, place) for place in range(2)])
        next(iterator)
        process = wait_for(tmp_path / "pid1")
        iterator.close()
        assert gone(process, 0.5)


def test_the_function_is_read_once_by_each_worker(remote):
    for _ in range(2):
        results = [result for _, result in remote.imap(jobs.Heavy(), range(12))]
        readings, processes = {reading for reading, _ in results}, {process for _, process in results}
        assert len(readings) == len(processes)
        assert {process for process, _ in readings} == processes


def test_a_closed_executor_starts_anew(tmp_path):
    executor = Processes(2)
    ((_, first),) = executor.imap(jobs.process_of, [0])
    executor.close()
    assert gone(first)
    ((_, second),) = executor.imap(jobs.process_of, [0])
    executor.close()
    executor.close()
    assert gone(second)


@pytest.mark.parametrize("workers", [None, 1])
def test_one_worker_is_this_process(workers):
    executor = make_executor(workers, None)
    assert isinstance(executor, InProcess)
    assert executor.workers == 1
    assert [process for _, process in executor.imap(jobs.process_of, range(2))] == [os.getpid()] * 2


def test_many_workers_are_processes_that_start_when_needed():
    executor = make_executor(3)
    assert isinstance(executor, Processes)
    assert executor.workers == 3
    assert executor._pool == []


@pytest.mark.parametrize("workers", [0, -1, 1025, 2.0, True, "2"])
def test_bad_workers_are_refused(workers):
    with pytest.raises(SymlossError, match=r"workers is .*whole number from 1 to 1024"):
        make_executor(workers)


def test_workers_and_ray_exclude_each_other():
    with pytest.raises(SymlossError, match="workers is 2 and ray is 'local'; give one of them"):
        make_executor(2, "local")
