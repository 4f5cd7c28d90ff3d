"""Fuzzes the formula parser and the grammar reader by coverage, with atheris (pip install atheris); not part of CI.

    python experiments/fuzz/guided.py formula -max_total_time=300 CORPUS_FOLDER

What stands behind ``formula`` or ``grammar`` is for libFuzzer. It stops at the first exception that is no SymlossError
and at an input that takes over 2 s.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

try:
    import atheris
except ImportError:
    sys.exit("guided.py needs atheris: pip install atheris")

with atheris.instrument_imports(include=["symloss.formula", "symloss.grammar"]):
    import parser as formulas

    import grammars
    from symloss.errors import SymlossError


def formula(data: bytes) -> None:
    """Parse the bytes as a formula and use it."""
    with contextlib.suppress(SymlossError):
        formulas.check(data.decode("utf-8", "replace"))


def grammar(data: bytes) -> None:
    """Read the bytes as a grammar and use it."""
    with contextlib.suppress(SymlossError):
        grammars.check(data)


def main() -> None:
    targets = {"formula": formula, "grammar": grammar}
    if len(sys.argv) < 2 or sys.argv[1] not in targets:
        sys.exit(f"say what to fuzz: {' or '.join(targets)}")
    atheris.Setup([sys.argv[0], "-timeout=2", *sys.argv[2:]], targets[sys.argv[1]])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
