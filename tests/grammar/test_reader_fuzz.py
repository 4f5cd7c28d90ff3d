"""The grammar reader takes any file: it gives a grammar, or says in which line what is wrong, and soon."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symloss.formula import parse_formula
from symloss.grammar import Grammar, GrammarError, Sampler, load_grammar, shipped_grammars
from symloss.grammar.build import build
from symloss.grammar.derive import Matcher
from symloss.grammar.reader import Document, decode
from symloss.limits import YAML_BYTES

#: Of this process's CPU, on a slow machine.
HANG = 2.0

HEAD = "name: g\nstart: e\n"
RULES = "rules: {e: [y_pred, y_true, 'e + e']}\n"
BOMBS = {
    "aliases of aliases": "b0: &b0 [x, x]\n" + "".join(f"b{n}: &b{n} [*b{n - 1}, *b{n - 1}]\n" for n in range(1, 99)),
    "brackets": "name: " + "[" * 400_000,
    "mappings": "name: " + "{a: " * 100_000,
    "dashes": "- " * 200_000,
    "question marks": "? " * 200_000,
    "a long scalar": "name: " + "x" * 480_000,
    "many values": "rules: [" + "1," * 200_000 + "]",
    "many keys": "".join(f"k{n}: v\n" for n in range(40_000)),
    "many unknown keys": HEAD + RULES + "".join(f"k{n}: v\n" for n in range(4_900)),
    "one key again and again": "k: 1\n" * 90_000,
    "documents": "---\n" * 100_000,
    "a number of base 60": HEAD + RULES + "limits: {depth: 1" + ":1" * 200_000 + "}",
    "a number of base 16": HEAD + RULES + "limits: {depth: 0x" + "f" * 9_000 + "}",
    "an object": "name: !!python/object/apply:os.system ['true']",
    "a module": "name: !!python/name:os.system",
    "an own tag": "name: !" + "a" * 100_000 + " x",
    "a long formula": HEAD + "rules: {e: ['" + "y_pred+" * 50_000 + "y_true']}",
    "a long start": f"name: g\nstart: {'s' * 100_000}\n{RULES}",
    "a large table": HEAD + "limits: {depth: 50, nodes: 200}\nrules:\n  e: [y_pred, y_true, "
    + ", ".join(f"'{'*'.join(['e'] * 8)} + {n}'" for n in range(250)) + "]",
}  # fmt: skip


def read(data: bytes) -> Grammar:
    document = Document(decode(data, "fuzz.yaml"), "fuzz.yaml")
    return build(document.data, document.problems)


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_at_once(name: str) -> None:
    begun = time.process_time()
    with pytest.raises(GrammarError, match=r"fuzz.yaml:\d+: ") as caught:
        read(BOMBS[name].encode())
    assert time.process_time() - begun < HANG
    assert len(str(caught.value)) < 5_000


def test_a_file_of_100_megabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    begun = time.process_time()
    with pytest.raises(GrammarError, match=f"larger than {YAML_BYTES:,} bytes"):
        load_grammar(path)
    assert time.process_time() - begun < HANG


def test_bombs_need_little_memory() -> None:
    code = (
        "import resource, sys\n"
        "from symloss.grammar import GrammarError\n"
        "from symloss.grammar.build import build\n"
        "from symloss.grammar.reader import Document\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (200 << 20),) * 2)\n"
        "import json\n"
        "for text in json.load(sys.stdin):\n"
        "    try:\n"
        "        document = Document(text, 'fuzz.yaml')\n"
        "        build(document.data, document.problems)\n"
        "    except GrammarError:\n"
        "        continue\n"
        "    raise SystemExit('read')\n"
    )
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs Linux's /proc")
    result = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps([BOMBS[name] for name in ("aliases of aliases", "many keys", "brackets")]),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr[-2_000:]


def test_only_the_first_of_many_mistakes_are_told() -> None:
    text = HEAD + RULES + "".join(f"k{n}: v\n" for n in range(500))
    with pytest.raises(GrammarError) as caught:
        read(text.encode())
    lines = str(caught.value).split("\n")
    assert len(lines) == 21
    assert lines[0].startswith("fuzz.yaml:4: unknown key 'k0'")
    assert lines[-1] == "... and 480 more"


def test_matching_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Matcher.nonterminal.__globals__, "GRAMMAR_MATCHING", 20)
    grammar = load_grammar("default")
    formula = parse_formula("y_pred*y_true + y_pred*y_true - y_pred*y_true")
    with pytest.raises(GrammarError, match="takes more than 20 steps"):
        Matcher(grammar.rules).nonterminal(grammar.start, formula)


SHIPPED = [path.read_text() for path in shipped_grammars().values()]
KEYS = st.sampled_from(
    ["name", "start", "rules", "limits", "seeds", "loss", "depth", "nodes", "rhs", "weight", "constant", "e"]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["y_pred", "e + e", "e"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


def said(error: GrammarError, start: str) -> None:
    assert str(error).startswith(start)


def use(grammar: Grammar) -> None:
    assert Grammar.from_dict(json.loads(json.dumps(grammar.to_dict()))) == grammar
    assert Sampler(grammar).sample(random.Random(0)) is not None


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(SHIPPED),
    st.integers(0, 3_000),
    st.integers(0, 12),
    st.sampled_from([*"[]{}:,&*!|>'\"%@#-? \t\n1e", "\0", "é"]),
)
def test_shipped_grammars_with_a_piece_replaced(text: str, place: int, length: int, piece: str) -> None:
    place = min(place, len(text))
    try:
        grammar = read((text[:place] + piece + text[place + length :]).encode())
    except GrammarError as error:
        said(error, "fuzz.yaml:")
        return
    use(grammar)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4), st.booleans())
def test_values_of_any_type(changes: dict[str, object], complete: bool) -> None:
    whole = {"name": "g", "start": "e", "rules": {"e": ["y_pred", "y_true", "e + e"]}}
    try:
        grammar = Grammar.from_dict((whole if complete else {}) | changes)
    except GrammarError as error:
        said(error, "stored grammar, ")
        return
    use(grammar)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(GrammarError, match=r"fuzz.yaml:\d+: "):
        read(data)
