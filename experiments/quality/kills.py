"""Does a search that is killed at any moment, and resumed, end like one that nothing stopped?

    python experiments/quality/kills.py [--kills 50] [--with-workers 3] [--seed 0] [-o FILE]

A small search runs once without interruption. Then it is started again and again as a process of its own, killed with
SIGKILL at a moment drawn uniformly from the time that the first one took, and resumed; killed before it had a
configuration, it is started again in the same folder. What must be the same, bit for bit: the hall of fame as JSON (but
for the run's name and its seconds), as CSV and as LaTeX, and every candidate, rejection and score in the database. The
draws of the moments have a fixed seed. A search that ends before its moment comes counts as no kill; the next is drawn.

Processes are forked from this one after it has imported what a search needs, so moments fall on the search and not on
the import of torch. With workers a search has two processes that train.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import symloss.api
from symloss.store.reading import reading
from symloss.tasks import TaskConfig
from symloss.training.machine import hardware

#: Three generations, of which the last tunes constants, on three rungs, and a last one.
SEARCH = {"budget": 24, "generation_size": 8, "tuning": 0.3, "finalists": 4, "discovered": 3, "audit_seeds": 3}
SEARCH |= {"repeats": 1, "last_seeds": 5}
STEPS = 20


def start(folder: Path, workers: int | None) -> int:
    """Start a search, or go on with it, in a process and return its id; what it prints is kept beside the run."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        log = os.open(f"{folder}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if (folder / "config.json").exists():
            symloss.api.resume(folder, workers=workers)
        else:
            task = TaskConfig(steps=STEPS)
            symloss.api.evolve("default", task, run_dir=folder, device="cpu", workers=workers, **SEARCH)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def whole(folder: Path, workers: int | None = None) -> float:
    """Run a search to its end and return its seconds."""
    began = time.monotonic()
    _, status = os.waitpid(start(folder, workers), 0)
    if status:
        raise SystemExit(f"the search failed:\n{Path(f'{folder}.log').read_text()[-3000:]}")
    return time.monotonic() - began


def killed(folder: Path, seconds: float, workers: int | None) -> bool:
    """Start a search and kill it after so many seconds; tell whether it still ran."""
    process, until = start(folder, workers), time.monotonic() + seconds
    while time.monotonic() < until:
        if os.waitpid(process, os.WNOHANG)[0]:
            return False
        time.sleep(0.001)
    os.kill(process, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(process, 0)[1])


def content(folder: Path) -> dict[str, Any]:
    """Return all of a finished run that must be the same."""
    result = json.loads((folder / "hall_of_fame.json").read_text())
    del result["run"], result["seconds"]
    found: dict[str, Any] = {"json": json.dumps(result)}
    found |= {kind: (folder / f"hall_of_fame.{kind}").read_bytes() for kind in ("csv", "tex")}
    with closing(sqlite3.connect(folder / "run.sqlite")) as database:
        for table in ("generations", "candidates", "rejections", "scores"):
            found[table] = sorted(database.execute(f"SELECT * FROM {table}"))
    return found


def reached(folder: Path) -> str:
    """Say where a killed search was."""
    if not (folder / "config.json").exists():
        return "before there was a run"
    if (folder / "hall_of_fame.json").exists():
        return "after its end"
    with reading(folder / "run.sqlite") as database:
        scored = dict(database.execute("SELECT rung, count(*) FROM scores GROUP BY rung"))
        drawn = database.execute("SELECT count(*) FROM generations").fetchone()[0]
    if 3 in scored:
        return "after the last rung began"
    return f"in generation {drawn}" if drawn else "before the first generation was drawn"


def trial(folder: Path, seconds: float, workers: int | None, expected: dict[str, Any]) -> tuple[str, bool] | None:
    """Kill and resume one search; return where it was killed and whether it ended alike, None if it ended before."""
    if not killed(folder, seconds, workers):
        return None
    place = reached(folder)
    whole(folder, workers)
    return place, content(folder) == expected


def measure(kills: int, with_workers: int, seed: int, folder: Path) -> tuple[list[str], bool]:
    """Return the lines of the record and whether all ended alike."""
    draws = random.Random(seed)
    seconds = {0: whole(folder / "whole")}
    expected = content(folder / "whole")
    if with_workers:
        seconds[2] = whole(folder / "workers", 2)
        if content(folder / "workers") != expected:
            raise SystemExit("the search with workers found something else")
    places: Counter[str] = Counter()
    alike, done, early = 0, 0, 0
    while done < kills:
        workers = 2 if done < with_workers else 0
        run = folder / f"killed-{done}-{early}"
        found = trial(run, draws.uniform(0, seconds[workers]), workers or None, expected)
        if found is None:
            early += 1
        else:
            place, same = found
            places[place] += 1
            alike += same
            done += 1
            print(f"{done:3d} killed {place}: {'the same' if same else 'ANOTHER RESULT'}", flush=True)
        shutil.rmtree(run, ignore_errors=True)
    times = ", ".join(f"{took:.1f} s{' with workers' if workers else ''}" for workers, took in seconds.items())
    lines = [
        f"search: default grammar, digits, mlp, {STEPS} steps, {', '.join(f'{k}={v}' for k, v in SEARCH.items())}",
        f"uninterrupted: {times}; {len(expected['candidates'])} candidates, {len(expected['scores'])} rows of scores",
        f"kills: {kills}, of which {with_workers} of a search with two worker processes",
        *(f"killed {place}: {count}" for place, count in sorted(places.items())),
        f"ended before their moment, not counted: {early}",
        f"{alike} of {kills} resumed to the identical result",
    ]
    return lines, alike == kills


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--with-workers", type=int, default=3, help="how many of them have two worker processes")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("-o", "--output", type=Path, help="a file for the record")
    options = parser.parse_args()
    import torch

    head = [
        f"command: python experiments/quality/kills.py --kills {options.kills} --with-workers {options.with_workers} "
        f"--seed {options.seed}",
        f"hardware: {hardware(torch.device('cpu'))}, {len(os.sched_getaffinity(0))} core(s)",
        f"versions: symloss {version('symloss')}, python {platform.python_version()}, torch {version('torch')}, "
        f"sqlite {sqlite3.sqlite_version}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        lines, good = measure(options.kills, options.with_workers, options.seed, Path(folder))
    text = "\n".join([*head, *lines]) + "\n"
    print(text, end="")
    if options.output:
        options.output.write_text(text)
    sys.exit(not good)


if __name__ == "__main__":
    main()
