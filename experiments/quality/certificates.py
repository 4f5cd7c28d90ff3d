"""Is every proof of a bounded gradient true, and how often is there one?

    python experiments/quality/certificates.py [--planted 1000] [--candidates 1000] [--grammars default,ngl]

No false proof: losses with a planted pole, jump, kink, oscillation or gap (defects.py), each confirmed by mpmath; none
may be called proven for a curve that carries it. Coverage: the catalogue, and draws of each shipped grammar that pass
the screens; every bound is compared with the largest sampled response; excess and refutations are confirmed by mpmath.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import islice
from typing import Any

import mpmath
import numpy as np
from curves import Undefined, response
from defects import BENIGN, Planted, carries, planted
from mpmath import mpf
from referee import switches
from rewrites import draws
from rich.console import Console
from rich.progress import track
from rich.table import Table

from symloss.formula import Formula, parse_formula, to_text
from symloss.grammar import shipped_grammars
from symloss.losses import CATALOGUE
from symloss.symbolic import IdentityIndex, Screener, Witness, certify, response_curves

_LOGITS = np.concatenate([np.linspace(-80, 36, 2321), np.log(np.arange(1, 2000) / np.arange(1999, 0, -1))])
_P, _Q = 1 / (1 + np.exp(-_LOGITS)), 1 / (1 + np.exp(_LOGITS))


@dataclass
class Proofs:
    """What `certify` said of losses that it should prove."""

    total: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    proven: int = 0
    milliseconds: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)


def check_planted(losses: Iterable[Planted]) -> tuple[Counter[tuple[str, str]], list[str], list[float]]:
    """Count kind and status of each curve with a defect; return also false proofs and milliseconds."""
    counts: Counter[tuple[str, str]] = Counter()
    wrong, milliseconds = [], []
    for loss in losses:
        start = time.process_time()
        certificates = certify(loss.formula)
        milliseconds.append(1e3 * (time.process_time() - start))
        for label in loss.labels:
            status = certificates[label].status
            counts[loss.kind, status] += 1
            if status == "proven":
                bound = certificates[label].bound
                wrong.append(f"r{label} <= {bound}, {loss.kind} at {loss.place}: {to_text(loss.formula)}")
    return counts, wrong, milliseconds


def survivors(grammar: str, seed: int) -> Iterator[Formula]:
    """Yield different draws of a grammar that pass every screen."""
    index = IdentityIndex()
    screener = Screener(10, index)
    for formula in draws(grammar, seed, "certificates"):
        verdict = screener(formula)
        if verdict.screen is None:
            index.add(formula, verdict.fingerprint)
            yield formula


def check_proofs(formulas: Iterable[Formula]) -> Proofs:
    """Certify losses and compare each bound with the curve."""
    result = Proofs()
    for formula in formulas:
        start = time.process_time()
        certificates = certify(formula)
        result.milliseconds.append(1e3 * (time.process_time() - start))
        result.total += 1
        result.proven += all(certificate.status == "proven" for certificate in certificates)
        curves = response_curves(formula, _P, _Q)
        for label, (certificate, curve) in enumerate(zip(certificates, curves, strict=True)):
            result.statuses[certificate.status] += 1
            if certificate.status == "proven":
                _check_bound(formula, label, certificate.bound, np.abs(curve), result)
                if np.nanmax(np.abs(curve)) > 1e-9 * np.nanmax(np.abs(curves)):  # else it is rounding noise
                    _compare_bound(formula, label, certificate.bound, np.abs(curve), result)
            else:
                if certificate.status == "refuted" and not refutation_holds(formula, label, certificate.witness):
                    result.wrong.append(f"r{label} refuted in vain, {certificate.witness}: {to_text(formula)}")
                what = f"{certificate.status}, witness {certificate.witness}, left {certificate.left}"
                result.unproven.append(f"r{label} {what}: {to_text(formula)}")
    return result


def refutation_holds(formula: Formula, label: int, witness: Witness) -> bool:
    """Whether mpmath finds a defect at a witness, a kink or the end beside it, or values that explode."""
    with mpmath.workdps(260):
        near = [mpf(witness.p), mpf(0), mpf(1)]
        near += switches(formula, label, witness.p * (1 + np.linspace(-1e-5, 1e-5, 400)))
        near += switches(formula, label, witness.p * (1 + np.linspace(-1e-11, 1e-11, 400)))
        if any(carries(formula, label, lambda place=place: place) for place in near):
            return True
        beside = re.search(r"p = (1 - )?(\S+)$", witness.reason)
        if beside is None:
            return False
        # The place is known to 12 digits, so a pole shows as growth on the way there.
        distance, from_one = mpf(beside[2]), bool(beside[1])
        sizes = []
        for step in ("1e-3", "1e-6", "1e-9"):
            p = distance * (1 + mpf(step))
            try:
                sizes.append(abs(response(formula, 1 - p if from_one else p, label)))
            except Undefined:
                return True
        return sizes[0] * 2 < sizes[1] and sizes[1] * 2 < sizes[2]


def _check_bound(formula: Formula, label: int, bound: float, sizes: np.ndarray, result: Proofs) -> None:
    if bound is None or not 0 <= bound < np.inf:
        result.wrong.append(f"r{label} has the bound {bound}: {to_text(formula)}")
        return
    excess = np.flatnonzero(~(sizes <= bound))
    for place in excess[np.argsort(-sizes[excess])][:5]:  # float64 may be wrong there
        with mpmath.workdps(120):
            p = 1 / (1 + mpmath.exp(-mpf(float(_LOGITS[place]))))
            try:
                value = abs(response(formula, p, label))
            except Undefined:
                value = mpf("inf")
            if value > bound:
                where = f"|r{label}| = {mpmath.nstr(value, 17)} > {bound} at p = {mpmath.nstr(p, 17)}"
                result.wrong.append(f"{where}: {to_text(formula)}")
                break


def _compare_bound(formula: Formula, label: int, bound: float, sizes: np.ndarray, result: Proofs) -> None:
    result.ratios.append(float(bound / np.nanmax(sizes)))
    if result.ratios[-1] > 2:
        result.loose.append(f"{result.ratios[-1]:.2g} times max |r{label}|: {to_text(formula)}")


def check_benign() -> list[tuple[str, str]]:
    """Return each benign loss with the statuses of its two curves."""
    return [(text, " ".join(proof.status for proof in certify(parse_formula(text)))) for text in BENIGN]


def _row(name: str, proofs: Proofs) -> list[str]:
    times = np.percentile(proofs.milliseconds, [50, 95, 100])
    ratios: Any = np.percentile(proofs.ratios, [50, 95, 100]) if proofs.ratios else [np.nan] * 3
    statuses = [str(proofs.statuses[status]) for status in ("proven", "refuted", "unknown")]
    share = f"{proofs.proven / proofs.total:.1%}"
    times_text = " ".join(f"{value:.2f}" for value in times)
    over = sum(ratio > 2 for ratio in proofs.ratios)
    return [name, str(proofs.total), share, *statuses, times_text, " ".join(f"{x:.3g}" for x in ratios), str(over)]


def main() -> None:
    """Run all three checks and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--planted", type=int, default=1000)
    parser.add_argument("--candidates", type=int, default=1000, help="survivors of the screens, for each grammar")
    parser.add_argument("--grammars", default=",".join(shipped_grammars()))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="list every curve of a survivor that is not proven")
    options = parser.parse_args()
    console = Console(soft_wrap=True, width=150)
    software = ", ".join(f"{name} {version(name)}" for name in ("numpy", "python-flint", "mpmath"))
    console.print(f"{platform.machine()}, {os.cpu_count()} CPUs; Python {platform.python_version()}, {software}")

    losses = track(planted(options.seed, options.planted), "planted", options.planted, console=console, transient=True)
    counts, wrong, milliseconds = check_planted(losses)
    table = Table("defect", "curves", "proven", "refuted", "unknown")
    for kind in sorted({kind for kind, _ in counts}):
        row = [counts[kind, status] for status in ("proven", "refuted", "unknown")]
        table.add_row(kind, str(sum(row)), *map(str, row))
    console.print(table)
    for line in wrong:
        console.print("FALSE PROOF", line, markup=False, highlight=False)
    slow = " / ".join(f"{value:.1f}" for value in np.percentile(milliseconds, [50, 95, 100]))
    console.print(f"{options.planted} planted: {len(wrong)} false proofs; asked: 0; CPU ms median / 95 % / max: {slow}")

    heads = (
        "losses",
        "n",
        "both proven",
        "proven",
        "refuted",
        "unknown",
        "ms 50 95 100 %",
        "bound/max 50 95 100 %",
        ">2",
    )
    table = Table(*heads)
    known = (loss.plain_formula for loss in CATALOGUE.values() if loss.plain)
    groups: dict[str, Proofs] = {"catalogue": check_proofs(known)}
    for grammar in options.grammars.split(",") if options.candidates else ():
        found = islice(survivors(grammar, options.seed), options.candidates)
        groups[grammar] = check_proofs(track(found, grammar, options.candidates, console=console, transient=True))
    for name, proofs in groups.items():
        table.add_row(*_row(name, proofs))
        for line in proofs.wrong:
            console.print(f"WRONG [{name}] {line}", markup=False, highlight=False)
        for line in proofs.unproven:
            if options.verbose or name == "catalogue":
                console.print(f"[{name}] {line}", markup=False, highlight=False)
        for line in sorted(proofs.loose, key=lambda line: -float(line.split()[0]))[:3]:
            console.print(f"LOOSE [{name}] {line}", markup=False, highlight=False)
    console.print(table)
    console.print(
        "asked: at least 95 % both proven, a median below 5 ms, every bound above the curve, no false refutation"
    )
    for text, statuses in check_benign():
        mark = "REFUTED " if "refuted" in statuses else ""
        console.print(f"benign: {mark}{statuses}: {text}", markup=False, highlight=False)


if __name__ == "__main__":
    main()
