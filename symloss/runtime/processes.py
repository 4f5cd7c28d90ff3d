"""Local worker processes that survive being killed.

This is a small pool over pipes, and not ``concurrent.futures.ProcessPoolExecutor``: that breaks as a whole when one
worker dies, so every running job is lost and nobody knows which of them was to blame. ``loky`` does the same. Here each
worker has a pipe of its own and one job at a time: when the pipe ends, the job that ended it is known, the other
workers do not notice, and nothing is shared, no queue and no lock, that a killed process could leave in disorder.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from symloss.errors import SymlossError
from symloss.runtime.executor import R, T, checked_workers, cores
from symloss.runtime.remote import packed, result_of

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

#: A job that ended so many workers is not tried again; nor is starting workers that end before they are ready.
_MOST_DEATHS = 3

#: What numerical libraries read when they are imported.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass
class _Worker:
    """A process, and what it does: nothing yet, wait for a job, or run the job at a place."""

    process: SpawnProcess
    connection: Connection
    ready: bool = False
    call: int = 0  # whose function it has
    place: int | None = None

    @property
    def idle(self) -> bool:
        return self.ready and self.place is None


class Processes:
    """Runs jobs on local processes, which start when they are first needed and stay for the next call.

    Each has ``cores // workers`` threads of torch, at least 1. A worker that dies is replaced and its job run again,
    up to three times. Workers ignore Ctrl-C, which is for the parent, and end within about a second of a parent that
    was killed. They see the parent's ``sys.path``; as always with new processes, a script that starts them needs
    ``if __name__ == "__main__":``.

    Args:
        workers: how many, from 1 to 1024.

    Raises:
        SymlossError: ``workers`` is out of range.
    """

    def __init__(self, workers: int) -> None:
        self.workers = checked_workers(workers)
        self._threads = max(1, cores() // workers)
        self._pool: list[_Worker] = []
        self._call = 0  # the iterator that the pool works for; an earlier one is cancelled

    def imap(self, function: Callable[[T], R], jobs: Sequence[T]) -> Iterator[tuple[int, R]]:
        """See :meth:`Executor.imap`."""
        self._call += 1
        call = self._call
        self._end(self._busy())  # with an earlier iterator's jobs: they cannot be interrupted, a process can
        payload = packed("the function", function)
        waiting = deque(range(len(jobs)))
        deaths: Counter[int] = Counter()
        false_starts = 0
        failure: Exception | None = None
        try:
            while waiting or self._busy():
                self._grow(min(self.workers, len(waiting) + len(self._busy())))
                self._assign(payload, jobs, waiting)
                finished: list[tuple[int, R]] = []
                for worker in self._speaking():
                    place, message = worker.place, _receive(worker)
                    if message is None:
                        ending = self._bury(worker)
                        if not worker.ready:
                            false_starts += 1
                            if false_starts == _MOST_DEATHS:
                                raise _no_start(ending)
                        elif place is not None:
                            deaths[place] += 1
                            if deaths[place] < _MOST_DEATHS and failure is None:
                                waiting.appendleft(place)
                            else:
                                failure = failure or _poison(place, ending)
                    elif not worker.ready:
                        worker.ready, false_starts = True, 0
                    elif place is not None:
                        worker.place = None
                        try:
                            finished.append((place, result_of(message)))
                        except Exception as error:
                            failure = failure or error
                if failure:
                    waiting.clear()
                self._assign(payload, jobs, waiting)  # so that nobody is idle while the caller uses a result
                for result in finished:
                    yield result
                    if self._call != call:
                        raise SymlossError(
                            "these jobs were cancelled, as their executor was closed or given others; "
                            "finish one iterator before the next"
                        )
            if failure:
                raise failure
        except BaseException:  # an abandoned iterator and Ctrl-C are among these
            if self._call == call:
                self._call += 1
                self._end([worker for worker in self._pool if not worker.idle])
            raise

    def close(self) -> None:
        """End all workers at once. A later ``imap`` starts new ones."""
        self._call += 1
        self._end(self._pool)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._pool if worker.place is not None]

    def _speaking(self) -> list[_Worker]:
        """Wait for workers that have a message or have died, and return them."""
        from multiprocessing.connection import wait

        # The time limit is for Windows, where waiting without one holds up Ctrl-C.
        ready = wait([worker.connection for worker in self._pool], timeout=1.0)
        return [worker for worker in self._pool if worker.connection in ready]

    def _grow(self, size: int) -> None:
        """Start workers until there are so many."""
        while len(self._pool) < size:
            try:
                with _interrupt_blocked(), _thread_variables(self._threads):
                    self._pool.append(_start(self._threads))
            except OSError as error:
                raise SymlossError(f"no worker process can be started: {error}; use fewer workers") from error

    def _assign(self, function: bytes, jobs: Sequence[Any], waiting: deque[int]) -> None:
        """Give the next jobs to idle workers. One that has died meanwhile is buried when it is heard."""
        for worker in [worker for worker in self._pool if worker.idle]:
            if not waiting:
                return
            place = waiting[0]
            job = packed(f"job {place}", jobs[place])
            message = pickle.dumps((f"{self._call}", None if worker.call == self._call else function, job))
            worker.call, worker.place = self._call, place  # first: an interrupted worker must not pass for an idle one
            try:
                worker.connection.send_bytes(message)
                waiting.popleft()
            except OSError:
                worker.place = None

    def _bury(self, worker: _Worker) -> str:
        """Forget a worker that has died and return what ended it."""
        worker.process.join(1.0)  # the pipe ends a little before the process
        self._end([worker])
        code = worker.process.exitcode or 0
        if code >= 0:
            return f"exit code {code}"
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
        return f"signal {-code}"

    def _end(self, workers: list[_Worker]) -> None:
        self._pool = [worker for worker in self._pool if worker not in workers]
        for worker in workers:
            worker.connection.close()
            worker.process.terminate()
        for worker in workers:
            worker.process.join(1.0)
            if worker.process.is_alive():  # a job that ignores the signal
                worker.process.kill()
                worker.process.join()


def _start(threads: int) -> _Worker:
    from multiprocessing import get_context

    from symloss.runtime.serve import serve

    context = get_context("spawn")  # a fork would copy torch's threads half
    ours, theirs = context.Pipe()
    # A daemon is ended when this process ends without close().
    process = context.Process(target=serve, args=(theirs, threads, os.getpid()), name="symloss-worker", daemon=True)
    process.start()
    theirs.close()  # so that the pipe ends with the worker
    return _Worker(process, ours)


def _receive(worker: _Worker) -> bytes | None:
    """Return a worker's message, or None if it has died, perhaps in the middle of one."""
    try:
        return worker.connection.recv_bytes()
    except (EOFError, OSError):
        return None


@contextlib.contextmanager
def _interrupt_blocked() -> Iterator[None]:
    """Block Ctrl-C, also for the process that is started meanwhile: it inherits this until it can ignore the signal."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # here: Python 3.11 unblocks the signal as it starts this with the first process
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _thread_variables(threads: int) -> Iterator[None]:
    """Set the environment that new processes inherit: they may import torch before any code of ours runs there."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _poison(place: int, ending: str) -> SymlossError:
    return SymlossError(
        f"job {place} ended its worker process {_MOST_DEATHS} times (the last by {ending}), most likely because memory "
        "ran out; use fewer workers or smaller chunks, and go on with --resume: what is finished is kept"
    )


def _no_start(ending: str) -> SymlossError:
    return SymlossError(
        f"worker processes end as they start (the last by {ending}); a script that uses workers must keep its own code "
        "under `if __name__ == '__main__':`; where memory is short, use fewer workers"
    )
