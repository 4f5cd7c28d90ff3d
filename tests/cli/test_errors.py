"""Bad input: one clear message, exit code 2, no traceback, nothing left behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CASES = [
    (("evolve", "nowhere.yaml"), "nowhere.yaml"),
    (("evolve", "defualt"), "default"),
    (("evolve", "broken.yaml"), "broken.yaml:3"),
    (("evolve", "unknown.yaml"), "did you mean 'sin'?"),
    (("evolve", "empty.yaml"), "empty.yaml"),
    (("evolve", "."), "directory"),
    (("evolve", "default", "--dataset", "digit"), "did you mean 'digits'?"),
    (("evolve", "default", "--model", "mpl"), "did you mean 'mlp'?"),
    (("evolve", "default", "--budget", "-3"), "budget is -3; it must be a whole number of at least 1"),
    (("evolve", "default", "--budget", "many"), "'many' is not a whole number"),
    (("evolve", "default", "--label-noise", "1.5"), "must be in [0, 1)"),
    (("evolve", "default", "--label-noise", "nan"), "must be in [0, 1)"),
    (("evolve", "default", "--baselines", "ngl"), "begin with ce"),
    (("evolve", "default", "--baselines", "ce,foo"), "unknown loss 'foo'"),
    (("evolve", "default", "--run-dir", "file/run"), "--run-dir"),
    (("evolve", "default", "--json", "nowhere/out.json"), "nowhere"),
    (("evolve",), "name a grammar"),
    (("evolve", "--resume", "nowhere"), "nowhere is no run"),
    (("evolve", "default", "--resume", "nowhere"), "leave the grammar out"),
    (("evolve", "--resume", "nowhere", "--budget", "5"), "leave --budget out"),
    (("benchmark", "__import__('os').system('x')"), "cannot read the formula"),
    (("benchmark", "cee"), "did you mean 'ce'?"),
    (("benchmark", "focall(gamma=1)"), "did you mean 'focal'?"),
    (("benchmark", "focal(gama=1)"), "did you mean 'gamma'?"),
    (("benchmark", "focal(1)"), "write name=number; it has gamma=2"),
    (("benchmark", "focal(gamma=__import__('os').abort())"), "write name=number"),
    (("benchmark", "label_smoothed_ce(label_smoothing=1)"), "has no finite gradient at logits of 0"),
    (("evolve", "default", "--baselines", "ce,focal(gamma=-1)"), "gamma of focal is -1.0; it must be a number from 0"),
    (("evolve", "default", "--baselines", "ce,label_smoothed_ce(label_smoothing=1)"), "has no finite gradient"),
    (("evolve", "default", "--baselines", "focal(gamma=0),ce"), "begin with ce"),
    (("show", "gce(q=2)"), "q of gce is 2.0; it must be a number from 0.001 to 1"),
    (("show", "bce", "-o", "a.png"), "bce is a loss on a sigmoid output"),
    (("show", "nce", "-o", "a.png"), "nce couples the classes"),
    (("export", "nce_rce", "--to", "sympy"), "nce_rce couples the classes"),
    (("export", "gce(p=1)"), "unknown parameter of gce 'p'"),
    (("losses", "--json", "nowhere/a.json"), "there is no directory nowhere"),
    (("benchmark", "sinn(y_pred)"), "did you mean 'sin'?"),
    (("benchmark", "y_pred + 1"), "no finite gradient at uniform p"),
    (("benchmark", "ce", "--datasets", "digits,nothing"), "unknown dataset 'nothing'"),
    (("benchmark", "ce", "--seeds", "1"), "the number of seeds is 1; it must be from 2"),
    (("benchmark", "ce", "--steps", "0"), "steps is 0; it must be a whole number of at least 1"),
    (("evolve", "default", "--seeds", "1"), "audit seeds is 1"),
    (("evolve", "default", "--seeds", "1001"), "it must be at most 1000"),
    (("evolve", "default", "--seed", "-1"), "seed is -1"),
    (("show", "__import__('os').system('x')"), "cannot read the formula"),
    (("show", "9**9**9**9*y_pred"), "9**9"),
    (("show", "nothing:1"), "no run"),
    (("export", "ngl", "--to", "tensorflow"), "unknown format 'tensorflow'"),
    (("export", "ngl", "-o", "nowhere/my.py"), "nowhere"),
    (("show", "ngll"), "did you mean 'ngl'?"),
    (("show", "ngl", "--classes", "1"), "the number of classes is 1; it must be from 2"),
    (("show", "ngl", "-o", "a.pdf"), "a figure's name ends in .png or .svg"),
    (("show", "ngl", "-o", "nowhere/a.png"), "there is no directory nowhere"),
    (("show", "ngl", "-o", "."), "it is a directory"),
    (("show", "ngl", "--json", "nowhere/a.json"), "there is no directory nowhere"),
    (("sample", "defualt"), "did you mean 'default'?"),
    (("sample", "default", "-n", "0"), "the number of candidates is 0; it must be from 1 to 1,000,000"),
    (("sample", "default", "-n", "1000001"), "the number of candidates is 1000001"),
    (("sample", "default", "-n", "few"), "'few' is not a whole number"),
    (("sample", "default", "--classes", "1"), "the number of classes is 1; it must be from 2 to 1,000"),
    (("sample", "default", "--seed", "-1"), "seed is -1"),
    (("sample", "default", "--json", "nowhere/a.json"), "there is no directory nowhere"),
    (("sample", "unknown.yaml"), "unknown.yaml:5"),
    (("grammars", "check", "nowhere.yaml"), "nowhere.yaml"),
    (("grammars", "check", "default", "-n", "0"), "the number of draws is 0; it must be from 1 to 1,000,000"),
    (("grammars", "check", "default", "--classes", "1"), "the number of classes is 1"),
    (("grammars", "check", "default", "--seed", "-1"), "seed is -1"),
    (("grammars", "check", "default", "--json", "nowhere/a.json"), "there is no directory nowhere"),
    (("frobnicate",), "frobnicate"),
]


@pytest.mark.parametrize(("arguments", "expected"), CASES, ids=[" ".join(case[0]) for case in CASES])
def test_one_message_and_exit_code_2(symloss: Callable[..., Any], arguments: tuple[str, ...], expected: str) -> None:
    Path("broken.yaml").write_text("name: x\nrules: [unclosed\n")
    Path("unknown.yaml").write_text("name: x\nstart: e\nrules:\n  e:\n    - y_pred*sinn(y_true)\n")
    Path("empty.yaml").write_text("")
    Path("file").write_text("")
    done = symloss(*arguments)
    assert done.code == 2
    assert expected in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert done.out == ""
    assert not Path("runs").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_directory(symloss: Callable[..., Any]) -> None:
    Path("locked").mkdir(mode=0o500)
    done = symloss("evolve", "default", "--run-dir", "locked/run")
    assert done.code == 2
    assert "Permission denied" in done.err
