"""Jobs on Ray: this machine's cores or a whole cluster's."""

from __future__ import annotations

import importlib
import os
import re
import socket
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from symloss.errors import SymlossError
from symloss.runtime.executor import R, T, checked_workers, cores
from symloss.runtime.remote import packed, perform, result_of

#: Tries after the first, when a worker dies.
_RETRIES = 3

#: Jobs handed to Ray at a time, per CPU: enough that no worker waits, and no more to hold in its memory.
_IN_FLIGHT = 2

_KNOCK_SECONDS = 10.0

#: Ray reads these as it starts or connects; what the user has set stays.
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


class RayExecutor:
    """Runs jobs as Ray tasks of one CPU and one thread of torch each.

    Ray replaces workers that die and runs their jobs again, up to three times. Where the program is connected to Ray
    already, that connection is used, and kept on ``close``. The nodes of a cluster need symloss and the same paths
    for the user's own modules.

    Args:
        address: "local" starts Ray on this machine, "auto" finds a running one, otherwise the address of a cluster's
            head such as "10.0.0.1:6379" or "ray://10.0.0.1:10001".
        workers: the number of CPUs for "local", all cores by default.

    Raises:
        SymlossError: Ray is not installed, does not answer at the address, or ``workers`` does not fit.
    """

    def __init__(self, address: str, workers: int | None = None) -> None:
        if not address or address != address.strip():
            raise SymlossError(
                f"the address of Ray is {address!r}; give 'local', 'auto' or one such as '10.0.0.1:6379'"
            )
        if workers is not None and address != "local":
            raise SymlossError(f"workers is {workers!r} and Ray's address {address!r}; only 'local' takes workers")
        self._address = address
        self._cpus = cores() if workers is None else checked_workers(workers)
        self._ray = _import_ray()
        self._ours = False
        self._connect()

    @property
    def workers(self) -> int:
        """The CPUs of the cluster, at least 1. They can change as machines come and go."""
        self._connect()
        try:
            return max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        except self._ray.exceptions.RayError as error:
            raise self._lost(error) from error

    def imap(self, function: Callable[[T], R], jobs: Sequence[T]) -> Iterator[tuple[int, R]]:
        """See :meth:`Executor.imap`. Functions of a script's own, and lambdas, work here too.

        Raises:
            SymlossError: also when the cluster is lost.
        """
        ray = self._ray
        in_flight = _IN_FLIGHT * self.workers
        places: dict[Any, int] = {}  # of what Ray has
        following = 0
        failure: Exception | None = None
        call = uuid.uuid4().hex
        path = [os.path.abspath(entry) for entry in sys.path]
        try:
            task = ray.remote(num_cpus=1, max_retries=_RETRIES)(_task)
            payload = ray.put(packed("the function", function, ray.cloudpickle.dumps))
            while following < len(jobs) or places:
                while following < len(jobs) and len(places) < in_flight:
                    job = packed(f"job {following}", jobs[following], ray.cloudpickle.dumps)
                    places[task.remote(path, call, payload, job)] = following
                    following += 1
                finished: list[tuple[int, R]] = []
                for reference in ray.wait(list(places))[0]:
                    place = places.pop(reference)
                    try:
                        outcome = ray.get(reference)
                    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
                        failure = failure or _poison(place, error)
                        continue
                    try:
                        finished.append((place, result_of(outcome)))
                    except Exception as error:
                        failure = failure or error
                if failure:
                    following = len(jobs)
                yield from finished
        except (ray.exceptions.RayError, ConnectionError) as error:
            raise self._lost(error) from error
        finally:
            self._cancel(list(places))
        if failure:
            raise failure

    def close(self) -> None:
        """Disconnect from Ray, and end it if it was started here. A later ``imap`` connects anew."""
        if self._ours:
            self._ours = False
            self._ray.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _connect(self) -> None:
        if self._ray.is_initialized():
            return
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if self._address == "local":
            options |= {"num_cpus": self._cpus, "include_dashboard": False}
        try:
            _knock(self._address)
            self._ray.init(address=self._address, **options)
        except Exception as error:  # Ray raises many kinds, of its own and of Python's
            raise SymlossError(
                f"Ray does not answer at {self._address!r}: {_first_line(error)}; start it there with "
                "`ray start --head`, with the same versions of Ray and Python, and with RAY_AUTH_MODE=token if it "
                "asks for a token; or use 'local'"
            ) from error
        self._ours = True
        _silence()

    def _cancel(self, references: list[Any]) -> None:
        """Cancel jobs, running ones with their worker: within native code nothing else stops them."""
        for _ in range(3):  # Ray can miss a job that is just on its way to a worker
            if not references:
                return
            try:
                for reference in references:
                    self._ray.cancel(reference, force=True)
                _, references = self._ray.wait(references, num_returns=len(references), timeout=1.0)
            except Exception:  # the cluster is gone, and the jobs with it
                return

    def _lost(self, error: Exception) -> SymlossError:
        return SymlossError(
            f"the Ray cluster at {self._address!r} was lost: {_first_line(error)}; "
            "when it runs again, go on with --resume: what is finished is kept"
        )


def _task(path: list[str], call: str, function: bytes, job: bytes) -> bytes:
    """Run a job in a worker of Ray."""
    sys.path.extend(entry for entry in path if entry not in sys.path)  # for the user's own modules
    return perform(call, function, job, threads=1)


def _import_ray() -> Any:
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise SymlossError("running on Ray needs Ray; install it with: pip install 'symloss[ray]'") from None


def _knock(address: str) -> None:
    """Open a connection to a host and port, where the address has them: Ray itself tries for many minutes.

    Raises:
        OSError: nobody answers.
    """
    if found := re.fullmatch(r"(?:ray://)?\[?([^/]+?)\]?:([0-9]{1,5})", address):
        socket.create_connection((found[1], int(found[2])), _KNOCK_SECONDS).close()


def _silence() -> None:
    """Stop Ray from printing what its daemons report: it goes to standard output, amid what ours is for.

    Nothing public turns this off (``log_to_driver`` is about the jobs' own output). Where Ray changes, it prints again.
    """
    worker: Any = importlib.import_module("ray._private.worker")
    worker.print_to_stdstream = lambda *report, **options: None


def _poison(place: int, error: Exception) -> SymlossError:
    return SymlossError(
        f"job {place} ended its Ray worker {1 + _RETRIES} times ({_first_line(error)}), most likely because memory ran "
        "out; use smaller chunks, and go on with --resume: what is finished is kept"
    )


def _first_line(error: Exception) -> str:
    """Return an error's type and first line: Ray's texts run over many."""
    return f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".: ")
