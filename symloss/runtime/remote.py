"""One job in another process: how the function, the job and what became of it travel.

Everything is pickled here and passed on as bytes. The channels therefore cannot fail on their contents, whatever they
raise is their own failure and not the job's, and tensors are sent by value: torch's own way through shared memory ends
with the process that sent them. Unpickling can run code, so it is done to nothing but what this program's own
processes wrote to each other; no file and no text from outside comes here.
"""

from __future__ import annotations

import pickle
import sys
import traceback
from collections.abc import Callable
from typing import Any

from symloss.errors import SymlossError

_function: tuple[str, Callable[[Any], Any]] = ("", lambda job: job)


def packed(what: str, value: Any, dumps: Callable[[Any], bytes] = pickle.dumps) -> bytes:
    """Return the pickle of a function or a job.

    Raises:
        SymlossError: it cannot be pickled.
    """
    try:
        return dumps(value)
    except Exception as error:  # pickle raises many kinds
        raise SymlossError(
            f"{what} cannot be sent to a worker process: {error}; "
            "define functions and classes at the top level of a module, or use one worker"
        ) from error


def perform(call: str, function: bytes | None, job: bytes, threads: int) -> bytes:
    """Run a job here, in a worker, and return what became of it; never raises.

    Args:
        call: names the function, so that it is read once and not with every job: it may carry a whole dataset.
        function: its pickle; None if it is the one that this process ran last.
        job: the job's pickle.
        threads: the number of torch's threads.
    """
    global _function
    try:
        if function is not None and _function[0] != call:
            _function = (call, pickle.loads(function))
        value = pickle.loads(job)
        if torch := sys.modules.get("torch"):  # read with the function; importing it for nothing takes seconds
            torch.set_num_threads(threads)
        return pickle.dumps((True, _function[1](value)))
    except BaseException as error:  # a job that calls sys.exit must not end the worker, or it would run again
        return pickle.dumps((False, _exception(error)))


def result_of(outcome: bytes) -> Any:
    """Return the result that :func:`perform` packed, or raise the job's exception.

    Raises:
        SymlossError: the exception cannot be pickled or unpickled, or would end the process, as SystemExit does.
        Exception: the job's own.
    """
    done, value = pickle.loads(outcome)
    if done:
        return value
    payload, text, trace = value
    try:
        error = pickle.loads(payload)
    except Exception:  # unpicklable, or made by a constructor that wants more than its message
        error = SymlossError(f"a job failed with {text}")
    error.add_note(f"In the worker process:\n{trace}")
    raise error


def _exception(error: BaseException) -> tuple[bytes, str, str]:
    """Return an exception's pickle, empty if it has none, its type and text, and its traceback."""
    try:
        text = f"{type(error).__qualname__}: {error}"
    except Exception:  # its own __str__ fails
        text = type(error).__qualname__
    try:
        payload = pickle.dumps(error) if isinstance(error, Exception) else b""
    except Exception:
        payload = b""
    return payload, text, traceback.format_exc()
