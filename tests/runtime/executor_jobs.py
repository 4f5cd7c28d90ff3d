"""Jobs for executors to run. This module is found through the parent's ``sys.path`` alone."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from symloss.errors import SymlossError
from symloss.runtime import keyed_numpy


class Demanding(Exception):
    """Pickles, and does not unpickle: its constructor wants more than the message."""

    def __init__(self, first, second):
        super().__init__(first)


class Unpicklable(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.secret = lambda: None


class Refuses:
    def __reduce__(self):
        raise TypeError("this result does not pickle")


def draw(job):
    time.sleep(0.02 * (3 - job % 3))  # later jobs finish first
    return keyed_numpy("draw", job).random(1000)


def expected(count):
    return {place: keyed_numpy("draw", place).random(1000) for place in range(count)}


def process_of(job):
    time.sleep(0.05)
    return os.getpid()


def raises(job):
    """Job 1 fails a little later than job 0 starts; the others are slow."""
    kind, place = job
    if place != 1:
        time.sleep(0.2)
        return place
    if kind == "exit":
        sys.exit(3)
    raise {
        "symloss": SymlossError("x is 1; it must be 2"),
        "key": KeyError("a"),
        "demanding": Demanding("one", "two"),
        "unpicklable": Unpicklable("no"),
    }[kind]


def unpicklable_result(job):
    return Refuses()


def mark(job):
    """Leave a file, and take a while."""
    folder, place, seconds = job
    Path(folder, f"{place}").touch()
    time.sleep(seconds)
    return place


def wait_to_be_killed(job):
    """Job 2 writes its process id and waits, unless it has done so before; all draw."""
    folder, place = job
    note = Path(folder, "pid")
    if place == 2 and not note.exists():
        write(note, os.getpid())
        time.sleep(60)
    return draw(place)


def dies(job):
    if job == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def dies_once(path):
    """Die the first time, and leave Ray the time to complain."""
    if not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(1.0)
    return "done"


def note_and_sleep(job):
    """Write this process's id, and compute for a minute."""
    folder, place = job
    write(Path(folder, f"pid{place}"), os.getpid())
    time.sleep(60)


def stubborn(job):
    """Job 0 does not end when it is asked to; job 1 ends when that runs."""
    folder, place = job
    if place == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        note_and_sleep(job)
    while not Path(folder, "pid0").exists():
        time.sleep(0.01)
    return place


class Heavy:
    """A function that says in which process and when it was read, and where it runs."""

    def __reduce__(self):
        return Heavy._read, ()

    @classmethod
    def _read(cls):
        heavy = cls()
        heavy.reading = (os.getpid(), time.monotonic_ns())
        return heavy

    def __call__(self, job):
        time.sleep(0.01)
        return self.reading, os.getpid()


def length_and(data, job):
    return len(data) + job


def quick_then_endless(job):
    if job[1]:
        note_and_sleep(job)
    return 0


def survives(folder):
    """Write this process's id, wait for a sign, and go on a little."""
    write(Path(folder, "pid0"), os.getpid())
    while not Path(folder, "pid1").exists():
        time.sleep(0.01)
    time.sleep(0.1)
    return "finished"


def threads(job):
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)  # the next job must not see this
    return before, os.environ["OMP_NUM_THREADS"]


def array_sum(job):
    return float(np.sum(job))


def write(path, number):
    """Write so that no reader sees half of it."""
    part = path.with_suffix(".part")
    part.write_text(f"{number}")
    part.rename(path)


def raises_for_ray(job):
    from ray.exceptions import RaySystemError

    raise RaySystemError("the job's own")
