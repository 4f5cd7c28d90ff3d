"""What does a search gain over cross-entropy on the default task, from run seed to run seed?

    python experiments/quality/gain.py [--seeds 5] [--label-noise 0.4] [--json FILE]

Runs `symloss evolve default` once for each run seed and reports the loss that each run ranks first by its validation
score: its gain in test accuracy over cross-entropy with the audit's 20 fresh seeds. Nothing is chosen by test accuracy.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any


def run(seed: int, label_noise: float, folder: Path) -> dict[str, Any]:
    """Run one search and return what is reported of it."""
    output = folder / f"{seed}.json"
    arguments = ["evolve", "default", "--seed", seed, "--label-noise", label_noise, "--run-dir", folder / str(seed)]
    command = [sys.executable, "-c", "from symloss.cli import main; main()", *arguments, "--json", output]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    result = json.loads(output.read_text())
    best = result["hall_of_fame"][0]
    baselines = {row["loss"]: row["test"]["mean"] for row in result["baselines"]}
    return {
        "seed": seed,
        "expression": best["expression"],
        "size": best["size"],
        "test": best["test"]["mean"],
        "gain": best["gain"]["mean"],
        "p_holm": best["gain"]["p_holm"],
        "baselines": baselines,
        "seconds": result["seconds"],
        "drawn": result["counts"]["drawn"],
        "trained": result["counts"]["trained"],
    }


def main() -> None:
    """Run the searches one after another and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--label-noise", type=float, default=0.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    hardware = f"{platform.machine()}, {os.cpu_count()} cores"
    versions = {name: version(name) for name in ("symloss", "torch", "numpy")}
    print(f"{hardware}; Python {platform.python_version()}, {versions}; label noise {options.label_noise}", flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seeds):
            row = run(seed, options.label_noise, Path(folder))
            rows.append(row)
            print(
                f"seed {seed}: gain {100 * row['gain']:+.2f} points (p {row['p_holm']:.1g}), "
                f"test {100 * row['test']:.2f} %, {row['seconds']} s, drawn {row['drawn']}: {row['expression']}",
                flush=True,
            )
    gains = [100 * row["gain"] for row in rows]
    print(f"median gain {statistics.median(gains):+.2f} points, from {min(gains):+.2f} to {max(gains):+.2f}")
    if options.json:
        report = {"hardware": hardware, "versions": versions, "label_noise": options.label_noise, "runs": rows}
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
