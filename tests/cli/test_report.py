"""`symloss report`, and the page at the end of a search."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symloss.errors import SymlossError
from symloss.grammar import load_grammar
from symloss.report.page.repeat import grammar_text, repeat
from symloss.search import SearchConfig
from symloss.store import Run as RunDirectory
from symloss.tasks import TaskConfig

Run = Callable[..., Any]
TINY = ("--budget", 6, "--steps", 20, "--seeds", 2)


def test_evolve_ends_with_a_page_and_report_writes_it_again(symloss: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    done = symloss("evolve", "default", *TINY, "--run-dir", "here")
    assert done.code == 0, done.err
    page = Path("here/report.html")
    assert str(page) in done.out
    text = page.read_text(encoding="utf-8")
    config = json.loads(Path("here/config.json").read_text())
    assert config["hardware"]["processor"] in text
    assert text.count("not recorded") == 0

    again = symloss("report", "here", "-o", "other.html")
    assert again.code == 0, again.err
    assert "other.html" in again.out
    assert Path("other.html").read_text(encoding="utf-8") == text

    def fail(path: Path) -> Path:
        raise RuntimeError("the page broke")

    page.unlink()
    monkeypatch.setattr("symloss.report.save_page", fail)
    still = symloss("evolve", "--resume", "here", "--json", "out.json")
    assert still.code == 0
    assert "the page broke" in still.out
    assert "symloss report here" in still.out
    assert json.loads(Path("out.json").read_text())["counts"]["trained"] == 6


def test_report_says_what_is_wrong(symloss: Run) -> None:
    assert "is no run" in symloss("report", "nothing").err
    run = RunDirectory.create(Path("open"), load_grammar("default"), [TaskConfig()], SearchConfig())
    run.close()
    found = symloss("report", "open")
    assert found.code == 2
    assert "has not ended; finish it with: symloss evolve --resume open" in found.err
    assert symloss("report", "open", "-o", "no/folder.html").code == 2


@pytest.mark.parametrize(
    "options",
    [
        ("default", "--seed", 7),
        ("ngl", "--time", "90s", "--label-noise", 0.4, "--noise", "asymmetric", "--metric", "accuracy,ece"),
        ("default", "--strategy", "regularized-evolution", "--patience", 3, "--control", "random", "--budget", 99),
        ("default", "--baselines", "ce,gce(q=0.5)", "--lr", 0.004, "--schedule", "cosine", "--warmup", 0.1),
        ("mine.yaml", "--steps", 40, "--train-size", 200, "--imbalance", 0.1, "--optimizer", "sgd", "--seeds", 5),
        ("default", "--model", "mlp,cnn", "--engine", "single", "--hidden", 16),
    ],
)
def test_the_command_has_the_runs_settings(
    symloss: Run, monkeypatch: pytest.MonkeyPatch, options: tuple[object, ...]
) -> None:
    def stop(*arguments: object, **settings: object) -> None:
        raise SymlossError("started")

    monkeypatch.setattr("symloss.api.finish", stop)
    Path("mine.yaml").write_text(
        "name: mine\ndescription: d\nloss: {output: softmax, class_reduction: sum}\nstart: e\n"
        'rules: {e: [y_pred, y_true, "e * e", "e + e", "-e"]}\nlimits: {depth: 5, nodes: 12}\n'
    )
    assert "started" in symloss("evolve", *options, "--run-dir", "first").err
    first = json.loads(Path("first/config.json").read_text())
    command, unset = repeat(first)
    words = shlex.split(command)
    assert words[:2] == ["symloss", "evolve"]
    assert unset == []
    if words[2] == "grammar.yaml":  # the page has its text
        Path("grammar.yaml").write_text(grammar_text(first), encoding="utf-8")
    assert (words[2] == "grammar.yaml") == (options[0] == "mine.yaml")
    assert "started" in symloss(*words[1:], "--run-dir", "second").err
    assert json.loads(Path("second/config.json").read_text()) == first


def test_settings_without_an_option_are_named() -> None:
    config = {
        "grammar": load_grammar("default").to_dict(),
        "tasks": [json.loads(TaskConfig(momentum=0.5).to_json()), json.loads(TaskConfig(lr=0.1).to_json())],
        "search": SearchConfig(islands=2).to_dict(),
    }
    command, unset = repeat(config)
    assert "--device" not in command
    assert command.startswith("symloss evolve default ")
    assert unset == [
        "tasks that are not every dataset with every model",
        "lr = 0.0015, 0.1",
        "momentum = 0.5, 0.9",
        "islands = 2",
    ]


def test_a_grammar_that_only_has_the_name_of_a_shipped_one_is_a_file() -> None:
    grammar = load_grammar("ngl").to_dict() | {"name": "default"}
    config = {"grammar": grammar, "tasks": [json.loads(TaskConfig().to_json())], "search": SearchConfig().to_dict()}
    assert repeat(config)[0].startswith("symloss evolve grammar.yaml ")
