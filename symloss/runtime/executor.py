"""What an executor is, and the one that needs no other process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, Self, TypeVar

from symloss.errors import SymlossError

T = TypeVar("T")
R = TypeVar("R")

_MOST_WORKERS = 1024


class Executor(Protocol):
    """Where jobs run. A context manager, which closes it.

    Attributes:
        workers: how many jobs run at the same time, at least 1.
    """

    @property
    def workers(self) -> int: ...

    def imap(self, function: Callable[[T], R], jobs: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Yield ``(place in jobs, function(job))`` of every job as they finish, in any order.

        ``function`` must be importable by name (no lambda), and it, the jobs and the results must pickle. A job whose
        worker dies runs again, so it may run more than once: its result must depend on the job alone.

        When a job raises, no more jobs are handed out; those that were are finished and yielded, so that nothing that
        was computed is lost, and then the exception is raised as it is, with the worker's traceback as a note.
        Abandoning the iterator cancels what is not finished. Use one iterator at a time.

        Raises:
            SymlossError: a job's workers died again and again, an exception of a job cannot be pickled, or function or
                job cannot be.
        """
        ...

    def close(self) -> None:
        """Cancel what runs and give back processes and connections. A later ``imap`` starts them anew."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


class InProcess:
    """Runs jobs one after another, in their order, in this process: for jobs that use threads themselves."""

    workers = 1

    def imap(self, function: Callable[[T], R], jobs: Sequence[T]) -> Iterator[tuple[int, R]]:
        """See :meth:`Executor.imap`. An exception is raised at its job; nothing has to pickle."""
        for place, job in enumerate(jobs):
            yield place, function(job)

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def checked_workers(workers: int) -> int:
    """Return a number of workers from 1 to 1024 as it is.

    Raises:
        SymlossError: it is something else.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= _MOST_WORKERS:
        raise SymlossError(
            f"workers is {workers!r}; it must be a whole number from 1 to {_MOST_WORKERS}, such as {cores()} here"
        )
    return workers


def cores() -> int:
    """Return how many cores this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
