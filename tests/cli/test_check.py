"""`symloss grammars check`: validity, sizes, and what the screens reject."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from symloss.cli.draws import SAMPLE_SCREENS, judged_draws
from symloss.grammar import Sampler, load_grammar

Run = Callable[..., Any]


def test_a_valid_grammar(symloss: Run) -> None:
    done = symloss("grammars", "check", "default", "-n", 300, "--seed", 2, "--json", "c.json")
    assert done.code == 0, done.err
    result = json.loads(Path("c.json").read_text())
    counts = Sampler(load_grammar("default")).counts()
    assert result["formulas"] == {str(size): count for size, count in enumerate(counts) if count}
    assert (result["n"], result["seed"], result["classes"]) == (300, 2, 10)
    assert tuple(result["rejected"]) == SAMPLE_SCREENS
    assert result["passed"] + sum(result["rejected"].values()) == 300
    draws = judged_draws(load_grammar("default"), 300, 2, 10, seeds=False, progress=lambda at, total: None)
    verdicts = Counter(draw.screen for draw in draws)
    assert {name: verdicts[name] for name in SAMPLE_SCREENS} == result["rejected"]
    late = sum(verdicts[name] for name in ("unresolved", "free-logits", "identical"))
    seen = verdicts["duplicate"] + late + verdicts[None]
    assert verdicts["duplicate"] > 0
    assert result["duplicates_per_thousand"] == 1000 * verdicts["duplicate"] / seen
    assert "valid; 3 rules, start expr" in done.out
    assert f"{result['rejected']['dependence'] / 300:.1%}" in done.out
    assert f"{result['passed'] / 300:.1%}" in done.out


def test_a_grammar_without_a_usable_loss(symloss: Run) -> None:
    Path("poor.yaml").write_text("name: poor\nstart: e\nrules:\n  e:\n    - y_pred + y_true\n    - y_pred\n")
    done = symloss("grammars", "check", "poor.yaml", "-n", 20, "--json", "-")
    result = json.loads(done.out)
    assert result["passed"] == 0
    assert result["duplicates_per_thousand"] is None
    assert "No draw got as far" in done.err


def test_the_grammars_own_seeds_are_no_draws(symloss: Run) -> None:
    Path("mine.yaml").write_text(
        "name: m\nstart: e\nrules:\n  e:\n    - y_pred\n    - -y_true*e\nseeds: ['-y_true*y_pred']\n"
    )
    done = symloss("grammars", "check", "mine.yaml", "-n", 1, "--seed", 0, "--json", "-")
    assert json.loads(done.out)["rejected"]["dependence"] == 1
    sampled = symloss("sample", "mine.yaml", "-n", 1, "--seed", 0, "--json", "-")
    assert json.loads(sampled.out)["counts"]["passed"] == 1


def test_a_mistake_has_its_line(symloss: Run) -> None:
    Path("bad.yaml").write_text("name: x\nstart: e\nrules:\n  e:\n    - sinn(y_pred)*y_true\n")
    bad = symloss("grammars", "check", "bad.yaml")
    assert bad.code == 2
    assert "bad.yaml:5" in bad.err
    assert "did you mean 'sin'?" in bad.err
    assert bad.out == ""


def test_progress_appears_in_a_terminal_alone(symloss: Run) -> None:
    assert symloss("grammars", "check", "ngl", "-n", 50).err == ""
