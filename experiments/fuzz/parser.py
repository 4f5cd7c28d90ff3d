"""Fuzzes the formula parser, and follows what it accepts as a search would.

    python experiments/fuzz/parser.py --inputs 1000000

An accepted formula is written and read back, folded at both labels, written as LaTeX, differentiated; every 200th of
up to 25 nodes gets its identity and its certificate too, whose cost grows with the formula.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from common import arguments, fuzz, watch

from symloss.errors import SymlossError
from symloss.formula import FUNCTIONS, at_label, parse_formula, to_text
from symloss.losses import CATALOGUE
from symloss.symbolic import certify, loss_id, response_curves, to_latex

_POINTS = np.array([1e-6, 0.1, 0.5, 1 - 1e-6])
_NAMES = ["y_pred", "y_true", *FUNCTIONS]
_NUMBERS = [
    "0",
    "1",
    "2",
    "0.5",
    "1e-3",
    "3.14159",
    "1e30",
    "1e31",
    "1e400",
    "1e-400",
    "5e-324",
    "9" * 40,
    "0x1F",
    "1_0",
    "7j",
]
_TOKENS = [*_NAMES, *_NUMBERS, "+", "-", "*", "/", "**", "(", ")", "(", ")", ",", " "]
_PYTHON = [
    "lambda x: x",
    "[1]",
    "{1: 2}",
    "if",
    "else",
    "for",
    "in",
    "not",
    "await",
    "yield",
    ":=",
    "@",
    "//",
    "%",
    "^",
    "~",
]
_PYTHON += [
    "<<",
    "==",
    "__import__('os')",
    "().__class__",
    "f'{1}'",
    "'a'",
    '"""',
    "True",
    "None",
    "...",
    "x.y",
    "x[0]",
]
_PYTHON += [
    ".",
    ";",
    "\n",
    "\t",
    "\f",
    "\\\n",
    "#",
    "\0",
    "é",
    "ｙ_pred",
    "\ud800",
    "\u202e",
    "𝟗",
    "'",
    "\x1b[31m",
    "\ufeff",
]
_SEEDS = [loss.text for loss in CATALOGUE.values() if loss.formula is not None]


def _soup(rng: random.Random) -> str:
    return "".join(rng.choices(_TOKENS, k=rng.randrange(1, 25)))


def _python(rng: random.Random) -> str:
    return "".join(rng.choices(_TOKENS + _PYTHON, k=rng.randrange(1, 15)))


def _bytes(rng: random.Random) -> str:
    return rng.randbytes(rng.randrange(1, 60)).decode("utf-8", "surrogateescape")


def _ascii(rng: random.Random) -> str:
    return "".join(map(chr, rng.choices(range(128), k=rng.randrange(1, 40))))


def _mutated(rng: random.Random) -> str:
    text = rng.choice(_SEEDS)
    for _ in range(rng.randrange(1, 5)):
        place, end = sorted(rng.choices(range(len(text) + 1), k=2))
        end = min(end, place + 8)
        kind = rng.random()
        if kind < 0.3:
            text = text[:place] + rng.choice(_TOKENS) + text[place:]
        elif kind < 0.6:
            text = text[:place] + text[end:]
        elif kind < 0.8:
            text = text[:place] + rng.choice(_TOKENS) + text[end:]
        else:
            text = text[:place] + text[place:end] * rng.randrange(2, 5) + text[end:]
    return text


def _grown(rng: random.Random, size: int | None = None) -> str:
    """Return a formula of the whitelist: deep where the number of nodes is spent on one branch, else bushy."""
    left = rng.randrange(1, 30) if size is None else size
    bushy = rng.random() < 0.7

    def grow(left: int, level: int) -> str:
        if left <= 1 or level > 95:
            return rng.choice(["y_pred", "y_true", "y_pred", rng.choice(_NUMBERS)])
        kind = rng.random()
        if kind < 0.45:
            name = rng.choice(_NAMES[2:])
            share = (left - 1) // FUNCTIONS[name].arity
            return f"{name}({', '.join(grow(share, level + 1) for _ in range(FUNCTIONS[name].arity))})"
        if kind < 0.55:
            return f"-({grow(left - 1, level + 1)})"
        first = (left - 1) // 2 if bushy else 1
        parts = [grow(first, level + 1), grow(left - 1 - first, level + 1)]
        rng.shuffle(parts)
        return f"({parts[0]}){rng.choice(['+', '-', '*', '/', '**'])}({parts[1]})"

    return grow(left, 0)


def _large(rng: random.Random) -> str:
    return _grown(rng, rng.choice([100, 300, 900, 1100]))


def _nested(rng: random.Random) -> str:
    depth = rng.choice([50, 98, 99, 101, 199, 201, 1_000, 4_000, 10_000, 1_000_000])
    kind = rng.randrange(6)
    if kind == 0:
        return "(" * depth + "y_pred" + ")" * rng.choice([depth, depth, depth - 1, 0])
    if kind == 1:
        return rng.choice(["-", "+", "- ", "not ", "~"]) * depth + "y_pred"
    if kind == 2:
        return (
            "y_pred"
            + rng.choice(["+", "-", "*", "/", "**", " - -", ",", "<"]) * 1
            + f"{rng.choice(['+', '**', '*'])}y_pred" * depth
        )
    if kind == 3:
        name = rng.choice(_NAMES[2:])
        return f"{name}(" * depth + "y_pred" + ")" * depth
    if kind == 4:
        return rng.choice(["[", "{", "f'{", "(y_pred,", "lambda:", "y_pred(", "y_pred["]) * depth
    return "**".join(["9"] * depth)


def _numbers(rng: random.Random) -> str:
    digits = "".join(rng.choices("0123456789", k=rng.choice([1, 5, 20, 300, 4_299, 4_301, 9_000])))
    number = rng.choice(
        [
            digits,
            f"{digits}.{digits}",
            f"1e{digits}",
            f"1e-{digits}",
            f"0x{digits}",
            f"0b{digits}",
            f".{digits}",
            f"{digits}j",
        ]
    )
    return rng.choice(
        ["{0}", "-{0}", "y_pred**{0}", "{0}**y_pred", "{0}*y_pred - log({0})", "y_pred/{0} + y_true", "{0}**{0}"]
    ).format(number)


def _long(rng: random.Random) -> str:
    letters = "".join(rng.choices("abcdefgy_", k=50)) * rng.choice([2, 100, 199, 400])
    return rng.choice(["{0}", "{0}(y_pred)", "log({0}=1)", "y_pred + {0}", "'{0}'", "y_pred # {0}"]).format(letters)


_KINDS: list[tuple[Callable[[random.Random], str], float]] = [
    (_soup, 27), (_python, 14), (_bytes, 14), (_ascii, 14), (_mutated, 16), (_grown, 9), (_large, 0.2), (_nested, 1),
    (_numbers, 4), (_long, 1)
]  # fmt: skip
_FUNCTIONS, _WEIGHTS = zip(*_KINDS, strict=True)


def generate(rng: random.Random) -> str:
    """Return one text."""
    kind: Callable[[random.Random], str] = rng.choices(_FUNCTIONS, _WEIGHTS)[0]
    return kind(rng)


_accepted = count()


def check(text: str) -> str:
    """Parse a text and use the formula."""
    formula = parse_formula(text)
    written = to_text(formula)
    assert parse_formula(written) == formula, f"written as {written[:200]}"
    to_latex(formula)
    with np.errstate(all="ignore"):
        response_curves(formula, _POINTS)
    try:
        for label in (0, 1):
            folded = at_label(formula, label)
            assert folded.size <= formula.size
            again = to_text(folded)
            assert parse_formula(again) == folded, f"folded to {again[:200]}"
        if formula.size <= 25 and next(_accepted) % 200 == 0:
            loss_id(formula)
            certify(formula)
    except SymlossError:
        return "accepted, no loss"
    return "accepted"


def main() -> int:
    options = arguments(__doc__.split("\n")[0], 1_000_000)
    for text in (*_SEEDS, "max(y_pred, 0.25)*y_true"):  # whatever is imported late is imported now
        check(text)
        certify(parse_formula(text)), loss_id(parse_formula(text))
    watch(None)
    return fuzz("parser", options, generate, check)


if __name__ == "__main__":
    sys.exit(main())
