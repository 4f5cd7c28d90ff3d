"""What a grammar file may look like."""

from __future__ import annotations

import random
from pathlib import Path

from symloss.grammar import Grammar, Sampler, load_grammar

GOOD = """\
name: good
start: expr
rules:
  expr:
    - expr + expr
    - leaf
  leaf:
    - y_pred
    - y_true
"""


def read(folder: Path, text: str) -> Grammar:
    file = folder / "g.yaml"
    file.write_bytes(text.encode("utf-8"))
    return load_grammar(file)


def test_names_that_yaml_reads_as_booleans(tmp_path: Path) -> None:
    text = (
        "name: yes\nstart: on\nrules:\n  on:\n    - on*y\n    - no\n  y:\n    - y_pred\n"
        "  no:\n    - y_true\n    - 1\n    - 0x10\n    - -1e-3\n"
    )
    grammar = read(tmp_path, text)
    assert (grammar.name, grammar.start, list(grammar.rules)) == ("yes", "on", ["on", "y", "no"])
    assert [item.text for item in grammar.rules["no"]] == ["y_true", "1", "16", "-0.001"]


def test_defaults_and_numbers(tmp_path: Path) -> None:
    grammar = read(tmp_path, GOOD.replace("- leaf", "- {rhs: leaf, weight: 3e0}"))
    assert (grammar.limits.depth, grammar.limits.nodes) == (7, 25)
    assert (grammar.output, grammar.class_reduction, grammar.description, grammar.seeds) == (
        "softmax",
        "sum",
        "",
        (),
    )
    assert [item.probability for item in grammar.rules["expr"]] == [0.25, 0.75]
    assert [item.weight for item in grammar.rules["leaf"]] == [1, 1]


def test_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_grammar(tmp_path / "g.yaml").name == "good"


def test_largest_grammar_is_handled(tmp_path: Path) -> None:
    lines = "".join(f"    - {{rhs: 'expr*{i + 2} + expr', weight: {i + 1}}}\n" for i in range(200))
    grammar = read(
        tmp_path,
        (f"name: x\nstart: expr\nrules:\n  expr:\n    - y_pred\n    - y_true\n{lines}")
        + "limits: {depth: 50, nodes: 200}\n",
    )
    drawn = Sampler(grammar).sample(random.Random(0))
    assert drawn is not None
    assert drawn.formula.size <= 200
