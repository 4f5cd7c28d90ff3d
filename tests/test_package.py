"""What is built for people who install symloss: an sdist, the wheel made of it, and commands that need no checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="hatchling builds the packages; pip install -e '.[dev]' has it")

ROOT = Path(__file__).parents[1]
#: Runs commands one after another in one process, as `symloss` would, and prints where symloss is and their codes.
COMMANDS = """
import json, sys
import symloss
from symloss.cli import main
codes = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["symloss", *arguments]
    try:
        main()
        codes.append(0)
    except SystemExit as stop:
        codes.append(stop.code or 0)
print(json.dumps([symloss.__file__, codes]))
"""


def run(*command: object, folder: Path, path: str = "") -> str:
    """Run Python in a folder, without this checkout on its path, and return what it printed."""
    # PYTHONPATH may name where hatchling is, and hides an editable installation of this checkout.
    env = {
        "PYTHONPATH": path or ":".join(sys.path[1:]),
        "PATH": "",
        "HOME": str(folder),
        "COLUMNS": "100",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def files(*folders: str, suffixes: tuple[str, ...] = ()) -> set[str]:
    """Return the files of the checkout below some folders, except caches."""
    found = {path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()}
    return {
        path.relative_to(ROOT).as_posix()
        for path in found
        if "__pycache__" not in path.parts and (not suffixes or path.suffix in suffixes)
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Build the sdist, and the wheel from what is in it alone."""
    folder = tmp_path_factory.mktemp("built")
    run("-m", "hatchling", "build", "-t", "sdist", "-d", folder, folder=ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    run("-m", "hatchling", "build", "-t", "wheel", "-d", folder, folder=source)
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


def test_the_wheel_holds_the_package_and_the_grammars_alone(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        (metadata,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
        text = wheel.read(metadata).decode()
    grammars = {name.replace("grammars/", "symloss/_grammars/") for name in files("grammars")}
    assert names == files("symloss") | grammars
    assert len(grammars) > 5
    assert any(name.startswith("symloss/report/page/templates/") and name.endswith(".html") for name in names)
    extras = {line.split(": ")[1] for line in text.splitlines() if line.startswith("Provides-Extra")}
    assert extras >= {"plot", "data", "ray", "train", "dev"}
    needed = [line.split(": ")[1] for line in text.splitlines() if line.startswith("Requires-Dist")]
    base = {line.split(">")[0] for line in needed if "extra ==" not in line}
    assert not base & {"matplotlib", "lightning", "ray", "h5py", "pytest", "hatchling"}


def test_the_sdist_holds_what_the_tests_need(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = files("symloss", "grammars", "tests") | files("experiments", suffixes=(".py", ".yaml"))
    assert wanted - names == set()
    assert {"pyproject.toml", "README.md", "LICENSE"} <= names


def test_installed_commands_need_no_checkout(built: tuple[Path, Path], tmp_path: Path) -> None:
    target, folder = tmp_path / "installed", tmp_path / "elsewhere"
    folder.mkdir()
    pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    run(*pip, "--target", target, built[1], folder=folder)
    (folder / "search.yaml").write_text("grammar: default\nbudget: 6\nsteps: 5\nseeds: 2\nrun_dir: here\n")
    commands = [
        ["losses"],
        ["grammars"],
        ["show", "ngl"],
        ["sample", "default", "-n", "3"],
        ["evolve", "--config", "search.yaml"],
        ["report", "here", "-o", "page.html"],
    ]
    out = run("-c", COMMANDS, json.dumps(commands), folder=folder, path=str(target))
    where, codes = json.loads(out.splitlines()[-1])
    assert Path(where).is_relative_to(target)
    assert codes == [0] * len(commands)
    assert "taylorglo" in out
    assert "<math" in (folder / "page.html").read_text(encoding="utf-8")
    assert "symloss 0" in run(target / "bin" / "symloss", "--version", folder=folder, path=str(target))
