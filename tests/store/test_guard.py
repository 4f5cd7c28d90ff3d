"""A run directory may come from somebody else: nothing outside it is written, nothing runs, nothing hangs."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symloss.errors import SymlossError
from symloss.grammar import load_grammar
from symloss.limits import RUN_CONFIG_BYTES
from symloss.search import SearchConfig
from symloss.store import Run, find_loss, read_history
from symloss.store.guard import read_object
from symloss.tasks import TaskConfig

HANG = 2.0


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    Run.create(path, load_grammar("ngl"), [TaskConfig()], SearchConfig()).close()
    row = {"rank": 1, "expression": "-y_true*log(y_pred)"}
    config = json.loads((path / "config.json").read_text())
    (path / "hall_of_fame.json").write_text(json.dumps({"config": config, "hall_of_fame": [row]}))
    return path


def open_and_close(path: Path) -> None:
    run = Run.open(path)
    assert run.database  # of a run that has ended it is opened when it is asked for
    run.close()


@pytest.mark.parametrize(
    "name", ["config.json", "run.sqlite", "run.sqlite-wal", "control.sqlite", "hall_of_fame.csv", "report.html"]
)
@pytest.mark.parametrize("there", [True, False])
def test_links_are_refused_and_their_targets_stay_as_they_are(
    run: Path, tmp_path: Path, name: str, there: bool
) -> None:
    target = tmp_path / "target"
    content = (run / name).read_bytes() if (run / name).exists() else b"precious"
    if there:
        target.write_bytes(content)
    elif name == "config.json":
        pytest.skip("without a configuration it is no run")
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(target)
    for read in (open_and_close, lambda path: find_loss(str(path), 1)):
        with pytest.raises(SymlossError, match=f"{name} is a link"):
            read(run)
    assert target.exists() == there
    assert not there or target.read_bytes() == content


def test_the_folder_itself_may_be_a_link(run: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(run)
    open_and_close(tmp_path / "link")


ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (
            f"DROP TABLE scores; CREATE VIEW scores AS {ENDLESS} n AS rung, 'a' AS id, 'b' AS scores FROM c",
            "view 'scores'",
        ),
        ("CREATE TRIGGER t AFTER INSERT ON scores BEGIN DELETE FROM candidates; END", "trigger 't'"),
        ("CREATE TABLE more (x)", "table 'more'"),
        ("CREATE INDEX i ON scores (abs(rung))", "index 'i'"),
    ],
)
def test_a_database_with_more_than_tables_of_a_run_is_refused(run: Path, change: str, what: str) -> None:
    database = sqlite3.connect(run / "run.sqlite")
    database.executescript(change)
    database.close()
    begun = time.process_time()
    for read in (open_and_close, lambda path: read_history(path / "run.sqlite")):
        with pytest.raises(SymlossError, match=f"has the {what}"):
            read(run)
    assert time.process_time() - begun < HANG


def test_columns_of_another_type_are_named(run: Path) -> None:
    database = sqlite3.connect(run / "run.sqlite")
    for table, columns, row in (("clock", "a, seconds", "(0, 'x')"), ("stop", "a, generation, reason", "(0, 'x', 1)")):
        database.executescript(f"DROP TABLE {table}; CREATE TABLE {table} ({columns})")
        database.executescript(f"INSERT INTO {table} VALUES {row}")
    database.close()
    opened = Run.open(run)
    for load in (opened.database.load_seconds, opened.database.load_stop):
        with pytest.raises(SymlossError, match="is damaged"):
            load()
    opened.close()


def test_a_value_that_no_run_writes_is_not_read(run: Path) -> None:
    database = sqlite3.connect(run / "run.sqlite")
    database.execute("INSERT INTO scores VALUES (0, 'a', ?)", ("[" * 2_000_000,))
    database.commit()
    database.close()
    with pytest.raises(SymlossError, match="too big"):
        read_history(run / "run.sqlite")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 100_000, "is damaged"),
        ('{"a": ' * 100_000, "is damaged"),
        ("[]", "holds a list where an object belongs"),
        ('{"a": "\\ud800"}', "is damaged"),
        ("9" * 5_000, "is damaged"),
        ("\0", "is damaged"),
        (" " * (RUN_CONFIG_BYTES + 1), "is larger than 2,000,000 bytes"),
    ],
)
def test_json_that_is_no_object_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "config.json").write_text(content)
    begun = time.process_time()
    with pytest.raises(SymlossError, match=message):
        read_object(tmp_path / "config.json", RUN_CONFIG_BYTES)
    assert time.process_time() - begun < HANG


def test_no_module_that_a_run_names_is_imported_by_reading_it(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "symloss_trap.py").write_text("open('pwned', 'w')\n")
    config = json.loads((run / "config.json").read_text())
    config["tasks"][0] |= {"dataset": "symloss_trap:make", "model": "symloss_trap:make"}
    (run / "config.json").write_text(json.dumps(config))
    open_and_close(run)
    find_loss(str(run), 1)
    assert "symloss_trap" not in sys.modules
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("name", ["../../etc/passwd", "\0", "x" * 5_000, "/dev/zero", "..", "~root", ""])
def test_names_of_runs_are_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SymlossError, match="is no run"):
        find_loss(name, 1)
    assert os.listdir(tmp_path) == []


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["grammar", "tasks", "search", "device", "rules", "name", "seed", "dataset", "lr", "metrics", "baselines"]
)


def places(data: Any, key: str) -> list[Any]:
    found = [data] if isinstance(data, dict) and key in data else []
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else []
    return found + [place for part in inner for place in places(part, key)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(KEYS, VALUES)
def test_a_configuration_with_values_of_any_type(run: Path, key: str, value: object) -> None:
    kept = (run / "config.json").read_text()
    config = json.loads(kept)
    for place in places(config, key):
        place[key] = value
    try:
        (run / "config.json").write_text(json.dumps(config))
        open_and_close(run)
    except SymlossError as error:
        if len(str(error)) > 3_000:
            raise AssertionError("no message for a person") from error
    finally:
        (run / "config.json").write_text(kept)
