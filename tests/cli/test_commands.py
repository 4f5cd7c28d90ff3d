"""One whole run of each command."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from symloss import losses
from symloss.losses import CATALOGUE, find

Run = Callable[..., Any]
TINY = ("--budget", 12, "--steps", 30, "--seeds", 3)


def without_times(result: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key not in ("seconds", "run")}


def test_evolve_show_export_and_resume(symloss: Run, tmp_path: Path) -> None:
    done = symloss("evolve", "default", *TINY, "--run-dir", "here", "--json", "out.json")
    assert done.code == 0, done.err
    assert "Discovered losses" in done.out
    assert "symloss evolve --resume here" in done.out
    result = json.loads(Path("out.json").read_text())
    assert set(result) == {
        *("run", "config", "counts", "stopped", "noise", "seconds"),
        *("hall_of_fame", "control", "control_counts", "baselines"),
    }
    assert set(result["counts"]) == {"drawn", "duplicates", "rejected", "trained"}
    assert result["counts"]["trained"] == 12
    assert result["counts"]["drawn"] == 12 + sum(result["counts"]["rejected"].values())
    assert [row["loss"] for row in result["baselines"]] == ["ce", "ngl", "focal"]
    for row in result["hall_of_fame"]:
        assert {"loss", "expression", "latex", "size", "validation", "test", "gain"} <= set(row)
        assert set(row["test"]) == {"mean", "std", "n", "ci95", "scores"}
        assert row["test"]["n"] == 3
        assert row["expression"].split()[0] in done.out
    assert {file.name for file in Path("here").iterdir()} >= {
        "config.json",
        "run.sqlite",
        "hall_of_fame.json",
        "hall_of_fame.csv",
        "hall_of_fame.tex",
    }

    again = symloss("evolve", "--resume", "here", "--json", "-")
    assert json.loads(again.out) == result

    second = symloss("evolve", "default", *TINY, "--run-dir", "there", "--json", "again.json")
    assert second.code == 0
    assert without_times(json.loads(Path("again.json").read_text())) == without_times(result)

    shown = symloss("show", "here:1", "--json", "-")
    assert json.loads(shown.out)["id"] == result["hall_of_fame"][0]["id"]
    assert symloss("show", "here:99").code == 2

    assert symloss("export", "here:1", "-o", "my_loss.py").code == 0
    spec = importlib.util.spec_from_file_location("my_loss", "my_loss.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    criterion = module.Here1Loss()
    logits = torch.randn(5, 10, requires_grad=True)
    criterion(logits, torch.arange(5)).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_a_grammar_without_a_usable_loss_ends_well(symloss: Run) -> None:
    Path("poor.yaml").write_text("name: poor\nstart: e\nrules:\n  e:\n    - y_pred + y_true\n    - y_pred\n")
    done = symloss("evolve", "poor.yaml", *TINY, "--run-dir=my_y_pred_run")
    assert done.code == 0, done.err
    assert "No loss passed every screen" in done.out
    assert symloss("evolve", "--resume", "my_y_pred_run").code == 0


def test_a_run_that_is_killed_and_resumed_ends_like_one_that_was_not(symloss: Run, tmp_path: Path) -> None:
    arguments = ["--budget", "200", "--steps", "30", "--seeds", "3"]
    whole = symloss("evolve", "default", *arguments, "--run-dir", "whole", "--json", "whole.json")
    assert whole.code == 0, whole.err
    command = [sys.executable, "-c", "from symloss.cli import main; main()", "evolve", "default", *arguments]
    process = subprocess.Popen([*command, "--run-dir", "killed"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    scores = Path("killed/run.sqlite-wal")
    while not (scores.exists() and scores.stat().st_size > 60_000) and time.monotonic() < deadline:
        if process.poll() is not None:
            break
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not Path("killed/hall_of_fame.json").exists()
    resumed = symloss("evolve", "--resume", "killed", "--json", "resumed.json")
    assert resumed.code == 0, resumed.err
    assert without_times(json.loads(Path("resumed.json").read_text())) == without_times(
        json.loads(Path("whole.json").read_text())
    )


def test_ctrl_c_shows_the_front_and_how_to_go_on(symloss: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from symloss.search.rungs import Rungs

    final = Rungs.train

    def interrupted(self: Rungs, number: int, *arguments: Any, **named: Any) -> None:
        if number == 3:
            raise KeyboardInterrupt
        final(self, number, *arguments, **named)

    monkeypatch.setattr(Rungs, "train", interrupted)
    stopped = symloss("evolve", "default", *TINY, "--run-dir", "here")
    assert stopped.code == 128 + signal.SIGINT
    assert "Stopped. What was trained is saved." in stopped.out
    assert "% validation" in stopped.out
    assert "symloss evolve --resume here" in stopped.out


def test_benchmark(symloss: Run) -> None:
    done = symloss("benchmark", "ngl", "exp(-y_pred*(1 + y_true))", "--seeds", 3, "--steps", 30, "--json", "b.json")
    assert done.code == 0, done.err
    assert "digits, mlp: accuracy over 3 seeds" in done.out
    result = json.loads(Path("b.json").read_text())
    assert [row["loss"] for row in result["results"]] == ["ce", "ngl", "exp(-y_pred*(1 + y_true))"]
    for row in result["results"]:
        assert (row["dataset"], row["model"], row["metric"]) == ("digits", "mlp", "accuracy")
        assert len(row["test"]["scores"]) == 3
        assert 0 <= row["test"]["mean"] <= 1
    to_stdout = symloss("benchmark", "ngl", "--seeds", 2, "--steps", 5, "--json", "-")
    assert json.loads(to_stdout.out)["config"]["seeds"] == 2


def test_benchmark_of_losses_that_are_more_than_a_formula(symloss: Run) -> None:
    names = ["bce", "nce_rce(beta=2)", "label_smoothed_ce", "focal(gamma=1)", "focal"]
    done = symloss("benchmark", *names, "focal(gamma=2)", "--seeds", 2, "--steps", 20, "--json", "b.json")
    assert done.code == 0, done.err
    rows = {row["loss"]: row for row in json.loads(Path("b.json").read_text())["results"]}
    assert list(rows) == ["ce", *names]
    for name in names[:3]:
        assert rows[name]["certificate"] is None
        assert rows[name]["note"] in " ".join(done.out.replace("│", " ").split())
    assert rows["focal(gamma=1)"]["expression"] == "-y_true*(1 - y_pred)*log(y_pred)"
    assert rows["focal(gamma=1)"]["note"] is None


def test_evolve_with_baselines_that_are_more_than_a_formula(symloss: Run) -> None:
    baselines = ["ce", "nce_rce(alpha=1, beta=2)", "bce", "focal(gamma=1)", "mae", "rce"]
    done = symloss("evolve", "default", *TINY, "--baselines", ",".join(baselines), "--run-dir", "here")
    assert done.code == 0, done.err
    result = json.loads(Path("here/hall_of_fame.json").read_text())
    titles = ["ce", "nce_rce(beta=2)", "bce", "focal(gamma=1)", "mae", "rce"]
    assert [row["loss"] for row in result["baselines"]] == titles
    assert result["config"]["search"]["baselines"] == titles
    again = symloss("evolve", "--resume", "here", "--json", "-")
    assert json.loads(again.out) == result
    table = Path("here/hall_of_fame.tex").read_text()
    assert r"bce is a loss on a sigmoid output" in table
    assert r"nce\_rce(beta=2) couples the classes" in table
    assert table.index(r"\bottomrule") < table.index("couples the classes")
    with Path("here/hall_of_fame.csv").open(newline="") as file:
        notes = {row["loss"]: row["note"] for row in csv.DictReader(file)}
    assert notes["ce"] == ""
    assert notes["#1"] == ""
    assert notes["bce"].startswith("is a loss on a sigmoid output")


@pytest.mark.parametrize("form", ["torch", "latex", "sympy", "json"])
def test_export_to_standard_output(symloss: Run, form: str) -> None:
    done = symloss("export", "ngl", "--to", form)
    assert done.code == 0
    assert "2.4092" in done.out
    if form == "torch":
        assert 'class_reduction: str = "mean"' in done.out


@pytest.mark.parametrize(
    "name",
    ["asl", "square_logits(M=3)", "label_smoothed_ce(label_smoothing=0.3)", "nce_rce(beta=2)", "gce(q=0.5)", "ngl"],
)
def test_what_is_exported_is_the_known_loss(symloss: Run, name: str) -> None:
    done = symloss("export", name, "-o", "mine.py")
    assert done.code == 0, done.err
    source = Path("mine.py").read_text()
    assert find(name).paper.title in source
    for parameter, value in find(name).values.items():
        assert re.search(rf"^ +parameter {parameter}: {value:.15g}$", source, re.MULTILINE)
    spec = importlib.util.spec_from_file_location("mine", "mine.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    words = "".join(word.capitalize() if word[0].islower() else word for word in find(name).name.split("_"))
    criterion = getattr(module, words + "Loss")()
    logits, target = torch.randn(6, 4, dtype=torch.float64, requires_grad=True), torch.arange(6) % 4
    values = [one(logits, target) for one in (criterion, losses.get(name))]
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*(torch.autograd.grad(value, logits)[0] for value in values))


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_known_loss_has_every_form(symloss: Run, name: str) -> None:
    loss = CATALOGUE[name]
    assert loss.latex in symloss("export", name, "--to", "latex").out
    facts = json.loads(symloss("export", name, "--to", "json").out)
    assert (facts["name"], facts["expression"], facts["latex"]) == (name, loss.text, loss.latex)
    assert facts["size"] == loss.size
    assert facts["provenance"]["parameters"] == loss.values
    assert facts["provenance"].get("note", "") == loss.beyond
    if loss.formula is not None:
        out = symloss("export", name, "--to", "sympy").out
        # What the formula alone does not say stands above it.
        assert out.startswith("import sympy" if loss.plain else f"# {name} {loss.beyond}")
        scope: dict[str, Any] = {}
        exec(out, scope)  # noqa: S102
        assert scope["expression"].free_symbols <= {scope["y_pred"], scope["y_true"]}


def test_a_latex_document_says_what_the_formula_does_not(symloss: Run) -> None:
    assert (
        r"label\_smoothed\_ce is more than its formula" in symloss("export", "label_smoothed_ce", "--to", "latex").out
    )
    assert "is more" not in symloss("export", "ce", "--to", "latex").out
    for name in ("nce_rce", "bce"):
        text = symloss("export", name, "--to", "latex").out
        assert text.count("{") == text.count("}")
        assert text.rstrip().endswith(r"\end{document}")


@pytest.mark.parametrize("width", [80, 120])
def test_the_known_losses_are_listed(symloss: Run, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    done = symloss("losses", "--json", "l.json")
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= width
    shown = "".join(re.sub("[│┃├┤┼─]", " ", done.out).split())
    listed = {row["name"]: row for row in json.loads(Path("l.json").read_text())["losses"]}
    assert list(listed) == list(CATALOGUE)
    for name, loss in CATALOGUE.items():
        row = listed[name]
        assert row["kind"] == ("coupled" if loss.formula is None else loss.output)
        assert {key: found["value"] for key, found in row["parameters"].items()} == loss.values
        assert row["expression"] == loss.text
        assert row["paper"]["title"] == loss.paper.title
        settings = ", ".join(f"{key}={value:.6g}" for key, value in loss.values.items())
        parts = [name, loss.text, settings, loss.when, f"{loss.paper.authors} {loss.paper.year}"]
        # A row is whole: what belongs to it stands together, in this order.
        assert "".join("".join(parts).split()) in shown, name
    assert json.loads(symloss("losses", "--json", "-").out)["losses"] == list(listed.values())


@pytest.mark.parametrize(
    ("command", "expected"),
    [("losses", "ngl"), ("datasets", "digits"), ("models", "mlp"), ("grammars", "default")],
)
def test_listings(symloss: Run, command: str, expected: str) -> None:
    done = symloss(command)
    assert done.code == 0
    assert expected in done.out


def test_listed_models_have_their_task_and_parameters(symloss: Run) -> None:
    found = symloss("models").out
    rows = {cells[1].strip(): cells for line in found.splitlines() if len(cells := line.split("│")) > 4}
    assert rows["unet"][2].strip() == "segmentation"
    assert rows["unet"][4].strip() == "width=32"
    assert rows["resnet18"][2].strip() == "classification"
    assert rows["resnet18"][4].strip() == "head=linear"
    assert rows["head"][2].strip() == "linear or paper"
    assert "package.module:factory" in "".join(found.split())


def test_a_search_on_images_of_ones_own_with_a_network_of_ones_own(symloss: Run) -> None:
    """The factory lies beside where the command is called, and its samples have three channels."""
    Path("mine.py").write_text(
        "import numpy as np\n"
        "from torch import nn\n\n\n"
        "def data():\n"
        "    rng = np.random.default_rng(0)\n"
        "    labels = np.arange(400) % 3\n"
        "    images = rng.normal(size=(400, 3, 8, 8)) * 0.5\n"
        "    images[np.arange(400), labels] += 1\n"
        "    return images.astype('float32'), labels\n\n\n"
        "def network(shape, classes):\n"
        "    return nn.Sequential(nn.Flatten(), nn.LayerNorm(int(np.prod(shape))), nn.LazyLinear(classes))\n"
    )
    arguments = ["--dataset", "mine:data", "--model", "mlp,mine:network", "--metric", "accuracy,ece"]
    # A lazy layer has no weights to draw: said before anything is trained.
    refused = symloss("evolve", "default", *TINY, *arguments)
    assert refused.code == 2, refused.out
    Path("mine.py").write_text(Path("mine.py").read_text().replace("nn.LazyLinear(classes)", "nn.Linear(192, classes)"))
    sys.modules.pop("mine", None)
    done = symloss("evolve", "default", *TINY, *arguments, "--control", "random", "--run-dir", "here")
    assert done.code == 0, done.err
    result = json.loads(Path("here/hall_of_fame.json").read_text())
    assert [task["model"] for task in result["config"]["tasks"]] == ["mlp", "mine:network"]
    assert [part["model"] for part in result["baselines"][0]["tasks"]] == ["mlp", "mine:network"]
    assert "random #1" in done.out
    assert "ece, test %" in done.out
    sys.modules.pop("mine", None)


def test_conditions_and_settings_reach_the_task(symloss: Run) -> None:
    options = ["--label-noise", 0.2, "--noise", "asymmetric", "--imbalance", 0.5, "--train-size", 300, "--batch", 50]
    more = ["--optimizer", "sgd", "--lr", 0.05, "--schedule", "cosine", "--warmup", 0.1, "--weight-decay", 1e-4]
    done = symloss("benchmark", "ngl", "--seeds", 2, "--steps", 20, *options, *more, "--hidden", 16, "--json", "b.json")
    assert done.code == 0, done.err
    [task] = json.loads(Path("b.json").read_text())["config"]["tasks"]
    expected = {"label_noise": 0.2, "noise": "asymmetric", "imbalance": 0.5, "train_size": 300, "batch": 50}
    expected |= {
        "optimizer": "sgd",
        "lr": 0.05,
        "schedule": "cosine",
        "warmup": 0.1,
        "weight_decay": 1e-4,
        "hidden": 16,
    }
    assert expected.items() <= task.items()


def test_a_models_own_settings_hold_unless_others_are_given(symloss: Run) -> None:
    arguments = ["--models", "cnn", "--seeds", 2, "--steps", 3, "--engine", "single", "--json", "b.json"]
    assert symloss("benchmark", "ngl", *arguments, "--lr", 0.01).code == 0
    [task] = json.loads(Path("b.json").read_text())["config"]["tasks"]
    assert (task["schedule"], task["batch"], task["lr"], task["steps"]) == ("cosine", 64, 0.01, 3)
