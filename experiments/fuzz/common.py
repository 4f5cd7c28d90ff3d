"""What the fuzzers share: inputs by number and seed, limits on time and memory, a watch over files and processes.

A fuzzer gives each input to the code as a user would. Allowed are an answer and a SymlossError; any other exception, an
input that takes over 2 s of this process's CPU time, a file written outside the sandbox, and a program that is started
are findings. The exit code is 1 if there is any.
"""

from __future__ import annotations

import argparse
import faulthandler
import platform
import random
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from symloss.errors import SymlossError

SLOW_SECONDS = 2.0
_HANG_SECONDS = 30
_DEAD_SECONDS = 600
_MEMORY = 6 << 30
#: A message is for a person: it must say something, and end.
_LONGEST_MESSAGE = 5_000


class Hang(BaseException):
    """An input that was given up after `_HANG_SECONDS`; no `except Exception` of the code may swallow it."""


class Escaped(BaseException):
    """The code wrote where it must not, or started a program; raised at the place that did."""


@dataclass
class Tally:
    """What happened to the inputs."""

    name: str
    started: float = field(default_factory=time.perf_counter)
    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    uncaught: int = 0
    over: int = 0
    slowest: tuple[float, str] = (0.0, "")

    @property
    def clean(self) -> bool:
        return self.uncaught == 0 and self.over == 0

    def report(self) -> None:
        seconds = time.perf_counter() - self.started
        print(f"\n{self.name}: Python {platform.python_version()}, {platform.machine()}")
        rate = self.inputs / max(seconds, 1e-9)
        print(f"  inputs                  {self.inputs:,} in {seconds:.0f} s, {rate:,.0f} a second")
        print("  outcomes                " + ", ".join(f"{name} {n:,}" for name, n in sorted(self.outcomes.items())))
        print(f"  uncaught exceptions     {self.uncaught}")
        print(f"  slowest input           {self.slowest[0]:.3f} s of CPU: {self.slowest[1]}")
        print(f"  inputs over {SLOW_SECONDS:g} s         {self.over}")
        print(
            f"  peak memory             {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB",
            flush=True,
        )


def arguments(description: str, inputs: int) -> argparse.Namespace:
    """Return ``inputs``, ``seed`` and ``minutes`` of the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--inputs", type=int, default=inputs, help=f"how many; {inputs:,} by default")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same inputs")
    parser.add_argument("--minutes", type=float, default=None, help="stop after so long, whatever is left")
    return parser.parse_args()


def fuzz(
    name: str, options: argparse.Namespace, generate: Callable[[random.Random], Any], check: Callable[[Any], str]
) -> int:
    """Give ``check`` one input of ``generate`` after another and return the exit code.

    Each input has a generator of its own, so that a finding repeats alone: input ``i`` of seed ``s`` is
    ``generate(random.Random(f"{s}/{i}"))``.
    """
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    signal.signal(signal.SIGPROF, _give_up)
    tally = Tally(name)
    for number in range(options.inputs):
        if options.minutes is not None and time.perf_counter() - tally.started > 60 * options.minutes:
            break
        if number % 1_000 == 0:
            faulthandler.dump_traceback_later(_DEAD_SECONDS, exit=True)  # for a hang inside C, which no handler ends
        one(tally, generate(random.Random(f"{options.seed}/{number}")), check, f"{options.seed}/{number}")
    faulthandler.cancel_dump_traceback_later()
    tally.report()
    return 0 if tally.clean else 1


def one(tally: Tally, value: Any, check: Callable[[Any], str], label: str) -> None:
    """Check one input and count what happens."""
    tally.inputs += 1
    begun = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, _HANG_SECONDS)
    try:
        outcome = check(value)
    except SymlossError as error:
        outcome = "refused"
        if not str(error).strip() or len(str(error)) > _LONGEST_MESSAGE:
            outcome = _found(tally, label, value, AssertionError(f"a message of {len(str(error))} characters"))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        outcome = _found(tally, label, value, error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    seconds = time.process_time() - begun
    tally.outcomes[outcome] += 1
    if seconds > tally.slowest[0]:
        tally.slowest = (seconds, f"{label}: {shown(value)}")
    if seconds > SLOW_SECONDS:
        tally.over += 1
        print(f"SLOW {seconds:.1f} s, input {label}: {shown(value)}", flush=True)


def _found(tally: Tally, label: str, value: Any, error: BaseException) -> str:
    tally.uncaught += 1
    where = "".join(traceback.format_exception(error)[-6:])
    tally.places[where.rsplit(", in ", 1)[-1]] += 1
    if tally.places[where.rsplit(", in ", 1)[-1]] == 1:  # once for each place
        print(f"UNCAUGHT at input {label}: {shown(value)}\n{where}", flush=True)
    return "uncaught"


def shown(value: Any) -> str:
    """Return an input as one short line."""
    text = ascii(value)
    return text if len(text) <= 160 else f"{text[:160]}... ({len(text):,} characters)"


def _give_up(*_: object) -> None:
    raise Hang(f"given up after {_HANG_SECONDS} s")


def watch(sandbox: Path | None, programs: tuple[str, ...] = (), executes: bool = False) -> None:
    """From now on raise :class:`Escaped` where a file outside the sandbox is changed or a program is started.

    Args:
        sandbox: the only folder in which files may change; None for none.
        programs: modules that may be started by ``python -m``.
        executes: whether code may be run that came into being now, as by importing a module for the first time.
    """
    inside = None if sandbox is None else str(sandbox.resolve())
    writing = {"os.rename": (0, 1), "os.remove": (0,), "os.mkdir": (0,), "os.rmdir": (0,), "os.link": (1,)}
    writing |= {"os.symlink": (1,), "os.truncate": (0,), "os.chmod": (0,), "shutil.rmtree": (0,)}

    def hook(event: str, values: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(values[0], str | bytes) and _writes(values):
            _check(values[0])
        elif event in writing:
            for place in writing[event]:
                if isinstance(values[place], str | bytes | Path):
                    _check(values[place])
        elif event == "subprocess.Popen" and not any(name in map(str, values[1]) for name in programs):
            raise Escaped(f"started {values[1]!r}")
        elif event in ("os.system", "os.exec", "os.posix_spawn", "socket.connect", "ctypes.dlopen", "pty.spawn"):
            raise Escaped(f"{event} {values!r}")
        elif event == "exec" and not executes:
            raise Escaped(f"executed {values!r}")

    def _check(path: Any) -> None:
        place = str(Path(path.decode() if isinstance(path, bytes) else path).absolute().resolve())
        if place.startswith("/dev/") or (inside is not None and Path(place).is_relative_to(inside)):
            return
        raise Escaped(f"changed {place}")

    sys.addaudithook(hook)


def _writes(values: tuple[Any, ...]) -> bool:
    import os

    _, mode, flags = values
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
