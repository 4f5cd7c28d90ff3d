"""Fuzzes the grammar reader with broken, hostile and merely odd YAML, and draws from what it accepts.

    python experiments/fuzz/grammars.py --inputs 100000

An accepted grammar goes to JSON and back, draws three formulas, and finds one of them again.
"""

# ruff: noqa: E501 (tables of texts)

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from common import arguments, fuzz, watch

from symloss.errors import SymlossError
from symloss.formula import parse_formula, to_text
from symloss.grammar import Grammar, Sampler, derive, shipped_grammars
from symloss.grammar.build import build
from symloss.grammar.reader import Document, decode

_SHIPPED = [path.read_bytes() for path in shipped_grammars().values()]
_LINES = [line for data in _SHIPPED for line in data.split(b"\n") if line.strip()]

_WRONG = [
    "null",
    "~",
    "true",
    "no",
    "-1",
    "0",
    "1.5",
    "1e999",
    "-.inf",
    ".nan",
    "0x" + "f" * 5_000,
    "1:" * 50 + "1",
    "9" * 5_000,
]
_WRONG += [
    "[]",
    "{}",
    "[[1]]",
    "{a: {b: c}}",
    "''",
    "' '",
    '"\\0"',
    '"\\ud800"',
    '"\\x1b[2J"',
    "é",
    "2001-01-01",
    "<<: {a: 1}",
    "=",
    "? x",
]
_WRONG += [
    "&a [1]",
    "*a",
    "!!python/object:os.system {}",
    "!!python/object/apply:os.system ['touch pwned']",
    "!x y",
    "!!binary aGk=",
]
_WRONG += [
    "|\n    text\n",
    ">-\n  x",
    "y_pred",
    "expr",
    "'y_pred + y_true'",
    "{rhs: y_pred, weight: 0}",
    "{rhs: expr}",
    "{rhs: 1, constant: 2}",
]
_WRONG += [
    "{constant: {distribution: uniform, low: 3, high: -3}}",
    "{constant: {distribution: choice, values: [1, .inf]}}",
    "{constant: {}}",
]
_WRONG += [
    "{constant: {distribution: normal, mean: 1e15, std: 1e-15, decimals: 8}}",
    "{constant: {distribution: loguniform, low: 0, high: 1}}",
]
_KEYS = [
    "name",
    "start",
    "rules",
    "limits",
    "seeds",
    "loss",
    "description",
    "depth",
    "nodes",
    "rhs",
    "weight",
    "constant",
    "expr",
    "extra",
    "1",
]
_BOM = [b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff\x00"]


def _mutated(rng: random.Random) -> bytes:
    """Return a shipped grammar with some lines and bytes changed."""
    lines = rng.choice(_SHIPPED).split(b"\n")
    for _ in range(rng.randrange(1, 4)):
        place = rng.randrange(len(lines))
        kind = rng.random()
        if kind < 0.15:
            del lines[place]
            lines = lines or [b""]
        elif kind < 0.3:
            lines.insert(place, rng.choice(_LINES))
        elif kind < 0.4:
            lines.insert(place, lines[place])
        elif kind < 0.7 and b":" in lines[place]:
            head = lines[place].split(b":")[0]
            lines[place] = head + b": " + rng.choice(_WRONG).encode("utf-8")
        elif kind < 0.8:
            lines[place] = b" " * rng.randrange(8) + lines[place].strip()
        elif lines[place]:
            line = bytearray(lines[place])
            for _ in range(rng.randrange(1, 4)):
                line[rng.randrange(len(line))] = rng.choice([rng.randrange(256), *b"[]{}:,&*!|>'\"%@`#-? \t"])
            lines[place] = bytes(line)
    return rng.choice([b""] * 30 + _BOM) + b"\n".join(lines)


def _value(rng: random.Random, level: int) -> str:
    kind = rng.random()
    if level > 3 or kind < 0.5:
        return rng.choice(_WRONG).replace("\n", " ")
    if kind < 0.75:
        return "[" + ", ".join(_value(rng, level + 1) for _ in range(rng.randrange(4))) + "]"
    return "{" + ", ".join(f"{rng.choice(_KEYS)}: {_value(rng, level + 1)}" for _ in range(rng.randrange(4))) + "}"


def _wrong_types(rng: random.Random) -> bytes:
    """Return a grammar whose keys are right, mostly, and whose values are anything."""
    parts = {
        "name": "g",
        "start": "expr",
        "rules": "{expr: [y_pred, y_true, 'expr + expr', 'exp(expr)', {constant: {distribution: uniform, low: 0, high: 1}}]}",
        "limits": "{depth: 4, nodes: 9}",
        "seeds": "['y_pred + y_true']",
        "loss": "{output: softmax, class_reduction: sum}",
        "description": "text",
    }
    for _ in range(rng.randrange(1, 3)):
        parts[rng.choice(_KEYS[:7] + _KEYS)] = _value(rng, 0)
    names = rng.sample(list(parts), len(parts))
    return "\n".join(f"{name}: {parts[name]}" for name in names).encode("utf-8")


def _random_rules(rng: random.Random) -> bytes:
    """Return rules that may or may not end, repeat or cycle, with any limits."""
    names = [f"r{number}" for number in range(rng.choice([1, 2, 3, 8, 30]))]
    forms = [
        "{0}",
        "{0} + {1}",
        "{0}*{1}",
        "exp({0})",
        "{0}/sqrt(1 + {1}**2)",
        "max({0}, {1})",
        "-{0}",
        "{0}*{1}*{0}*{1}",
        "log({0}) - 1",
    ]
    text = f"name: g\nstart: {rng.choice(names)}\nlimits: {{depth: {rng.choice([1, 3, 7, 20, 50])}, nodes: {rng.choice([1, 5, 25, 60, 200])}}}\nrules:\n"
    for name in names:
        text += f"  {name}:\n"
        for _ in range(rng.choice([1, 2, 3, 5])):
            leaves = [*names, "y_pred", "y_true", "1", "0.5"]
            form = rng.choice([*forms, "y_pred", "y_true"]).format(rng.choice(leaves), rng.choice(leaves))
            weight = rng.choice(["1", "1", "1", "1e-9", "1e9", "0.3"])
            text += f"    - {{rhs: '{form}', weight: {weight}}}\n"
    return text.encode()


def _bombs(rng: random.Random) -> bytes:
    """Return a file that means to fill the memory or never to end."""
    size = rng.choice([10, 1_000, 30_000, 400_000])
    return rng.choice(
        [
            lambda: b"a: &a [x, x]\n" + b"".join(b"b%d: &b%d [*%s, *%s]\n" % (n, n, p, p) for n, p in enumerate([b"a", *(b"b%d" % n for n in range(99))])),
            lambda: b"name: " + b"[" * size,
            lambda: b"name: " + b"{a: " * (size // 4),
            lambda: b"- " * (size // 2) + b"x",
            lambda: b"? " * (size // 2) + b"x",
            lambda: b"name: " + b"x" * size,
            lambda: b"name: |\n" + b" x\n" * (size // 3),
            lambda: b'name: "' + b"\\u00e9" * (size // 6) + b'"',
            lambda: b"rules: [" + b"1," * (size // 2) + b"]",
            lambda: b"".join(b"k%d: v\n" % n for n in range(size // 9)),
            lambda: b"k: 1\n" * (size // 5),
            lambda: b"---\n" * (size // 4),
            lambda: b"%YAML 1.1\n" * (size // 10),
            lambda: b"limits: {depth: 1" + b":1" * (size // 2) + b"}",
            lambda: b"name: g\nstart: e\nrules:\n  e: ['" + b"e+" * (size // 2) + b"y_pred']",
            lambda: b"seeds:\n" + b"- " + b"y_pred+" * (size // 7) + b"1\n",
            lambda: b"name: &" + b"a" * size + b" x",
            lambda: b"name: !" + b"a" * size + b" x",
        ]
    )()  # fmt: skip


def _noise(rng: random.Random) -> bytes:
    return rng.choice(
        [
            rng.randbytes(rng.randrange(1, 200)),
            "".join(rng.choices("[]{}:,&*!|>'\"%@`#-? \t\nab1\0é", k=rng.randrange(1, 120))).encode(),
        ]
    )


_KINDS: list[tuple[Callable[[random.Random], bytes], float]] = [
    (_mutated, 6), (_wrong_types, 28), (_random_rules, 1), (_bombs, 0.2), (_noise, 65)
]  # fmt: skip
_FUNCTIONS, _WEIGHTS = zip(*_KINDS, strict=True)


def generate(rng: random.Random) -> bytes:
    """Return the content of one file."""
    kind: Callable[[random.Random], bytes] = rng.choices(_FUNCTIONS, _WEIGHTS)[0]
    return kind(rng)


def read(data: bytes) -> Grammar:
    """Read a grammar as from a file of this content."""
    document = Document(decode(data, "fuzz.yaml"), "fuzz.yaml")
    return build(document.data, document.problems)


def check(data: bytes) -> str:
    """Read a grammar and use it."""
    grammar = read(data)
    again = Grammar.from_dict(json.loads(json.dumps(grammar.to_dict())))
    assert again == grammar
    assert again.digest() == grammar.digest()
    sampler = Sampler(grammar)
    rng = random.Random(0)
    for _ in range(3):
        drawn = sampler.sample(rng)
        assert drawn.formula.depth <= grammar.limits.depth
        assert drawn.formula.size <= grammar.limits.nodes
        assert grammar.derivation_from_json(json.loads(json.dumps(drawn.to_json()))) == drawn
    try:
        known = parse_formula(to_text(drawn.formula))
    except SymlossError:  # a constant beyond what formulas may hold
        return "accepted"
    assert known != drawn.formula or derive(grammar, drawn.formula) is not None
    return "accepted"


def main() -> int:
    options = arguments(__doc__.split("\n")[0], 100_000)
    for data in _SHIPPED:
        check(data)
    watch(None)
    return fuzz("grammars", options, generate, check)


if __name__ == "__main__":
    sys.exit(main())
