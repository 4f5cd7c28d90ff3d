"""The examples of taking a loss into a training loop, run as a user runs them, on a file from the command line."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
import torch

from symloss.cli import main

USE = Path(__file__).parents[2] / "experiments" / "use"


def needs(*packages: str) -> pytest.MarkDecorator:
    missing = [name for name in packages if find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def run(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(USE)}  # the bounds are for the CPU
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def accuracy(done: subprocess.CompletedProcess[str]) -> float:
    assert done.returncode == 0, done.stderr
    found = re.search(r"^NglLoss: test accuracy (\d+\.\d) % after \d+ steps in \d+\.\d s$", done.stdout, re.MULTILINE)
    assert found, done.stdout
    return float(found[1])


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(8, 10, generator=torch.Generator().manual_seed(0)), torch.arange(8)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "my_loss.py"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["symloss", "export", "ngl", "--to", "torch", "-o", str(path)])
        with pytest.raises(SystemExit) as stop:
            main()
    assert stop.value.code == 0
    return path


@pytest.fixture(scope="module")
def shared() -> ModuleType:
    spec = importlib.util.spec_from_file_location("digits", USE / "digits.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("script", "steps", "bound"),
    [
        ("pytorch_loop.py", 100, 90),
        pytest.param("lightning_module.py", 100, 90, marks=needs("lightning")),
        pytest.param("transformers_trainer.py", 200, 75, marks=needs("transformers", "accelerate")),
    ],
)
def test_example_learns_and_leaves_nothing_behind(
    exported: Path, tmp_path: Path, script: str, steps: int, bound: float
) -> None:
    done = run(USE / script, exported, "--steps", steps, folder=tmp_path)
    assert accuracy(done) > bound
    assert list(tmp_path.iterdir()) == []


def test_without_a_file_the_same_loss_is_exported(
    shared: ModuleType, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["example.py"])
    loss = shared.parse(shared.arguments(None, steps=7)).loss
    assert loss.__name__ == "NglLoss"
    logits, target = batch()
    assert loss()(logits, target) == shared.load_loss(exported)()(logits, target)


@needs("transformers", "accelerate")
def test_the_loss_is_the_same_however_a_batch_is_accumulated(
    shared: ModuleType, exported: Path, tmp_path: Path
) -> None:
    # Both in one process, as importing takes longer than training.
    lines = ["import sys, transformers_trainer", "for sys.argv[-1] in '14':", "    transformers_trainer.main()"]
    done = run("-c", "\n".join(lines), exported, "--steps", 4, "--accumulate", 0, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    one, four = re.findall(r"^mean training loss (\S+), test loss (\S+)$", done.stdout, re.MULTILINE)
    assert list(map(float, one)) == pytest.approx(list(map(float, four)), rel=1e-5)
    # Four small steps from chance, both are still close to the loss of a sample at uniform probabilities.
    uniform = shared.load_loss(exported)()(torch.zeros(1, 10), torch.tensor([3])).item()
    assert list(map(float, one)) == pytest.approx([uniform, uniform], rel=0.02)


def test_bad_path_ends_with_code_2_and_says_why(tmp_path: Path) -> None:
    done = run(USE / "pytorch_loop.py", "nowhere.py", folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "'nowhere.py' is not a file; write one with: symloss export" in done.stderr


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("notes.txt", "nothing", "is not a Python file"),
        ("broken.py", "import no_such_module", r"cannot be imported \(ModuleNotFoundError"),
        ("empty.py", "from torch.nn import Linear", "has 0 losses instead of one"),
        ("two.py", "from torch.nn import Module\nclass A(Module): ...\nclass B(Module): ...", "has 2 losses instead"),
    ],
)
def test_file_that_is_no_loss_is_refused(shared: ModuleType, tmp_path: Path, name: str, text: str, reason: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(argparse.ArgumentTypeError, match=f"{name}' {reason}"):
        shared.load_loss(tmp_path / name)


def test_exported_file_compiles_whole(shared: ModuleType, exported: Path) -> None:
    criterion = shared.load_loss(exported)()
    # What can break is the tracing; this backend goes without the C++ compiler that the default one needs.
    compiled = torch.compile(criterion, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(*batch()), criterion(*batch()))
