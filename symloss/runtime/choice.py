"""The choice of an executor."""

from __future__ import annotations

from symloss.errors import SymlossError
from symloss.runtime.cluster import RayExecutor
from symloss.runtime.executor import Executor, InProcess, checked_workers
from symloss.runtime.processes import Processes


def make_executor(workers: int | None = None, ray: str | None = None) -> Executor:
    """Return the executor for ``--workers`` and ``--ray``.

    Args:
        workers: the number of local processes; None and 1 mean this process.
        ray: "local" to start Ray on this machine, or the address of a cluster, such as "auto" or "10.0.0.1:6379".

    Raises:
        SymlossError: both are given, ``workers`` is not a whole number from 1 to 1024, or Ray is missing or not there.
    """
    if workers is not None and ray is not None:
        raise SymlossError(f"workers is {workers!r} and ray is {ray!r}; give one of them: Ray knows its own workers")
    if ray is not None:
        return RayExecutor(ray)
    if workers is None or checked_workers(workers) == 1:
        return InProcess()
    return Processes(workers)
