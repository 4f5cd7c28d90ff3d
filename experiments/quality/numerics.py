"""Are values and logit gradients of compiled losses right in float32, at every place a softmax can be?

    python experiments/quality/numerics.py [--survivors 1000] [--classes 2,10,1000] [--seed 0]

The catalogue and survivors of the default grammar's screens, through `symloss.Loss` and autograd in float32, against
mpmath at 200 digits from the formula itself (numerics_exact.py). Asked: where the exact result is a normal float32
number, a relative error of at most 1e-5; never nan. Two kinds of entries cannot be so in any float32 program and are
counted apart: those that cancel (a sum much smaller than its terms), and those that rounding the log-odds moves more.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice

import mpmath
import numpy as np
import torch
from certificates import survivors
from curves import Undefined
from numerics_exact import CONFIRMED, DIGITS, Curves, Exact, Row, exact, roundings
from numerics_rows import Batch, batch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import nn

import symloss
from symloss.errors import SymlossError
from symloss.formula import Formula, parse_formula, to_text
from symloss.losses import CATALOGUE

TOLERANCE = 1e-5
#: A sum below this share of its terms' size is said to cancel.
CANCELLING = 0.1
_TINY, _LARGEST = (float(getattr(torch.finfo(torch.float32), name)) for name in ("tiny", "max"))
#: Errors below this are shown apart: a probability that is no normal float32 number, multiplied up again.
NEGLIGIBLE = 1e-30
#: Torch's own cross-entropy on the same rows, to compare with.
TORCH = "torch's CE"
SIGMOID = "sigmoid catalogue"
_BATCHES = 8  # formulas take turns with these, so that all together see many probabilities
_EVERY = 50  # formulas, of which one also sees a row of all different logits for many classes


@dataclass
class Offence:
    """An entry that is wrong, and what it should be."""

    error: float
    formula: str
    where: str
    got: float
    want: float
    size: float
    rounding: float

    def __str__(self) -> str:
        numbers = f"got {self.got:.9g}, want {self.want:.9g}, terms {self.size:.3g}, rounding moves {self.rounding:.1e}"
        return f"{self.error:.1e}: {self.formula} | {self.where}: {numbers}"


@dataclass
class Tally:
    """Entries of one kind: what was compared, and what was wrong."""

    compared: int = 0
    good: int = 0
    worst: float = 0.0
    cancelling: int = 0
    worst_scaled: float = 0.0
    scaled_bad: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    worst_plain: float = 0.0
    offences: list[Offence] = field(default_factory=list)
    cancelled: list[Offence] = field(default_factory=list)


def compiled(criterion: nn.Module, inputs: Batch) -> tuple[np.ndarray, np.ndarray]:
    """Return values [n] and logit gradients [n, C] as float32 autograd has them."""
    logits = inputs.logits.clone().requires_grad_()
    values = criterion(logits, inputs.target)
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    return values.detach().double().numpy(), gradient.double().numpy()


def check(formula: Formula, criterion: nn.Module, inputs: Batch, tallies: dict[str, Tally]) -> None:
    """Compare one formula on one batch, and enter what was found."""
    values, gradients = compiled(criterion, inputs)
    with mpmath.workdps(DIGITS):
        curves = [Curves(formula, row) for row in inputs.rows]
        for number, (row, true) in enumerate(inputs.samples):
            try:
                want = exact(curves[row], true)
            except Undefined:
                tallies["value"].counts["undefined"] += 1
                continue
            _compare(formula, inputs.rows[row], true, "value", values[number : number + 1], want, tallies["value"])
            _compare(formula, inputs.rows[row], true, "gradient", gradients[number], want, tallies["gradient"])


def _compare(formula: Formula, row: Row, true: int, kind: str, got: np.ndarray, answer: Exact, tally: Tally) -> None:
    want, size = answer.entries(kind)
    tally.counts["nan"] += int(np.isnan(got).sum())
    tally.counts["inf"] += int((np.isinf(got) & (np.abs(want) < 0.99 * _LARGEST)).sum())
    normal = (np.abs(want) >= _TINY) & (np.abs(want) <= _LARGEST)
    tally.counts["not normal"] += int((~normal).sum())
    with np.errstate(all="ignore"):
        error = np.nan_to_num(np.abs(got - want) / np.abs(want), nan=np.inf, posinf=np.inf)
        scaled = np.nan_to_num(np.abs(got - want) / size, nan=np.inf, posinf=np.inf)
    wrong = np.isnan(got) | (normal & (error > TOLERANCE))
    tally.compared += int(normal.sum())
    tally.good += int((normal & ~wrong).sum())
    tally.worst = max(tally.worst, error[normal].max(initial=0))
    sized = (size >= _TINY) & (size <= _LARGEST)
    tally.worst_scaled = max(tally.worst_scaled, scaled[sized].max(initial=0))
    tally.scaled_bad += int((scaled[sized] > TOLERANCE).sum())
    cancels = normal & (np.abs(want) < CANCELLING * size)
    tally.cancelling += int(cancels.sum())
    tally.worst_plain = max(tally.worst_plain, error[normal & ~wrong & ~cancels].max(initial=0))
    if wrong.any():
        _blame(formula, row, true, kind, got, tally, np.flatnonzero(wrong))


def _blame(formula: Formula, row: Row, true: int, kind: str, got: np.ndarray, tally: Tally, places: np.ndarray) -> None:
    """Sort wrong entries by what excuses them, with the exact results found again at twice the digits."""
    with mpmath.workdps(CONFIRMED):
        curves = Curves(formula, Row(row.name, row.logits, row.output))
        want, size = exact(curves, true).entries(kind)
        moved = roundings(curves, true).entries(kind)[0]
    entries = []
    for place in places:
        with np.errstate(all="ignore"):
            error = float(np.nan_to_num(abs(got[place] - want[place]) / abs(want[place]), nan=np.inf, posinf=np.inf))
            rounding = float(moved[place] / abs(want[place]))
        if error <= TOLERANCE:
            tally.counts["digits"] += 1  # 200 were not enough, and the result is right
            tally.good += 1
            continue
        where = f"{row.name}, true class at {row.logits[true]:.9g} (p = {mpmath.nstr(row.p[row.place[true]], 6)})"
        if kind == "gradient":
            which = "the true one" if place == true else "another"
            p = mpmath.nstr(row.p[row.place[place]], 6)
            where += f", class {place}, {which}, at {row.logits[place]:.9g} (p = {p})"
        entries.append(Offence(error, to_text(formula), where, got[place], want[place], size[place], rounding))
        if np.isnan(got[place]):
            reason = "left"
        elif abs(want[place]) < CANCELLING * size[place]:
            reason = "cancels"
        elif rounding > TOLERANCE:
            reason = "rounding"
        else:
            reason = "tiny" if abs(got[place] - want[place]) < NEGLIGIBLE else "left"
        tally.counts[reason] += 1
        if reason == "left":
            tally.worst_plain = max(tally.worst_plain, error)
            tally.offences.append(entries[-1])
        elif reason == "cancels":
            tally.cancelled.append(entries[-1])
    tally.offences = _worst(tally.offences, lambda entry: entry.error)
    tally.cancelled = _worst(tally.cancelled, lambda entry: abs(entry.got - entry.want) / entry.size)


def _worst(entries: list[Offence], key: Callable[[Offence], float]) -> list[Offence]:
    """Keep the worst entry of each formula."""
    best: dict[str, Offence] = {}
    for entry in sorted(entries, key=key, reverse=True):
        best.setdefault(entry.formula, entry)
    return list(best.values())


def main() -> None:
    """Compare both groups for every number of classes and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--survivors", type=int, default=1000)
    parser.add_argument("--classes", default="2,10,1000", help="numbers of classes, separated by commas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=10, help="how many of the worst entries to print of each kind")
    options = parser.parse_args()
    torch.set_num_threads(1)
    console = Console(soft_wrap=True, width=170)
    software = ", ".join(f"{name} {version(name)}" for name in ("torch", "mpmath"))
    console.print(f"{platform.machine()}, {os.cpu_count()} CPUs; Python {platform.python_version()}, {software}")
    start = time.perf_counter()
    classes = [int(number) for number in options.classes.split(",")]
    with mpmath.workdps(DIGITS):
        batches = {
            output: {c: [batch(c, options.seed, number, output=output) for number in range(_BATCHES)] for c in classes}
            for output in ("softmax", "sigmoid")
        }
        wide = {c: batch(c, options.seed, _BATCHES, wide=True) for c in classes}
    known = [(loss.output, loss.formula) for loss in CATALOGUE.values() if loss.formula is not None]
    drawn = islice(survivors("default", options.seed), options.survivors)
    progress = track(drawn, "survivors", options.survivors, console=console, transient=True)
    groups: dict[str, Iterable[Formula]] = {
        TORCH: [parse_formula("-y_true*log(y_pred)")],
        "catalogue": dict.fromkeys(formula for output, formula in known if output == "softmax"),
        SIGMOID: dict.fromkeys(formula for output, formula in known if output == "sigmoid"),
        "survivors": progress,
    }
    results: dict[tuple[str, int], dict[str, Tally]] = {}
    refused = Counter[str]()
    for group, formulas in groups.items():
        output = "sigmoid" if group == SIGMOID else "softmax"
        for c in classes:
            results[group, c] = {"value": Tally(), "gradient": Tally()}
        for number, formula in enumerate(formulas):
            try:
                criterion: nn.Module = symloss.Loss(formula, output=output, class_reduction="sum", reduction="none")
            except SymlossError as error:
                refused[f"{group}: {error}"] += 1
                continue
            if group == TORCH:
                criterion = nn.CrossEntropyLoss(reduction="none")
            for c in classes:
                inputs = batches[output][c][number % _BATCHES]
                if output == "softmax" and number % _EVERY == 0:
                    inputs = wide[c]
                check(formula, criterion, inputs, results[group, c])
    print_results(console, results, options.show)
    for line in refused:
        console.print("REFUSED", line, markup=False, highlight=False)
    console.print(f"{time.perf_counter() - start:.0f} s")
    ours = [tally for (group, _), pair in results.items() if group != TORCH for tally in pair.values()]
    bad = any(tally.counts["left"] or tally.counts["nan"] for tally in ours)
    sys.exit(1 if bad else 0)


def print_results(console: Console, results: dict[tuple[str, int], dict[str, Tally]], show: int) -> None:
    """Print a table of all groups, then the worst entries."""
    heads: tuple[str, ...] = (
        "losses",
        "C",
        "of",
        "compared",
        "<= 1e-5",
        "worst",
        "cancels",
        "rounding",
        "< 1e-30",
        "left",
    )
    heads += ("worst left", "all that cancel", "worst /terms", "> 1e-5 /terms", "nan", "inf")
    table = Table(*heads)
    for (group, c), pair in results.items():
        for kind, tally in pair.items():
            share = f"{tally.good / tally.compared:.5%}" if tally.compared else "-"
            row = [group, str(c), kind, str(tally.compared), share, f"{tally.worst:.1e}"]
            row += [str(tally.counts[reason]) for reason in ("cancels", "rounding", "tiny", "left")]
            row += [f"{tally.worst_plain:.1e}", str(tally.cancelling), f"{tally.worst_scaled:.1e}"]
            table.add_row(*row, str(tally.scaled_bad), *(str(tally.counts[reason]) for reason in ("nan", "inf")))
    console.print(table)
    for (group, c), pair in results.items():
        for kind, tally in pair.items():
            for title, entries in (("LEFT", tally.offences), ("CANCELS", tally.cancelled)):
                for entry in entries[: show if title == "LEFT" else max(1, show // 4)]:
                    console.print(f"{title} [{group}, C = {c}, {kind}] {entry}", markup=False, highlight=False)
                if len(entries) > show:
                    console.print(f"{title} [{group}, C = {c}, {kind}] ... {len(entries)} formulas", markup=False)
    skipped = {name: sum(t.counts[name] for pair in results.values() for t in pair.values()) for name in _SKIPPED}
    console.print(*(f"{_SKIPPED[name]}: {count}" for name, count in skipped.items()), sep="; ")


_SKIPPED = {
    "not normal": "exact results that are no normal float32 number",
    "undefined": "samples where the formula has no value",
    "digits": f"entries that needed {CONFIRMED} digits",
}


if __name__ == "__main__":
    main()
