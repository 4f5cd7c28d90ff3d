"""Rewriting with SymPy in a process of its own that can be killed: SymPy now and then runs for minutes, or for ever."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO

from symloss.errors import SymlossError
from symloss.formula import Formula, parse_formula, to_text
from symloss.symbolic.canonical import canonical_form
from symloss.symbolic.simplify import simplify

#: How long a new process may take until it answers, on a busy machine.
_START_SECONDS = 60.0

_TASKS: dict[str, Callable[[Formula], Formula]] = {"simplify": simplify, "canonical": canonical_form}


def displayed_form(formula: Formula, seconds: float = 10.0) -> Formula:
    """Return the shortest formula for the same loss that our rules find (see ``simplify``).

    Args:
        formula: the loss.
        seconds: after this time only the rules that need no SymPy are used, so that no formula can hang a run.
    """
    return _ask("simplify", formula, seconds) or simplify(formula, use_sympy=False)


def canonical(formula: Formula, seconds: float = 10.0) -> Formula:
    """Return the canonical form (see ``canonical_form``), or the displayed one if that takes too long.

    Args:
        formula: the loss.
        seconds: the time limit.
    """
    return _ask("canonical", formula, seconds) or displayed_form(formula, seconds)


class _Worker:
    """The process, and what is asked of it."""

    def __init__(self) -> None:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "symloss.symbolic.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            start_new_session=True,  # so that Ctrl-C is for the parent alone
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input: IO[str] = self._process.stdin
        self._output: IO[str] = self._process.stdout
        self._answers: queue.Queue[str | None] = queue.Queue()
        # A thread, since a pipe cannot be read with a time limit on every system.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._answer(_START_SECONDS)

    def _read(self) -> None:
        for line in self._output:
            self._answers.put(line)
        self._answers.put(None)

    def _answer(self, seconds: float) -> str:
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            line = None
        if line is None:
            self.close()
            raise TimeoutError
        return line

    def ask(self, task: str, text: str, seconds: float) -> str | None:
        """Return the answer, or None if the rules found none.

        Raises:
            TimeoutError: it took too long, or the process died; it is gone then.
        """
        try:
            self._input.write(json.dumps([task, text]) + "\n")
            self._input.flush()
        except OSError:
            self.close()
            raise TimeoutError from None
        answer: str | None = json.loads(self._answer(seconds))
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._reader.join(timeout=5)
        with contextlib.suppress(OSError):
            self._input.close()
        self._output.close()


_lock = threading.Lock()
_worker: _Worker | None = None


def _ask(task: str, formula: Formula, seconds: float) -> Formula | None:
    """Return the worker's answer, or None if there is none in time."""
    global _worker
    with _lock:
        try:
            if _worker is None:
                _worker = _Worker()
            answer = _worker.ask(task, to_text(formula), seconds)
        except (TimeoutError, OSError):  # too slow, or no process can be started here
            _worker = None
            return None
    if answer is None:
        return None
    try:
        return parse_formula(answer)
    except SymlossError:  # longer than what the parser reads
        return None


@atexit.register
def _close() -> None:
    global _worker
    with _lock:
        if _worker is not None:
            _worker.close()
            _worker = None


def _serve() -> None:
    """Answer requests, a line each, until the input ends."""
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        task, text = json.loads(line)
        try:
            answer: str | None = to_text(_TASKS[task](parse_formula(text)))
        except (SymlossError, ArithmeticError, ValueError, TypeError, AttributeError, RecursionError, MemoryError):
            answer = None  # SymPy raises many kinds on what has no real value
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve()
