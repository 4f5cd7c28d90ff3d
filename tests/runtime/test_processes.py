"""Local worker processes: threads, signals, and what is left when something ends."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import threading
import time
from multiprocessing import connection
from pathlib import Path

import executor_jobs as jobs
import pytest
from executor_checks import assert_drawn, gone, wait_for

from symloss.errors import SymlossError
from symloss.runtime import Processes, processes
from symloss.runtime.executor import cores

_SCRIPT = """
import sys
sys.path.append(sys.argv[1])
import executor_jobs as jobs
from symloss.runtime import Processes

if __name__ == "__main__":
    with Processes(2) as executor:
        list(executor.imap(jobs.note_and_sleep, [(sys.argv[2], place) for place in range(2)]))
"""


@pytest.fixture
def script(tmp_path):
    """A program with two workers that compute for a minute, and their process ids."""
    path = tmp_path / "program.py"
    path.write_text(_SCRIPT)
    program = subprocess.Popen(
        [sys.executable, str(path), str(Path(__file__).parent), str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests that run in the background of a shell inherit that Ctrl-C is ignored.
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield program, [wait_for(tmp_path / f"pid{place}") for place in range(2)]
    finally:
        program.kill()
        program.communicate()


def test_ctrl_c_ends_the_program_and_its_workers_at_once(script):
    program, workers = script
    start = time.monotonic()
    os.killpg(program.pid, signal.SIGINT)  # as a terminal does: the workers get it too
    _, errors = program.communicate(timeout=10)
    assert time.monotonic() - start < 2
    assert all(gone(worker, 0.5) for worker in workers)
    assert program.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1  # the parent's
    assert errors.strip().endswith("KeyboardInterrupt")


def test_a_worker_ignores_ctrl_c_before_it_is_ready(tmp_path):
    path = tmp_path / "slow_start.py"
    path.write_text(
        "import os, pathlib, time\n"
        "from symloss.runtime import Processes\n"
        "if __name__ == '__mp_main__':  # in a worker, before any code of ours\n"
        f"    pathlib.Path({str(tmp_path)!r}, f'{{os.getpid()}}').touch()\n"
        "    time.sleep(1)\n"
        "if __name__ == '__main__':\n"
        "    with Processes(2) as executor:\n"
        "        print(sorted(executor.imap(abs, [1, -2])))\n"
    )
    pipe = subprocess.PIPE
    program = subprocess.Popen([sys.executable, path], stdout=pipe, stderr=pipe, text=True)
    end = time.monotonic() + 20
    while len(started := [int(file.name) for file in tmp_path.iterdir() if file.name.isdigit()]) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    for worker in started:
        os.kill(worker, signal.SIGINT)
    assert program.communicate(timeout=20) == ("[(0, 1), (1, 2)]\n", "")


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_soon_after_a_killed_parent(script, ending):
    program, workers = script
    program.send_signal(ending)
    assert all(gone(worker, 2.0) for worker in workers)
    _, errors = program.communicate(timeout=10)
    assert errors == ""


def test_a_worker_that_ignores_the_polite_signal_ends_too(tmp_path):
    with Processes(2) as executor:
        iterator = executor.imap(jobs.stubborn, [(tmp_path, 0), (tmp_path, 1)])
        assert next(iterator) == (1, 1)
        worker = wait_for(tmp_path / "pid0")
    assert gone(worker)
    with pytest.raises(SymlossError, match="were cancelled"):
        next(iterator)


def test_threads_share_the_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    threads = max(1, cores() // 2)
    with Processes(2) as executor:
        assert {result for _, result in executor.imap(jobs.threads, range(4))} == {(threads, f"{threads}")}
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_the_function_is_sent_once_to_each_worker(monkeypatch):
    sent = []
    send = connection.Connection.send_bytes
    monkeypatch.setattr(connection.Connection, "send_bytes", lambda self, m: sent.append(len(m)) or send(self, m))
    function = functools.partial(jobs.length_and, b"data" * 250_000)
    with Processes(2) as executor:
        assert dict(executor.imap(function, range(10))) == {place: 1_000_000 + place for place in range(10)}
    assert len(sent) == 10
    assert sum(size > 1_000_000 for size in sent) <= 2


def test_a_worker_ignores_ctrl_c(tmp_path):
    def interrupt():
        os.kill(wait_for(tmp_path / "pid0"), signal.SIGINT)
        (tmp_path / "pid1").touch()

    sender = threading.Thread(target=interrupt)
    sender.start()
    with Processes(2) as executor:
        assert list(executor.imap(jobs.survives, [tmp_path])) == [(0, "finished")]
    sender.join()


def test_a_worker_killed_between_two_calls_is_replaced():
    with Processes(2) as executor:
        for _, process in list(executor.imap(jobs.process_of, range(4)))[:1]:
            os.kill(process, signal.SIGKILL)
            time.sleep(0.1)
        assert_drawn(list(executor.imap(jobs.draw, range(8))), 8)


def test_a_second_iterator_cancels_the_first(tmp_path):
    with Processes(2) as executor:
        first = executor.imap(jobs.mark, [(tmp_path, place, 0.3) for place in range(6)])
        next(first)
        assert_drawn(list(executor.imap(jobs.draw, range(4))), 4)
        with pytest.raises(SymlossError, match="finish one iterator before the next"):
            next(first)
        assert_drawn(list(executor.imap(jobs.draw, range(4))), 4)


def test_modules_of_the_current_directory_are_seen(tmp_path):
    (tmp_path / "of_a_user.py").write_text("def double(x):\n    return 2 * x\n")
    code = (
        "import of_a_user; from symloss.runtime import Processes\n"
        "with Processes(2) as executor: print(sorted(executor.imap(of_a_user.double, range(3))))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "[(0, 0), (1, 2), (2, 4)]\n"
    assert done.stderr == ""


def test_a_script_without_a_guard_is_told_so(tmp_path):
    path = tmp_path / "unguarded.py"
    path.write_text("from symloss.runtime import Processes\nlist(Processes(2).imap(abs, [1, 2]))\n")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "SymlossError: worker processes end as they start" in done.stderr.splitlines()[-1]


def test_no_process_can_be_started(monkeypatch):
    def refuse(*args):
        raise OSError("Cannot allocate memory")

    monkeypatch.setattr(processes, "_start", refuse)
    with Processes(2) as executor, pytest.raises(SymlossError, match=r"Cannot allocate memory; use fewer workers"):
        list(executor.imap(jobs.draw, range(2)))


def test_importing_the_package_is_light():
    code = "import sys, symloss.runtime; print({'torch', 'ray', 'multiprocessing'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
