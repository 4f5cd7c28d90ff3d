"""`symloss benchmark --config` and `symloss evolve --config`."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

CONFIG = """\
name: small
losses:
  - ngl
  - short: "exp(-y_pred*(1 + y_true))"
seeds: 3
tasks:
  datasets: digits
  models: mlp
  conditions: [{}, {name: noise 40, label_noise: 0.4}]
settings: {steps: 300}
sweep: {lr: [1e-3, 1e-2], seeds: 2}
published: published.yaml
cost: "[seconds] on one core"
smoke: {seeds: 2, settings: {steps: 10}}
"""
PUBLISHED = "source: Somebody 2024\ntasks:\n  - {dataset: digits, model: mlp, scores: {ce: 96.1}}\n"


@pytest.fixture
def written(symloss: Run) -> None:
    """Write the files of a configuration into the empty folder that commands run in."""
    Path("small.yaml").write_text(CONFIG)
    Path("published.yaml").write_text(PUBLISHED)


@pytest.mark.usefixtures("written")
def test_a_whole_run(symloss: Run) -> None:
    outputs = ("--json", "out.json", "--csv", "out.csv", "--latex", "out.tex", "--figures", "figures")
    outputs += ("--report", "page.html")
    done = symloss("benchmark", "--config", "small.yaml", "--smoke", *outputs)
    assert done.code == 0, done.err
    assert "digits, mlp, noise 40: accuracy over 2 seeds" in done.out
    assert "published: Somebody 2024" in done.out
    assert "[seconds] on one core" in done.out
    folder = Path("runs/benchmark-small-smoke")
    # 2 tasks and 3 losses: 2 seeds, and 2 rates with 2 seeds.
    assert f"36 cells in {folder}, 0 of them found finished." in done.out
    assert len(list((folder / "cells").iterdir())) == 36
    result = json.loads(Path("out.json").read_text())
    assert set(result) == {"config", "results", "summary", "published", "cells", "seconds", "environment"}
    assert json.loads((folder / "result.json").read_text()) == result
    assert [(row["task"], row["loss"]) for row in result["results"]] == [
        (task, loss) for task in ("digits, mlp", "digits, mlp, noise 40") for loss in ("ce", "ngl", "short")
    ]
    assert result["config"]["smoke"] is True
    assert result["results"][0]["published"] == {"mean": 0.961, "std": None}
    with Path("out.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 2 * 3 * (2 * 2 + 4)
    assert Path("out.tex").read_text().count(r"\begin{tabular}") == 2
    assert {file.name for file in Path("figures").iterdir()} == {
        "digits-mlp.svg",
        "digits-mlp-noise-40.svg",
        "critical-difference.svg",
    }
    page = Path("page.html").read_text(encoding="utf-8")
    assert "Somebody 2024" in page
    assert " page.html\n" in done.out
    reported = symloss("report", folder.name)
    assert reported.code == 0, reported.err
    assert (folder / "report.html").read_text(encoding="utf-8") == page
    again = symloss("benchmark", "--config", "small.yaml", "--smoke", "--seeds", 3, "--json", "-")
    assert json.loads(again.out)["cells"]["reused"] == 36
    assert json.loads(again.out)["results"][0]["test"]["n"] == 3
    damaged = next((folder / "cells").iterdir())
    damaged.write_text("{")
    assert f"{damaged} is damaged" in symloss("benchmark", "--config", "small.yaml", "--smoke", "--seeds", 3).out


#: The command line, in chunks of two networks.
SLOWLY = """
import symloss.benchmark.training as training
from symloss.cli import main
training._CHUNK = {True: 2, False: 2}
main()
"""


@pytest.mark.usefixtures("written")
def test_a_killed_run_ends_like_one_that_was_not(symloss: Run) -> None:
    """A real process, killed with SIGKILL when some cells are there; the same command goes on."""
    arguments = ["benchmark", "--config", "small.yaml", "--json", "out.json"]
    cells = Path("runs/benchmark-small/cells")
    process = subprocess.Popen([sys.executable, "-c", SLOWLY, *arguments], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (cells.is_dir() and len(list(cells.glob("*.json"))) >= 4):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in cells.glob("*.json")}
    assert 4 <= len(kept) < 42
    assert symloss(*arguments).code == 0
    result = json.loads(Path("out.json").read_text())
    assert (result["cells"]["reused"], result["cells"]["total"]) == (len(kept), 42)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in kept} == kept
    assert symloss(*arguments, "--run-dir", "whole").code == 0
    assert json.loads(Path("out.json").read_text())["results"] == result["results"]


@pytest.mark.usefixtures("written")
def test_ctrl_c_says_how_to_go_on(symloss: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from symloss.benchmark import training

    whole, calls = training.run_job, []

    def interrupted(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(training, "run_job", interrupted)
    done = symloss("benchmark", "--config", "small.yaml", "--smoke")
    assert done.code == 128 + signal.SIGINT
    assert "Stopped. 6 of 36 cells are finished and kept in runs/benchmark-small-smoke." in done.out
    assert "Go on with the same command." in done.out
    assert symloss("benchmark", "--config", "small.yaml", "--smoke").code == 0


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--config", "nowhere.yaml"), "nowhere.yaml: cannot read the benchmark's configuration"),
        (("--config", "small.yaml", "ngl"), "leave the losses out, and say it in small.yaml"),
        (("--config", "small.yaml", "--label-noise", "0.2"), "leave --label-noise out"),
        (("--config", "small.yaml", "--seeds", "1"), "the number of seeds is 1"),
        (("--smoke",), "name it with --config FILE"),
        (("--json", "-", "--csv", "-"), "two outputs cannot share standard output"),
        (("--csv", "nowhere/a.csv"), "there is no directory nowhere"),
        (("--report", "nowhere/a.html"), "there is no directory nowhere"),
        (("--figures", "small.yaml"), "it is a file; name a directory"),
        (("--run-dir", "small.yaml", "--steps", "5"), "the run directory small.yaml is a file"),
    ],
)
def test_what_is_refused(symloss: Run, arguments: tuple[str, ...], expected: str) -> None:
    done = symloss("benchmark", *arguments)
    assert done.code == 2
    assert expected in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert not Path("runs").exists()


@pytest.mark.usefixtures("written")
def test_only_the_first_process_of_torchrun_speaks(symloss: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    done = symloss("benchmark", "--config", "small.yaml", "--smoke", "--json", "out.json")
    assert (done.code, done.out) == (0, "")
    assert not Path("out.json").exists()


EVOLVE = """\
description: a small search
grammar: mine.yaml
dataset: digits
budget: 12
steps: 30
seeds: 3
label-noise: 0.1
baselines: [ce, focal(gamma=1)]
smoke:
  budget: 6
  run_dir: small
"""


def evolve_files() -> None:
    Path("folder").mkdir()
    Path("folder/search.yaml").write_text(EVOLVE)
    text = "name: mine\nstart: e\nrules:\n  e: [y_pred, y_true, 'e*e', '-e', 'exp(e)', 'e + e', 'log(e)']\n"
    Path("folder/mine.yaml").write_text(text)


def test_evolve_from_a_file(symloss: Run) -> None:
    evolve_files()
    done = symloss("evolve", "--config", "folder/search.yaml", "--smoke", "--seeds", 2, "--json", "out.json")
    assert done.code == 0, done.err
    config = json.loads(Path("small/config.json").read_text())
    assert config["grammar"]["name"] == "mine"  # beside the file
    search, [task] = config["search"], config["tasks"]
    assert (search["budget"], search["audit_seeds"], search["baselines"]) == (6, 2, ["ce", "focal(gamma=1)"])
    assert (task["steps"], task["label_noise"], task["model"]) == (30, 0.1, "mlp")


@pytest.mark.parametrize(
    ("line", "text", "expected"),
    [
        (3, "datset: digits", "search.yaml:3: unknown option 'datset'"),
        (3, "datset: digits", "did you mean 'dataset'?"),
        (4, "budget: many", "search.yaml:4: 'many' is not a whole number"),
        (4, "time: soon", "search.yaml:4: 'soon' is no time"),
        (6, "seeds: true", "search.yaml:6: seeds is True; it must be a text, a number or a list of them"),
        (6, "seeds: {a: 1}", "it must be a text, a number or a list of them"),
        (6, "resume: runs/x", "search.yaml:6: unknown option 'resume'"),
        (6, "budget: 3", "the key 'budget' is given twice"),
        (10, "  smoke: {}", "search.yaml:10: unknown option 'smoke'"),
        (10, "  budgte: 6", "did you mean 'budget'?"),
        (9, "smoke: 4\nx:", "a configuration is a mapping from options to values"),
        (2, "grammar: defualt", "did you mean 'default'?"),
    ],
)
def test_mistakes_in_a_search(symloss: Run, line: int, text: str, expected: str) -> None:
    evolve_files()
    lines = EVOLVE.splitlines()
    lines[line - 1] = text
    Path("folder/search.yaml").write_text("\n".join(lines) + "\n")
    done = symloss("evolve", "--config", "folder/search.yaml")
    assert done.code == 2
    assert expected in " ".join(done.err.split())
    assert "Traceback" not in done.err


def test_smoke_and_resume_with_files(symloss: Run) -> None:
    evolve_files()
    assert "name it with --config FILE" in symloss("evolve", "default", "--smoke").err
    refused = symloss("evolve", "--resume", "runs/x", "--config", "folder/search.yaml")
    assert "leave --config out" in refused.err


def test_help_needs_no_file(symloss: Run) -> None:
    assert "--config" in symloss("evolve", "--help").out
    assert os.listdir() == []
