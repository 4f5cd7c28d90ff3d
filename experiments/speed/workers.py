"""How many more candidates a second do two workers train than one, and do they find the same?

    python experiments/speed/workers.py [--ray] [--losses 24] [--steps 60] [--repeats 3]

Trains losses drawn from the default grammar with the CNN on Fashion-MNIST, which is bound by arithmetic, on one worker
and on two, alternating; workers are local processes, with --ray a local Ray. Each worker has one thread. The time is
from the first job to the last score, with the workers already started; the median is taken. At the end one worker is
killed with SIGKILL while it trains, and the scores must be the same once more.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import signal
import statistics
import subprocess
import threading
import time
from importlib.metadata import version

import numpy as np

from symloss.fitness import Evaluator
from symloss.formula import Formula
from symloss.grammar import Sampler, load_grammar
from symloss.runtime import Executor, Processes, RayExecutor
from symloss.search import Screening, SearchConfig
from symloss.search.strategies.random_search import RandomSearch
from symloss.tasks import TaskConfig, load_task


def losses(number: int) -> list[Formula]:
    """Return losses that pass every screen."""
    breeder = RandomSearch(SearchConfig(seed=77), Sampler(load_grammar("default"))).breeder(0, [])
    drawn = Screening(10).fill(0, number, breeder, lambda generation: None)
    return [candidate.derivation.formula for candidate in drawn.candidates]


def train(executor: Executor, task: TaskConfig, formulas: list[Formula]) -> tuple[float, np.ndarray]:
    """Return the seconds that training took, and the scores."""
    started = time.perf_counter()
    scores = Evaluator(executor).train(load_task(task), formulas, [5000], task.steps)
    return time.perf_counter() - started, scores.validation


def workers_of(ray: bool) -> list[int]:
    """Return the process numbers of the workers."""
    if not ray:
        return [child.pid for child in multiprocessing.active_children() if child.pid is not None]
    found = subprocess.run(["pgrep", "-a", "-f", "^ray::"], capture_output=True, text=True, check=False).stdout
    return [int(line.split()[0]) for line in found.splitlines() if "Agent" not in line]


def kill_one(ray: bool, after: float) -> None:
    """Kill the busiest worker some seconds from now."""

    def strike() -> None:
        time.sleep(after)
        usage = {}
        for pid in workers_of(ray):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    usage[pid] = int(file.read().rsplit(")", 1)[1].split()[11])
            except OSError:
                continue
        victim = max(usage, key=lambda pid: usage[pid])
        os.kill(victim, signal.SIGKILL)
        print(f"killed worker {victim} after {after:.0f} s", flush=True)

    threading.Thread(target=strike, daemon=True).start()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--losses", type=int, default=24)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    task = TaskConfig(dataset="fashion-mnist", model="cnn", engine="single", steps=options.steps, batch=64)
    formulas = losses(options.losses)
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"Python {platform.python_version()}, torch {version('torch')}, ray {version('ray') if options.ray else '-'}")
    times: dict[int, list[float]] = {1: [], 2: []}
    results = []
    for _ in range(options.repeats):
        for count in times:
            executor: Executor = RayExecutor("local", count) if options.ray else Processes(count)
            with executor:
                train(executor, task, formulas[: 2 * count])  # starts the workers, which load the data
                seconds, scores = train(executor, task, formulas)
            times[count].append(seconds)
            results.append(scores)
    one, two = (statistics.median(times[count]) for count in (1, 2))
    for count, seconds in ((1, one), (2, two)):
        print(f"{count} worker{'s' if count > 1 else ''}: {len(formulas) / seconds:.2f} candidates a second")
    print(f"ratio {one / two:.2f}; identical: {all(np.array_equal(results[0], other) for other in results)}")
    with RayExecutor("local", 2) if options.ray else Processes(2) as executor:
        train(executor, task, formulas[:4])
        kill_one(options.ray, two / 3)
        seconds, scores = train(executor, task, formulas)
    print(
        f"with a worker killed: {seconds:.1f} s instead of {two:.1f}; identical: {np.array_equal(results[0], scores)}"
    )


if __name__ == "__main__":
    main()
