"""Finding grammar files."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from symloss.formula import to_text
from symloss.grammar import GrammarError, Sampler, load_grammar, shipped, shipped_grammars
from symloss.limits import YAML_BYTES

SMALL = "name: mine\nstart: e\nrules:\n  e:\n    - y_pred*y_true\n"


def test_shipped_grammars_load_by_name_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = shipped_grammars()
    assert set(names) == {"autoloss-zero", "cse-autoloss", "default", "evomal", "neuroloss", "ngl", "taylorglo"}
    assert list(names) == sorted(names)
    for name in names:
        grammar = load_grammar(name)
        assert grammar.name == name
        assert grammar.description
        assert grammar.source == names[name]


def test_wheel_layout_wins_over_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "symloss"
    (tmp_path / "grammars").mkdir()
    (tmp_path / "grammars" / "beside.yaml").write_text(SMALL)
    monkeypatch.setattr(shipped, "_PACKAGE", package)
    assert list(shipped_grammars()) == ["beside"]
    (package / "_grammars").mkdir(parents=True)
    (package / "_grammars" / "inside.yaml").write_text(SMALL)
    assert list(shipped_grammars()) == ["inside"]
    assert load_grammar("inside").name == "mine"


def test_an_existing_file_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ngl").write_text(SMALL)
    assert load_grammar("ngl").name == "mine"
    (tmp_path / "default").mkdir()  # a folder is no grammar, so the name counts
    assert load_grammar("default").name == "default"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "x.yaml:1: the file is empty"),
        (b"\n \n", "x.yaml:1: the file is empty"),
        (b"\xef\xbb\xbf", "x.yaml:1: the file is empty"),
        (b"name: x\nstart: \xff\xfe\n", "x.yaml:2: not UTF-8"),
        ("name: x".encode("utf-16"), "x.yaml:1: not UTF-8"),
        (b"name: x\n\0\0\n", "x.yaml:2: binary data"),
        (b"#" * (YAML_BYTES + 1), f"x.yaml: larger than {YAML_BYTES:,} bytes"),
    ],
)
def test_unreadable_content(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(GrammarError) as caught:
        load_grammar(tmp_path / "x.yaml")
    assert message in str(caught.value)


def test_missing_file_suggests_shipped_names() -> None:
    with pytest.raises(GrammarError, match=r"no grammar 'defualt'.*shipped: .*default, .*did you mean 'default'\?"):
        load_grammar("defualt")


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 5000, "no/such/file.yaml"])
def test_odd_names_are_refused(name: str) -> None:
    with pytest.raises(GrammarError):
        load_grammar(name)


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GrammarError, match="directory"):
        load_grammar(tmp_path)


def test_default_draws_use_all_its_parts() -> None:
    sampler = Sampler(load_grammar("default"))
    rng = random.Random(0)
    texts = " ".join(to_text(drawn.formula) for _ in range(500) if (drawn := sampler.sample(rng)))
    for part in (
        "y_pred",
        "y_true",
        "exp(",
        "log(",
        "sqrt(",
        "square(",
        "tanh(",
        "sin(",
        "cos(",
        " + ",
        " - ",
        "*",
        "/",
    ):
        assert part in texts
