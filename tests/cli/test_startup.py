"""Help and versions: what they say, and that they wait for nothing heavy."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest

from symloss.runtime import choose_device

Run = Callable[..., Any]

#: Asks for help several times in one process, and then says which heavy packages came with it.
HELP = """
import sys
from symloss.cli import main
for words in sys.argv[1:]:
    sys.argv = ["symloss", *words.split(), "--help"]
    try:
        main()
    except SystemExit:
        pass
heavy = {"torch", "torchvision", "sympy", "sklearn", "scipy", "numpy", "matplotlib", "lightning", "plotille", "jinja2"}
print("imported:", sorted(heavy & set(sys.modules)))
"""
COMMANDS = ("", "evolve", "benchmark", "show", "export", "report", "sample", "losses", "models")
COMMANDS += ("grammars", "grammars check", "datasets", "datasets fetch", "datasets check", "datasets convert")


def test_help_imports_nothing_heavy() -> None:
    command = [sys.executable, "-c", HELP, *COMMANDS]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert out.splitlines()[-1] == "imported: []"
    assert out.count("Usage: symloss") == len(COMMANDS)


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, symloss; print({'torch', 'numpy', 'sympy', 'typer', 'rich'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.strip() == "set()"


def test_versions_and_the_device(symloss: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = symloss("--version").out.splitlines()
    assert first == (
        f"symloss {version('symloss')} (Python {platform.python_version()}, torch {version('torch')}, "
        f"sympy {version('sympy')})"
    )
    assert second == f"device: {choose_device()}"

    def broken() -> None:
        raise OSError("libcudart.so.13: cannot open shared object file")

    monkeypatch.setattr("symloss.runtime.choose_device", broken)
    again = symloss("--version")
    assert again.code == 0
    assert again.out.splitlines() == [
        first,
        "device: not known, as torch cannot be imported: libcudart.so.13: cannot open shared object file",
    ]
