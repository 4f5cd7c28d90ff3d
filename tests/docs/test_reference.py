"""The references have all that there is, and the figures are those of this version."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import symloss
from symloss.search import SCREENS

DOCS = Path(__file__).parents[2] / "docs"
TEXT = re.compile(r"<text[^>]*>([^<]*)</text>")


@pytest.fixture(scope="module")
def reference(load_script: Callable[[Path], ModuleType]) -> str:
    pytest.importorskip("sphinx", reason="not installed: sphinx; the extra 'docs' has it")
    text: str = load_script(DOCS / "_ext" / "commands.py").reference()
    return text


@pytest.fixture(scope="module")
def draw(load_script: Callable[[Path], ModuleType]) -> ModuleType:
    pytest.importorskip("matplotlib")
    return load_script(DOCS / "figures" / "draw.py")


@pytest.mark.parametrize(
    "command",
    [
        *("evolve", "benchmark", "show", "export", "report", "sample", "losses", "models", "grammars"),
        *("grammars check", "datasets", "datasets fetch", "datasets check", "datasets convert"),
    ],
)
def test_every_command_has_a_section(command: str, reference: str) -> None:
    assert reference.splitlines().count(f"## symloss {command}") == 1


def test_options_have_their_help_and_default(reference: str) -> None:
    section = reference.split("## symloss sample\n")[1].split("\n## ")[0]
    assert "symloss sample [OPTIONS] " in section
    assert "`--classes N`\n: The number of classes C, for what depends on it. [default: 10]" in section
    assert "`-n N`\n: How many candidates. [default: 20]" in section
    assert "`--help`" not in section


def test_what_is_quoted_is_code(reference: str) -> None:
    assert "the name of a shipped one such as `default`." in reference
    assert "Apply the section `smoke` of the `--config`: a small version." in reference
    assert "a wrong label has" in reference
    assert "The run's seed: same seed, same result." in reference


def test_every_public_name_is_in_the_reference() -> None:
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    for name in set(symloss.__all__) - {"losses", "__version__"}:
        assert f":: symloss.{name}\n" in page
    assert ":: symloss.losses.get\n" in page


def test_figures_of_pages_are_there() -> None:
    shown = {
        name for page in DOCS.glob("*.md") for name in re.findall(r"\]\((figures/[^)]+)\)", page.read_text("utf-8"))
    }
    assert len(shown) >= 4
    assert all((DOCS / name).is_file() for name in shown)


def test_figures_are_of_this_version(draw: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw, "DRAWS", 40)
    draw.main(tmp_path)
    now, kept = (
        {path.stem: TEXT.findall(path.read_text("utf-8")) for path in folder.glob("*.svg")}
        for folder in (tmp_path, DOCS / "figures")
    )
    assert set(now) <= set(kept)
    assert now["rungs"] == kept["rungs"]  # the default settings
    assert now["curves"] == kept["curves"]
    for name in SCREENS:
        if name not in ("identical", "similar", "surrogate"):  # they reject nothing at first
            assert f"after {name}" in now["funnel"]
            assert f"after {name}" in kept["funnel"]
