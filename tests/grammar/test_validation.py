"""Every mistake in a grammar gets a message with file, line and fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from symloss.grammar import Grammar, GrammarError, load_grammar

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


def rules(text: str) -> str:
    """Return a grammar whose lines after the third are given."""
    return "name: x\nstart: expr\nrules:\n" + text


# (name, YAML, line of the message, parts of the message)
BROKEN: list[tuple[str, str, int, list[str]]] = [
    ("list", "- a\n- b\n", 1, ["a grammar is a mapping"]),
    ("scalar", "hello\n", 1, ["a grammar is a mapping"]),
    ("comment only", "# nothing\n", 1, ["a grammar is a mapping"]),
    ("blank", "  \n\n", 1, ["empty"]),
    ("broken YAML", "name: x\nrules: [a, b\nstart: c\n", 3, ["broken YAML"]),
    ("tab", "name: x\nrules:\n\texpr: a\n", 3, ["broken YAML"]),
    ("control character", "name: x\nstart: \x07\n", 2, ["broken YAML", "U+0007"]),
    ("two documents", GOOD + "---\nname: y\n", 10, ["more than one document"]),
    ("anchor", "name: &a x\nstart: expr\n", 1, ["anchors", "'a'"]),
    ("alias", "name: x\nstart: *a\n", 2, ["anchors", "'a'"]),
    ("tag", "name: x\nstart: !!python/name:os.system ''\n", 2, ["tags", "os.system"]),
    ("standard tag", "name: !!str x\n", 1, ["tags"]),
    ("nesting", "name: x\nrules: " + "[" * 5000 + "\n", 2, ["nested"]),
    ("key twice", "name: x\nstart: a\nname: y\n", 3, ["'name'", "twice", "line 1"]),
    ("rule twice", rules("  expr:\n    - y_pred*y_true\n  expr:\n    - y_true\n"), 6, ["'expr'", "twice"]),
    ("list as key", "name: x\n[a, b]: y\n", 2, ["key must be plain text"]),
    ("no start", "name: x\nrules:\n  e:\n    - y_pred*y_true\n", 1, ["'start' is missing"]),
    ("no name", "start: e\nrules:\n  e:\n    - y_pred*y_true\n", 1, ["'name' is missing"]),
    ("no rules", "name: x\nstart: e\n", 1, ["'rules' is missing"]),
    ("rules without value", "name: x\nstart: e\nrules:\n", 3, ["rules must be", "None"]),
    ("rules a list", "name: x\nstart: e\nrules: [a]\n", 3, ["rules must be", "mapping"]),
    ("rules empty", "name: x\nstart: e\nrules: {}\n", 3, ["rules must be"]),
    ("unknown key", GOOD + "limit: {depth: 3}\n", 10, ["unknown key 'limit'", "did you mean 'limits'?"]),
    ("unknown limit", GOOD + "limits:\n  dept: 3\n", 11, ["unknown key 'dept'", "did you mean 'depth'?"]),
    ("unknown loss key", GOOD + "loss:\n  outptu: softmax\n", 11, ["did you mean 'output'?"]),
    ("output", GOOD + "loss:\n  output: sigmoid\n", 11, ["'sigmoid' is not supported", "softmax"]),
    (
        "class reduction",
        GOOD + "loss:\n  class_reduction: max\n",
        11,
        ["'max' is not supported", "sum, mean"],
    ),
    ("rule without value", rules("  expr:\n"), 4, ["'expr'", "list of productions"]),
    ("rule a text", rules("  expr: y_pred\n"), 4, ["'expr'", "list of productions"]),
    ("rule empty", rules("  expr: []\n"), 4, ["'expr' has no productions"]),
    ("production empty", rules("  expr:\n    - y_pred*y_true\n    -\n"), 6, ["production is empty"]),
    ("production a list", rules("  expr:\n    - [y_pred]\n"), 5, ["a production must be"]),
    (
        "production key",
        rules("  expr:\n    - {rsh: y_pred}\n"),
        5,
        ["unknown key 'rsh'", "did you mean 'rhs'?"],
    ),
    ("neither", rules("  expr:\n    - {weight: 2}\n"), 5, ["either rhs", "or constant"]),
    ("rhs a list", rules("  expr:\n    - {rhs: [y_pred]}\n"), 5, ["rhs must be a formula"]),
    (
        "unknown function",
        rules("  expr:\n    - y_pred\n    - sinn(y_true)\n"),
        6,
        ["'sinn'", "did you mean 'sin'?"],
    ),
    (
        "function in mapping",
        rules("  expr:\n    - weight: 2\n      rhs: exq(y_pred)\n"),
        6,
        ["did you mean 'exp'?"],
    ),
    ("unknown nonterminal", rules("  expr:\n    - y_pred*exprr\n"), 5, ["'exprr'", "did you mean 'expr'?"]),
    ("variable misspelt", rules("  expr:\n    - ypred\n"), 5, ["did you mean 'y_pred'?"]),
    ("arity", rules("  expr:\n    - exp(y_pred, y_true)\n"), 5, ["'exp' takes 1 argument"]),
    ("syntax", rules("  expr:\n    - y_pred +\n"), 5, ["cannot read the formula"]),
    ("code", rules("  expr:\n    - __import__('os')\n"), 5, ["cannot read the formula"]),
    (
        "too many nonterminals",
        rules("  expr:\n    - y_true*y_pred\n    - expr" + "*expr" * 8 + "\n"),
        6,
        ["9 nonterminals", "limit is 8"],
    ),
    (
        "too many productions",
        rules("  expr:\n" + "".join(f"    - y_pred*y_true + {i}\n" for i in range(301))),
        3,
        ["301 productions; the limit is 300"],
    ),
    ("repeated production", rules("  expr:\n    - y_pred*y_true\n    - y_pred * y_true\n"), 6, ["repeats"]),
    ("named y_pred", rules("  expr:\n    - y_true\n  y_pred:\n    - 1\n"), 6, ["'y_pred'", "variable"]),
    ("named exp", rules("  expr:\n    - y_true\n  exp:\n    - 1\n"), 6, ["'exp'", "function"]),
    ("bad name", rules("  expr:\n    - y_true\n  my rule:\n    - 1\n"), 6, ["'my rule' is no name"]),
    ("digit name", rules("  expr:\n    - y_true\n  1:\n    - 1\n"), 6, ["'1' is no name"]),
    ("keyword name", rules("  expr:\n    - y_true\n  lambda:\n    - 1\n"), 6, ["'lambda' is no name"]),
    ("foreign letters", rules("  expr:\n    - y_true\n  ａ:\n    - 1\n"), 6, ["is no name"]),
    ("start unknown", GOOD.replace("start: expr", "start: exprs"), 2, ["'exprs'", "did you mean 'expr'?"]),
    ("unreachable", GOOD + "  other:\n    - y_pred\n", 10, ["'other' is never reached"]),
    (
        "never ends",
        rules("  expr:\n    - y_pred*y_true\n    - exp(loop)\n  loop:\n    - sin(loop)\n"),
        7,
        ["'loop' ever ends"],
    ),
    ("renames itself", rules("  expr:\n    - y_pred*y_true\n    - expr\n"), 6, ["expr -> expr"]),
    (
        "renames in a ring",
        rules("  expr:\n    - a\n  a:\n    - y_pred*y_true\n    - expr\n"),
        5,
        ["expr -> a -> expr"],
    ),
    ("no y_pred", rules("  expr:\n    - y_true\n    - exp(expr)\n"), 3, ["contains y_pred"]),
    ("no y_true", rules("  expr:\n    - y_pred\n    - exp(expr)\n"), 3, ["contains y_true"]),
    (
        "y_true too deep",
        rules("  expr:\n    - y_pred\n    - exp(exp(y_true))\n") + "limits: {depth: 2}\n",
        3,
        ["contains y_true"],
    ),
    ("depth 0", GOOD + "limits:\n  depth: 0\n", 11, ["depth must be a whole number from 1 to 50", "0"]),
    ("depth 51", GOOD + "limits:\n  nodes: 5\n  depth: 51\n", 12, ["from 1 to 50"]),
    ("nodes 201", GOOD + "limits:\n  nodes: 201\n", 11, ["from 1 to 200"]),
    ("depth a fraction", GOOD + "limits:\n  depth: 2.5\n", 11, ["whole number", "2.5"]),
    ("depth true", GOOD + "limits:\n  depth: true\n", 11, ["whole number", "True"]),
    ("depth a text", GOOD + "limits:\n  depth: '3'\n", 11, ["whole number", "'3'"]),
    ("limits a list", GOOD + "limits: [3, 4]\n", 10, ["limits must be a mapping"]),
    (
        "depth too small",
        rules("  expr:\n    - exp(y_pred*y_true)\n") + "limits: {depth: 2}\n",
        6,
        ["depth is 2", "has depth 3"],
    ),
    (
        "nodes too small",
        rules("  expr:\n    - exp(y_pred*y_true)\n") + "limits: {nodes: 3}\n",
        6,
        ["nodes is 3", "has 4 nodes"],
    ),
    (
        "both limits",  # 5 nodes take 5 levels; 3 levels take 7 nodes
        rules("  expr:\n    - exp(exp(exp(y_pred)))\n    - (y_pred + y_true)*(y_pred + y_true)\n")
        + "limits: {depth: 3, nodes: 5}\n",
        7,
        ["depth 3 the smallest formula has 7 nodes", "5 nodes the shallowest has depth 4"],
    ),
    (
        "too many levels",
        rules(
            "".join(f"  r{i}:\n    - r{i + 1}\n" for i in range(9)) + "  r9:\n    - y_pred*y_true\n    - exp(r0)\n"
        ).replace("expr", "r0")
        + "limits: {depth: 50}\n",
        25,
        ["10 x depth 50"],
    ),
    ("seed syntax", GOOD + "seeds:\n  - y_pred + y_true\n  - y_pred +\n", 12, ["cannot read"]),
    (
        "seed foreign",
        GOOD + "seeds:\n  - y_pred + y_true\n  - exp(y_true)\n",
        12,
        ["'exp(y_true)' cannot be derived"],
    ),
    (
        "seed too large",
        GOOD + "limits: {nodes: 3}\nseeds:\n  - y_pred + y_true + y_true\n",
        12,
        ["5 nodes", "raise"],
    ),
    ("seeds a text", GOOD + "seeds: y_pred\n", 10, ["seeds must be a list"]),
]

WEIGHTS = [
    ("two", "'two'"),
    ("true", "True"),
    ("0", "0"),
    ("-1", "-1"),
    (".inf", "inf"),
    (".nan", "nan"),
    ("", "None"),
    ("[1]", "[1]"),
]
BROKEN += [
    (
        f"weight {text}",
        rules(f"  expr:\n    - {{rhs: y_pred*y_true, weight: {text}}}\n"),
        5,
        ["weight must be a finite number", value],
    )
    for text, value in WEIGHTS
]

CONSTANTS = [
    ("3", "constant must be a mapping"),
    ("{low: 1, high: 2}", "names no distribution"),
    ("{distribution: gauss, low: 1}", "unknown distribution 'gauss'"),
    ("{distribution: unifrom, low: 1}", "did you mean 'uniform'?"),
    ("{distribution: uniform, low: 1}", "'high' is missing"),
    ("{distribution: uniform, low: 1, hihg: 2}", "did you mean 'high'?"),
    ("{distribution: uniform, low: 2, high: 1}", "low must be less than high"),
    ("{distribution: uniform, low: 1, high: 1}", "low must be less than high"),
    ("{distribution: uniform, low: a, high: 1}", "low must be a number"),
    ("{distribution: uniform, low: true, high: 2}", "low must be a number"),
    ("{distribution: uniform, low: -.inf, high: 1}", "low must be a number"),
    ("{distribution: uniform, low: 1, high: 1.0e+300}", "high must be a number from -1e+15 to 1e+15"),
    ("{distribution: uniform, low: 0.11, high: 0.19, decimals: 1}", "no number with 1 decimals"),
    ("{distribution: uniform, low: 0, high: 1, decimals: 9}", "decimals must be a whole number from 0 to 8"),
    (
        "{distribution: uniform, low: 0, high: 1, decimals: true}",
        "decimals must be a whole number from 0 to 8",
    ),
    ("{distribution: normal, mean: 0, std: 0}", "std must be a number from 1e-15"),
    ("{distribution: normal, mean: 0, std: -1}", "std must be a number from 1e-15"),
    ("{distribution: normal, mean: 0, std: 1e-6}", "raise decimals or std"),
    ("{distribution: loguniform, low: 0, high: 1}", "low must be a number from 1e-15"),
    ("{distribution: loguniform, low: 2, high: 1}", "low must be less than high"),
    ("{distribution: loguniform, low: 1.11, high: 1.19, digits: 2}", "no number with 2 significant digits"),
    ("{distribution: loguniform, low: 1, high: 2, decimals: 2}", "unknown key 'decimals'"),
    ("{distribution: choice, values: []}", "values must be a list of 1 to 1000 numbers"),
    ("{distribution: choice, values: [1, 1.0]}", "differ"),
    ("{distribution: choice, values: [1, x]}", "values must be a list"),
    ("{distribution: choice, values: [1, true]}", "values must be a list"),
    ("{distribution: choice, values: 3}", "values must be a list"),
]
BROKEN += [
    (f"constant {text}", rules(f"  expr:\n    - y_pred*y_true\n    - constant: {text}\n"), 6, [message])
    for text, message in CONSTANTS
]


def read(folder: Path, text: str) -> Grammar:
    file = folder / "g.yaml"
    file.write_bytes(text.encode("utf-8"))
    return load_grammar(file)


@pytest.mark.parametrize(("text", "line", "parts"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_mistake_is_explained_at_its_line(tmp_path: Path, text: str, line: int, parts: list[str]) -> None:
    with pytest.raises(GrammarError) as caught:
        read(tmp_path, text)
    places = [
        message for message in str(caught.value).splitlines() if message.startswith(f"{tmp_path / 'g.yaml'}:{line}: ")
    ]
    assert places, str(caught.value)
    for part in parts:
        assert any(part in message for message in places), str(caught.value)


def test_all_mistakes_are_told_at_once_in_file_order(tmp_path: Path) -> None:
    rest = "    - cosh(leav)\n\n  leaf:\n    - y_tru\n    - {rhs: leaf, weight: 2}\n  y_pred:\n    - 1\n"
    with pytest.raises(GrammarError) as caught:
        read(tmp_path, rules("  expr:\n    - sinn(y_pred)\n    - leaf\n" + rest))
    lines = [message.split(":")[1] for message in str(caught.value).splitlines()]
    assert lines == ["5", "7", "10", "12"]


def test_many_mistakes_are_cut_short(tmp_path: Path) -> None:
    with pytest.raises(GrammarError, match=r"\.\.\. and 230 more") as caught:
        read(tmp_path, rules("  expr:\n" + "".join(f"    - f{i}(y_pred)\n" for i in range(250))))
    assert len(str(caught.value).splitlines()) == 21


def test_weights_beyond_floats_are_refused(tmp_path: Path) -> None:
    text = rules('  expr:\n    - {rhs: "y_pred*y_true", weight: 1e9}\n    - {rhs: exp(expr), weight: 1e-9}\n')
    with pytest.raises(GrammarError, match=r"g\.yaml:4: the weights differ too much"):
        read(tmp_path, text + "limits: {depth: 50, nodes: 60}\n")
    assert read(tmp_path, text + "limits: {depth: 9, nodes: 60}\n").limits.depth == 9


def test_stored_data_with_a_mistake_names_the_key(tmp_path: Path) -> None:
    data = read(tmp_path, GOOD).to_dict()
    data["rules"]["leaf"][1]["rhs"] = "y_tru"
    with pytest.raises(GrammarError, match=r"^stored grammar, rules\.leaf\[1\]\.rhs: .*did you mean 'y_true'"):
        Grammar.from_dict(data)
    with pytest.raises(GrammarError, match="stored grammar, top level: a grammar is a mapping"):
        Grammar.from_dict([])
