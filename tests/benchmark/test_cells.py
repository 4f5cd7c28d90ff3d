"""Cells on disk: what names them, and what is done with damaged ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from symloss.benchmark import Contender, combine
from symloss.benchmark.cells import Cell, CellStore, environment
from symloss.errors import SymlossError
from symloss.formula import parse_formula
from symloss.losses import find

EXPERIMENT = combine(["digits"], ["mlp"], metrics=["accuracy", "ece"])[0]
CELL = Cell(EXPERIMENT, Contender("ce", find("ce")), 3)
SCORES = {"end": {"validation": {"accuracy": 0.5, "ece": 0.1}, "test": {"accuracy": 0.25, "ece": float("nan")}}}


def stored(folder: Path, cell: Cell = CELL) -> CellStore:
    store = CellStore(folder)
    store.write(cell, SCORES, diverged=True, seconds=1.25, environment=environment("cpu"), command="the command")
    return store


def test_what_was_written_is_read(tmp_path: Path) -> None:
    outcome = stored(tmp_path / "new" / "run").read(CELL)
    assert outcome is not None
    assert outcome.scores["end"]["validation"] == {"accuracy": 0.5, "ece": 0.1}
    assert outcome.scores["end"]["test"] == {"accuracy": 0.25, "ece": None}  # JSON has no nan
    assert (outcome.diverged, outcome.seconds, outcome.device) == (True, 1.25, "cpu")


def test_a_cell_says_where_it_is_from(tmp_path: Path) -> None:
    store = stored(tmp_path)
    data = json.loads(store.path(CELL).read_text())
    assert data["command"] == "the command"
    assert {"python", "torch", "symloss", "processor", "device"} <= data["environment"].keys()
    assert data["settings"]["steps"] == 1000
    assert data["loss"]["name"] == "ce"
    assert [path.name for path in (tmp_path / "cells").iterdir()] == [f"{CELL.name}.json"]


def test_the_name_is_of_what_decides_the_score() -> None:
    same = [
        replace(CELL, contender=Contender("another name", find("ce"))),
        replace(CELL, contender=Contender("ce", parse_formula("-2*y_true*log(y_pred)"))),  # trains alike
        replace(CELL, experiment=replace(EXPERIMENT, condition="clean")),
    ]
    assert {cell.name for cell in same} == {CELL.name}
    others = [
        replace(CELL, seed=4),
        replace(CELL, test=False),
        replace(CELL, contender=Contender("ce", find("ngl"))),
        replace(CELL, contender=Contender("ce", find("label_smoothed_ce"))),
        replace(CELL, experiment=EXPERIMENT.at(0.5)),
        replace(CELL, experiment=EXPERIMENT.having({"label_noise": 0.1})),
        replace(CELL, experiment=replace(EXPERIMENT, trainer="full")),
    ]
    assert len({CELL.name, *(cell.name for cell in others)}) == 1 + len(others)


def test_a_factor_counts_where_losses_are_trained_as_they_are_written() -> None:
    forms = ["-y_true*log(y_pred)", "-10*y_true*log(y_pred)"]
    losses = [Contender("x", parse_formula(text)) for text in forms] + [Contender("ce", find("ce"))]
    [raw] = combine(["digits"], ["resnet18"], trainer="full", settings={"raw": True})
    assert len({Cell(raw, loss, 0).name for loss in losses}) == 3
    assert len({Cell(raw.having({"raw": False}), loss, 0).name for loss in losses}) == 1
    assert Cell(raw, replace(losses[0], name="y"), 0).name == Cell(raw, losses[0], 0).name


def change(key: str, value: Any) -> Any:
    return lambda text: json.dumps({**json.loads(text), key: value})


DAMAGE = {
    "empty": lambda text: "",
    "half": lambda text: text[: len(text) // 2],
    "no mapping": lambda text: "[1, 2]",
    "binary": lambda text: b"\xff\xfe\x00" * 9,
    "another score": lambda text: text.replace("0.5", "0.6", 1),
    "without a key": lambda text: json.dumps({k: v for k, v in json.loads(text).items() if k != "checksum"}),
    "another number": change("seconds", 9),
    "deep": lambda text: "[" * 100_000,
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_noted_and_not_used(tmp_path: Path, kind: str) -> None:
    store = stored(tmp_path)
    path = store.path(CELL)
    damaged = DAMAGE[kind](path.read_text())
    path.write_bytes(damaged if isinstance(damaged, bytes) else damaged.encode())
    assert store.read(CELL) is None
    assert store.read(CELL) is None
    assert len(store.damaged) == 1
    assert str(path) in store.damaged[0]
    stored(tmp_path)
    assert store.read(CELL) is not None


def test_a_cell_of_other_data_is_refused(tmp_path: Path) -> None:
    store = CellStore(tmp_path)
    store.data = {"digits": "one"}
    store.write(CELL, SCORES, diverged=True, seconds=1.25, environment=environment("cpu"), command="")
    for data in ({"digits": "one"}, {"digits": None}, {"mnist": "two"}):
        store.data = data
        assert store.read(CELL) is not None
    store.data = {"digits": "two"}
    with pytest.raises(SymlossError, match=r"of other data called digits .* another --run-dir .* --data-dir"):
        store.read(CELL)
    assert store.damaged == []
    stored(tmp_path)  # of unknown data, as those of earlier versions are
    assert store.read(CELL) is not None


def test_a_file_of_another_cell_is_not_used(tmp_path: Path) -> None:
    store = stored(tmp_path)
    other = replace(CELL, seed=4)
    store.path(CELL).rename(store.path(other))
    assert store.read(other) is None
    assert "another cell" in store.damaged[0]


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SymlossError, match="--run-dir"):
        stored(tmp_path / "file")
