"""What the Tab key offers, asked as bash, zsh and fish ask."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symloss.cli import known

Run = Callable[..., Any]

MAIN = """
import sys
from symloss.cli import main
sys.argv = ["symloss"]
try:
    main()
finally:
    heavy = {"torch", "sympy", "sklearn", "scipy", "numpy", "yaml"} & set(sys.modules)
    print("imported:", sorted(heavy), file=sys.stderr)
"""


@pytest.fixture
def tab(symloss: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Return a function that says what bash is offered after some words."""

    def ask(line: str) -> list[str]:
        monkeypatch.setenv("_SYMLOSS_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        out: str = symloss().out
        return out.split()

    return ask


def test_the_names_are_those_that_there_are() -> None:
    from symloss.data import SOURCES
    from symloss.grammar import shipped_grammars
    from symloss.losses import CATALOGUE
    from symloss.models import MODELS
    from symloss.search import CONTROLS, STRATEGIES
    from symloss.tasks import DATASETS, METRICS
    from symloss.tasks.config import _CHOICES

    assert list(known.LOSSES) == list(CATALOGUE)
    assert list(known.GRAMMARS) == list(shipped_grammars())
    assert list(known.DATASETS) == list(DATASETS)
    assert set(known.DATASETS + known.OTHER_DATASETS) == set(SOURCES)
    assert list(known.MODELS) == [name for name, model in MODELS.items() if model.task == "classification"]
    assert list(known.METRICS) == list(METRICS)
    assert list(known.STRATEGIES) == list(STRATEGIES)
    assert list(known.CONTROLS) == list(CONTROLS)
    for name in ("optimizer", "schedule", "noise", "engine", "precision"):
        assert list(getattr(known, f"{name.upper()}S")) == list(_CHOICES[name])


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("symloss ev", ["evolve"]),
        ("symloss grammars ch", ["check"]),
        ("symloss evolve tay", ["taylorglo"]),
        ("symloss sample cse", ["cse-autoloss"]),
        ("symloss grammars check ev", ["evomal"]),
        ("symloss show foc", ["focal", "focal_sigmoid"]),
        ("symloss benchmark ngl bas", []),
        ("symloss benchmark ngl bai", ["baikal"]),
        ("symloss evolve default --strategy r", ["regularized-evolution", "random"]),
        ("symloss evolve default --control ", ["none", "random"]),
        ("symloss evolve default --dataset digits,m", ["digits,mnist", "digits,malaria"]),
        ("symloss evolve default --dataset digits,d", []),
        ("symloss benchmark ce --models mlp,resnet10", ["mlp,resnet101"]),
        ("symloss evolve default --baselines ce,gce(q=0.5),ba", ["ce,gce(q=0.5),baikal"]),
        ("symloss evolve default --baselines ce,nce_rce(alpha=1,b", []),
        ("symloss evolve default --metric accuracy,e", ["accuracy,ece"]),
        ("symloss evolve default --optimizer ad", ["adam", "adamw"]),
        ("symloss evolve default --precision b", ["bfloat16"]),
        ("symloss evolve default --device c", ["cpu", "cuda"]),
        ("symloss export ngl --to s", ["sympy"]),
        ("symloss datasets fetch cam", ["camvid"]),
        ("symloss evolve default --label-n", ["--label-noise"]),
    ],
)
def test_names_are_offered(tab: Callable[[str], list[str]], line: str, offered: list[str]) -> None:
    assert tab(line) == offered


def test_runs_are_offered(tab: Callable[[str], list[str]]) -> None:
    for folder, files in {
        "runs/a-run": ("config.json", "hall_of_fame.json"),
        "runs/a-stopped": ("config.json",),
        "runs/a-benchmark": ("result.json",),
        "runs/a-folder": (),
        "other/b-run": ("config.json", "hall_of_fame.json"),
    }.items():
        Path(folder).mkdir(parents=True)
        for name in files:
            Path(folder, name).touch()
    assert tab("symloss report ru") == ["runs/a-benchmark", "runs/a-run"]
    assert tab("symloss report runs/a-r") == ["runs/a-run"]
    assert tab("symloss report other/") == ["other/b-run"]
    assert tab("symloss show runs/") == ["runs/a-run:1"]
    assert tab("symloss evolve --resume runs/a") == ["runs/a-run", "runs/a-stopped"]


def test_grammars_of_ones_own_are_offered(tab: Callable[[str], list[str]]) -> None:
    Path("default-mine.yaml").touch()
    Path("default.txt").touch()
    Path("defaults").mkdir()
    Path("defaults/one.yml").touch()
    assert tab("symloss evolve def") == ["default", "default-mine.yaml", "defaults/"]
    assert tab("symloss evolve defaults/") == ["defaults/one.yml"]
    assert tab("symloss evolve nowhere/") == []


@pytest.mark.parametrize(
    ("shell", "variables", "expected"),
    [
        ("bash", {"COMP_WORDS": "symloss show nfl_", "COMP_CWORD": "2"}, "nfl_rce\nnfl_mae\n"),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "symloss show nfl_"}, '(("nfl_rce"\n"nfl_mae"))'),
        (
            "fish",
            {"_TYPER_COMPLETE_ARGS": "symloss show nfl_", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
            "nfl_rce\nnfl_mae\n",
        ),
    ],
)
def test_every_shell_is_answered_and_nothing_heavy_is_imported(
    shell: str, variables: dict[str, str], expected: str
) -> None:
    env = os.environ | variables | {"_SYMLOSS_COMPLETE": f"complete_{shell}"}
    done = subprocess.run([sys.executable, "-c", MAIN], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout
    assert done.stderr.splitlines()[-1] == "imported: []"


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_completes_with_the_script_that_is_shown(tmp_path: Path) -> None:
    command = tmp_path / "symloss"
    command.write_text(f"#!{sys.executable}\nfrom symloss.cli import main\nmain()\n")
    command.chmod(0o755)
    lines = 'script=$(symloss --show-completion); eval "$script"; complete -p symloss; '
    lines += (
        'COMP_WORDS=(symloss show nfl_); COMP_CWORD=2; _symloss_completion symloss nfl_ show; echo "${COMPREPLY[@]}"'
    )
    env = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "--norc", "-c", lines], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    registered, offered = done.stdout.splitlines()
    assert "_symloss_completion" in registered
    assert offered.split() == ["nfl_rce", "nfl_mae"]
