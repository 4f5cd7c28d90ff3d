"""How long until symloss answers, beside a bare `import torch`?

    python experiments/speed/startup.py [--repeats 7]

Every line is a fresh Python process: `import symloss`, the help of each command, `--version`, and what a shell waits
for when somebody presses Tab. All are run in turns, so that other programs on the machine slow all of them alike. The
table has the medians of the wall time and of the processor time, which other programs disturb less, and the ratio of
the latter to `import torch`; the last column says whether torch was imported.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping

from rich.console import Console
from rich.progress import track
from rich.table import Table

#: Runs the command line and says whether torch came with it.
MAIN = """
import sys
from symloss.cli import main
sys.argv = ["symloss", *sys.argv[1:]]
try:
    main()
finally:
    print("torch" in sys.modules, file=sys.stderr)
"""
FLOOR, TORCH = "python", "import torch"
COMMANDS = ("evolve", "benchmark", "show", "export", "report", "sample", "losses", "datasets", "models", "grammars")


def programs() -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return what is measured: a name, Python's arguments, and environment variables."""
    found: dict[str, tuple[list[str], dict[str, str]]] = {
        FLOOR: (["-c", "pass"], {}),
        TORCH: (["-c", "import torch"], {}),
        "import symloss": (["-c", "import sys, symloss; print('torch' in sys.modules, file=sys.stderr)"], {}),
        "symloss --help": (["-c", MAIN, "--help"], {}),
    }
    found |= {f"symloss {name} --help": (["-c", MAIN, name, "--help"], {}) for name in COMMANDS}
    found["symloss --version"] = (["-c", MAIN, "--version"], {})
    for words in ("symloss ", "symloss show fo", "symloss evolve default --dataset digits,f"):
        place = str(len(words.split(" ")) - 1)
        asked = {"_SYMLOSS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": place}
        found[f"Tab after '{words}'"] = (["-c", MAIN], asked)
    return found


def measure(arguments: list[str], variables: Mapping[str, str]) -> tuple[float, float, str]:
    """Run Python once; return wall seconds, processor seconds, and whether torch was imported, as text."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], env=os.environ | variables, capture_output=True, text=True, check=True
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, used, done.stderr.split()[-1] if done.stderr.split() else ""


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="rounds; the first one more, to warm the disk's cache")
    repeats = parser.parse_args().repeats
    asked = programs()
    times: dict[str, list[tuple[float, float, str]]] = {name: [] for name in asked}
    for turn in track(range(repeats + 1), "measuring", console=Console(stderr=True)):
        for name, (arguments, variables) in asked.items():
            one = measure(arguments, variables)
            if turn:
                times[name].append(one)
    table = Table("what", "wall, s", "processor, s", "to import torch", "imports torch", pad_edge=False)
    base = statistics.median(used for _, used, _ in times[TORCH])
    for name, found in times.items():
        wall, used = (statistics.median(one[k] for one in found) for k in (0, 1))
        torch = {"True": "yes", "False": "no"}.get(found[-1][2], "yes" if name == TORCH else "no")
        table.add_row(name, f"{wall:.2f}", f"{used:.2f}", f"{used / base:.2f}", torch)
    Console().print(table)


if __name__ == "__main__":
    main()
