"""How many candidates a second are drawn, recognised and screened, and how many a straightforward pipeline manages?

    python experiments/speed/screening.py [--grammar default] [--draws 10000] [--archive 200000] [--plain 60]

Measured on one core, from the draw through identity and every screen but free logits, then with free logits in
batches, and then again with ever more known losses, none of which is forgotten. The reference does what one would write
first: sympy.simplify with a time limit, a set of strings for duplicates, and autograd through SymPy's lambdified
formula at 32 probabilities for each label. Rates are by CPU time of this process, since other programs share the
machine; the wall clock's rate stands beside them.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import flint
import numpy as np
import sympy
import torch
from population import _cpu
from rich.progress import track

from symloss.codegen.gradients import tabulate
from symloss.errors import SymlossError
from symloss.fitness import free_logits_accuracy
from symloss.fitness.free_logits import PASS
from symloss.formula import Formula
from symloss.grammar import Sampler, load_grammar
from symloss.runtime import keyed_random
from symloss.symbolic import IdentityIndex, Screener, to_sympy

CLASSES = 10
BATCH = 128
SIMPLIFY_SECONDS = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--grammar", default="default", help="a shipped name or a YAML file")
    parser.add_argument("--draws", type=int, default=10000, help="candidates in each measurement")
    parser.add_argument("--archive", type=int, default=200_000, help="known losses in the last measurement; 0: none")
    parser.add_argument("--plain", type=int, default=60, help="candidates for the reference")
    parser.add_argument("--repeats", type=int, default=5, help="measurements, of which the median is taken")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{_cpu()}; {os.cpu_count()} cores, one used; load {os.getloadavg()[0]:.1f}")
    versions = f"numpy {np.__version__}, torch {torch.__version__}, sympy {sympy.__version__}"
    print(f"Python {platform.python_version()}, {versions}, python-flint {flint.__version__}")
    sampler = Sampler(load_grammar(options.grammar))
    print(f"grammar {options.grammar}, C = {CLASSES}, {options.draws:,} draws, median of {options.repeats}")

    pipeline(sampler, "warm", 1000, free_logits=True)
    names = [f"measure {number}" for number in range(options.repeats)]
    screens = measured(lambda name: pipeline(sampler, name, options.draws, free_logits=False), names, options.draws)
    show("all screens but free logits", screens)
    show("with free logits", measured(lambda name: pipeline(sampler, name, options.draws, True), names, options.draws))
    counts, passed = pipeline(sampler, names[0], options.draws, free_logits=False)
    shares = ", ".join(f"{screen} {count / options.draws:.1%}" for screen, count in counts.most_common())
    print(f"  rejected: {shares}; passed {passed / options.draws:.1%}")

    if options.plain:
        plain = measured(lambda name: straightforward(sampler, options.plain), names[:1], options.plain)
        show("straightforward pipeline", plain)
        print(f"  ratio {screens[0] / plain[0]:.0f}x")
    if options.archive:
        growth(sampler, options.archive, options.draws, names)


def pipeline(sampler: Sampler, name: str, draws: int, free_logits: bool) -> tuple[Counter[str], int]:
    """Screen fresh draws into a new index; return the rejections by screen and how many passed."""
    screener = Screener(CLASSES, IdentityIndex())
    counts: Counter[str] = Counter()
    waiting: list[torch.Tensor] = []
    passed = 0
    for index in range(draws):
        formula = draw(sampler, name, index)
        table = screen(screener, formula, counts, remember=True)
        if table is None:
            continue
        passed += 1
        waiting.append(table)
        if free_logits and len(waiting) == BATCH:
            failed = int((free_logits_accuracy(torch.stack(waiting), CLASSES) < PASS).sum())
            counts["free-logits"] += failed
            passed -= failed
            waiting.clear()
    if free_logits and waiting:
        free_logits_accuracy(torch.stack(waiting), CLASSES)
    return counts, passed


def draw(sampler: Sampler, name: str, index: int) -> Formula:
    """Return a draw, as a search makes it."""
    derivation = sampler.sample(keyed_random(0, name, index))
    assert derivation is not None
    return derivation.formula


def screen(screener: Screener, formula: Formula, counts: Counter[str], remember: bool) -> torch.Tensor | None:
    """Return the response table of a formula that passes, None for any other."""
    verdict = screener(formula)
    if verdict.screen is not None:
        counts[verdict.screen] += 1
        return None
    if remember:
        assert verdict.fingerprint is not None
        screener.index.add(formula, verdict.fingerprint)
    try:
        table = tabulate(formula, CLASSES)
    except SymlossError:
        table = None
    if table is None or not table.resolved:
        counts["unresolved"] += 1
        return None
    return table.table


def growth(sampler: Sampler, archive: int, draws: int, names: list[str]) -> None:
    """Print the rate at 1,000 known losses and at every tenfold up to ``archive``, for the same draws."""
    screener = Screener(CLASSES, IdentityIndex())
    sizes = [size for size in (1000, 10_000, 100_000) if size < archive] + [archive]
    index = 0
    rates = []
    for size in sizes:
        for _ in track(range(size - len(screener.index)), f"{size:,} known losses", disable=not sys.stdout.isatty()):
            while True:
                formula = draw(sampler, "archive", index)
                index += 1
                verdict = screener(formula)
                if verdict.screen is None and verdict.fingerprint is not None:
                    screener.index.add(formula, verdict.fingerprint)
                    break
        counts: Counter[str] = Counter()

        def run(name: str, counts: Counter[str] = counts) -> None:
            for number in range(draws):
                screen(screener, draw(sampler, name, number), counts, remember=False)

        rates.append(measured(run, names, draws))
        show(f"{size:,} known losses", rates[-1])
        print(f"  duplicates among the draws {counts['duplicate'] / draws / len(names):.1%}")
    print(f"  rate at {sizes[-1]:,} known losses / rate at {sizes[0]:,}: {rates[-1][0] / rates[0][0]:.2f}")


def straightforward(sampler: Sampler, draws: int) -> int:
    """The pipeline that one would write first; return how many passed."""
    known: set[str] = set()
    passed = 0
    for index in range(draws):
        formula = draw(sampler, "plain", index)
        try:
            with time_limit(SIMPLIFY_SECONDS):
                expression = sympy.simplify(to_sympy(formula))
        except (TimeoutError, SymlossError):
            continue
        text = str(expression)
        if text in known:
            continue
        known.add(text)
        passed += trains(expression)
    return passed


def trains(expression: sympy.Expr) -> bool:
    """Whether the response curves are finite at 32 probabilities and raise the true class at uniform p."""
    p, y = sympy.symbols("y_pred y_true", real=True)
    try:
        function = sympy.lambdify((p, y), expression, "torch")
        curves = []
        for label in (0.0, 1.0):
            at = torch.sigmoid(torch.linspace(-10, 10, 32, dtype=torch.float64)).requires_grad_()
            value = function(at, torch.full_like(at, label))
            curves.append(at * torch.autograd.grad(value.sum(), at)[0])
    except Exception:  # what SymPy's printer for torch lacks, and constants without a gradient
        return False
    finite = all(bool(curve.isfinite().all()) for curve in curves)
    return finite and bool((curves[1] - curves[0])[12] < 0)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def measured(run: Callable[[str], object], names: list[str], draws: int) -> tuple[float, float]:
    """Return the median rates by CPU time and by the wall clock."""
    cpu, wall = [], []
    for name in names:
        start = time.process_time(), time.perf_counter()
        run(name)
        cpu.append(draws / (time.process_time() - start[0]))
        wall.append(draws / (time.perf_counter() - start[1]))
    return statistics.median(cpu), statistics.median(wall)


def show(what: str, rates: tuple[float, float]) -> None:
    print(f"{what:32s} {rates[0]:9,.0f} candidates a CPU second, {rates[1]:9,.0f} by the wall clock")


if __name__ == "__main__":
    main()
