"""`symloss doctor` on sound runs and on damaged ones; and what a user sees where disks and files fail."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from symloss.locking import LOCK_FILE, alone

Symloss = Callable[..., Any]
Copy = Callable[..., Path]


def fingerprint(folder: Path) -> dict[str, str]:
    """Return a hash of each file but the one in which SQLite's processes talk to each other."""
    files = [file for file in folder.iterdir() if not file.name.endswith("-shm")]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def diagnosis(symloss: Symloss, code: int) -> dict[str, dict[str, str]]:
    """Examine the run ``here``; return the checks that are not ok, by name."""
    before = fingerprint(Path("here"))
    done = symloss("doctor", "here", "--json", "d.json")
    assert done.code == code, done.out + done.err
    assert "Traceback" not in done.err
    assert fingerprint(Path("here")) == before
    found = json.loads(Path("d.json").read_text())
    assert found["sound"] is (code == 0)
    for check in found["checks"]:
        assert check["status"] in ("ok", "note", "problem")
        assert check["name"] in done.out
    return {check["name"]: check for check in found["checks"] if check["status"] != "ok"}


def change(statement: str, *values: object) -> None:
    with closing(sqlite3.connect("here/run.sqlite")) as database, database:
        assert database.execute(statement, values).rowcount > 0


def test_a_finished_run_is_sound(symloss: Symloss, run_copy: Copy) -> None:
    run_copy("whole", Path("here"))
    assert diagnosis(symloss, 0) == {}
    assert "The run is sound." in symloss("doctor", "here").out


def test_a_killed_run_is_sound_and_can_go_on(symloss: Symloss, run_copy: Copy) -> None:
    run_copy("killed", Path("here"))
    Path("here", ".run.json.ab12").write_text("half")
    Path("here", LOCK_FILE).write_text("4194000 elsewhere\n")
    found = diagnosis(symloss, 0)
    assert set(found) == {"lock", "temporary files", "hall of fame"}
    assert found["lock"]["found"] == "process 4194000 on elsewhere ended before it could let go of it"
    assert found["lock"]["remedy"] == "go on with: symloss evolve --resume here"
    assert ".run.json.ab12" in found["temporary files"]["found"]
    with alone(Path("here")):
        assert "works on it now" in diagnosis(symloss, 0)["lock"]["found"]


def test_runs_are_found_by_name_and_what_is_none_is_bad_input(symloss: Symloss, run_copy: Copy) -> None:
    run_copy("whole", Path("runs/first"))
    assert symloss("doctor", "first").code == 0
    done = symloss("doctor", "nothing")
    assert (done.code, done.out) == (2, "")
    assert "nothing is no run" in done.err
    assert symloss("doctor", "first", "--sample", "-1").code == 2


IDS = "SELECT id FROM candidates ORDER BY rowid LIMIT 1"

DAMAGES: list[tuple[str, Callable[[], object], str, str]] = [
    ("a configuration cut short", lambda: cut("config.json"), "configuration", "is damaged"),
    ("one of another format", lambda: edit("config.json", '"format": 1', '"format": 7'), "configuration", "format 7"),
    (
        "a grammar changed by hand",
        lambda: edit("config.json", '"start"', '"stort"'),
        "configuration",
        "stort",
    ),
    (
        "a version",
        lambda: change("DELETE FROM clock") or pragma("user_version = 1"),
        "database",
        "is of version 1, from an older symloss",
    ),
    ("a database cut short", lambda: cut("run.sqlite"), "database", "malformed"),
    ("no database", lambda: Path("here/run.sqlite").write_bytes(b"nothing at all" * 400), "database", "not a database"),
    (
        "a candidate of no generation",
        lambda: change("UPDATE candidates SET generation = 9 WHERE generation = 1"),
        "database",
        "names one of generations that is not there",
    ),
    (
        "an expression",
        lambda: change(f"UPDATE candidates SET expression = 'y_pred' WHERE id = ({IDS})"),
        "database: expressions",
        "its derivation gives",
    ),
    (
        "a derivation",
        lambda: change(f"UPDATE candidates SET derivation = '[\"none\", 0, [], null]' WHERE id = ({IDS})"),
        "database: expressions",
        "candidate",
    ),
    (
        "a rejection",
        lambda: change("UPDATE rejections SET expression = 'sinn(y_pred)' WHERE generation = 0 AND number = 0"),
        "database: expressions",
        "did you mean 'sin'?",
    ),
    ("an id", lambda: change(f"UPDATE candidates SET id = 'abc' WHERE id = ({IDS})"), "database: ids", "the id abc"),
    (
        "a score that is missing",
        lambda: change(f"DELETE FROM scores WHERE rung = 0 AND id = ({IDS})"),
        "database: scores",
        "has no score on rung 0",
    ),
    (
        "a rung that is missing",
        lambda: change("DELETE FROM scores WHERE rung = 2"),
        "database: scores",
        "rung 2 has 0 candidates; 1 climb",
    ),
    (
        "a score that is none",
        lambda: change("UPDATE scores SET scores = '[[[1.5]]]' WHERE rung = 0"),
        "database: scores",
        "are not from 0 to 1",
    ),
    (
        "scores of other shapes",
        lambda: change(f"UPDATE scores SET scores = '[[[0.5], [0.5]]]' WHERE rung = 0 AND id = ({IDS})"),
        "database: scores",
        "are not of 1 x 1 x 1 numbers",
    ),
    ("a hall of fame cut short", lambda: cut("hall_of_fame.json"), "hall of fame", "is damaged"),
    ("one without rows", lambda: Path("here/hall_of_fame.json").write_text("{}"), "hall of fame", "KeyError"),
    (
        "another CSV",
        lambda: edit("hall_of_fame.csv", "ngl", "NGL"),
        "hall of fame",
        "hall_of_fame.csv is not what hall_of_fame.json gives",
    ),
    ("no LaTeX", lambda: Path("here/hall_of_fame.tex").unlink(), "hall of fame", "hall_of_fame.tex is not there"),
    ("a count", lambda: edit("hall_of_fame.json", '"trained": 12', '"trained": 13'), "hall of fame", "counts 13"),
    ("a validation score", lambda: edited_score("search_validation"), "hall of fame", "another validation score"),
    ("a test score", lambda: edited_score("test"), "hall of fame", "the test score of #1 is not the mean of its seeds"),
]


def cut(name: str) -> None:
    content = Path("here", name).read_bytes()
    Path("here", name).write_bytes(content[: len(content) // 2])


def edit(name: str, old: str, new: str) -> None:
    text = Path("here", name).read_text()
    assert old in text
    Path("here", name).write_text(text.replace(old, new))


def pragma(text: str) -> None:
    with closing(sqlite3.connect("here/run.sqlite")) as database:
        database.execute(f"PRAGMA {text}")


def edited_score(part: str) -> None:
    path = Path("here/hall_of_fame.json")
    result = json.loads(path.read_text())
    if part == "test":
        result["hall_of_fame"][0]["test"]["mean"] += 0.01
    else:
        result["hall_of_fame"][0][part] += 0.01
    path.write_text(json.dumps(result))


@pytest.mark.parametrize(
    ("damage", "check", "words"), [case[1:] for case in DAMAGES], ids=[case[0] for case in DAMAGES]
)
def test_what_is_damaged_is_found(
    symloss: Symloss, run_copy: Copy, damage: Callable[[], object], check: str, words: str
) -> None:
    run_copy("whole", Path("here"))
    damage()
    found = diagnosis(symloss, 1)
    assert found[check]["status"] == "problem"
    assert words in found[check]["found"]
    assert found[check]["remedy"]


def test_other_versions_matter_while_a_run_goes_on(symloss: Symloss, run_copy: Copy) -> None:
    for kind, code in (("whole", 0), ("killed", 1)):
        folder = run_copy(kind, Path("here"))
        if kind == "killed":
            (folder / "hall_of_fame.json").unlink()
        edit("config.json", '"symloss": "', '"symloss": "0.0.1+')
        if kind == "whole":
            edit("hall_of_fame.json", '"symloss": "', '"symloss": "0.0.1+')
        found = diagnosis(symloss, code)["versions"]
        assert found["status"] == ("note" if kind == "whole" else "problem")
        assert "symloss 0.0.1+" in found["found"]


def test_a_finished_run_without_its_database_is_worth_a_note(symloss: Symloss, run_copy: Copy) -> None:
    run_copy("whole", Path("here"))
    Path("here/run.sqlite").unlink()
    assert diagnosis(symloss, 0)["database"]["status"] == "note"
    Path("here/hall_of_fame.json").unlink()
    assert diagnosis(symloss, 1)["database"]["status"] == "problem"


def test_the_page_that_cannot_be_written(symloss: Symloss, run_copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    run_copy("whole", Path("here"))
    true = os.replace

    def full(source: Any, target: Any) -> None:
        if Path(target).name == "report.html":
            raise OSError(errno.ENOSPC, "No space left on device")
        true(source, target)

    monkeypatch.setattr(os, "replace", full)
    done = symloss("report", "here")
    assert done.code == 2
    assert "No space left on device; choose another place or free it" in done.err
    assert not Path("here/report.html").exists()
    # The search itself has ended well.
    done = symloss("evolve", "--resume", "here")
    assert done.code == 0
    assert "The page was not written" in done.out
    assert "symloss report here" in done.out


@pytest.mark.parametrize("name", ["config.json", "hall_of_fame.json", "run.sqlite"])
def test_damaged_files_have_one_message(symloss: Symloss, run_copy: Copy, name: str) -> None:
    run_copy("whole", Path("here"))
    if name != "hall_of_fame.json":
        Path("here/hall_of_fame.json").unlink()
    Path("here", name).write_bytes(b"\x00\xff damaged" * 500)
    done = symloss("evolve", "--resume", "here")
    assert done.code == 2
    assert re.search(rf"{name}.* (damaged|not a database)", " ".join(done.err.split()))
    assert "Traceback" not in done.err
