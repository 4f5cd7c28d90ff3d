"""What runs in a local worker process (see ``processes``)."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait

from symloss.runtime.remote import perform


def serve(connection: Connection, threads: int, parent: int) -> None:
    """Say that this process is ready, then run the jobs that arrive until the parent is gone.

    Args:
        connection: the pipe to the parent.
        threads: the number of torch's threads.
        parent: the parent's process id.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    try:
        connection.send_bytes(b"ready")
        while True:
            call, function, job = pickle.loads(connection.recv_bytes())
            connection.send_bytes(perform(call, function, job, threads))
    except (EOFError, OSError):  # the parent is gone, and reads no answer
        return


def _watch(parent: int) -> None:
    """End this process, in the middle of a job, when its parent has ended."""
    process = parent_process()
    assert process is not None
    # The sentinel is a pipe; where something else that the parent started holds it too, the id tells.
    while os.getppid() == parent and not wait([process.sentinel], timeout=1.0):
        pass
    os._exit(1)
