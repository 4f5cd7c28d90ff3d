"""Run directories."""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from symloss.errors import SymlossError
from symloss.grammar import Sampler, load_grammar
from symloss.runtime import keyed_random
from symloss.search import Candidate, Generation, Rejection, SearchConfig
from symloss.store import Run, default_run_dir, find_loss, write_atomic
from symloss.tasks import TaskConfig

TASKS = (TaskConfig(steps=30), TaskConfig(label_noise=0.4))


def create(path: Path) -> Run:
    return Run.create(path, load_grammar("default"), TASKS, SearchConfig(seed=5), "cuda:1")


#: Two tasks, two metrics, two seeds.
A = (((0.1, 1 / 3), (0.2, float("inf"))), ((0.3, 0.4), (0.5, 0.6)))


def score(mean: float) -> dict[str, Any]:
    return {"mean": mean, "std": 0.01, "n": 3, "ci95": [mean - 0.01, mean + 0.01], "scores": [mean] * 3}


def result(run: Run) -> dict[str, Any]:
    row = {"expression": "exp(-y_pred*(1 + y_true))", "latex": r"e^{-p \left(1 + y\right)}", "size": 7, "id": "0" * 16}
    row |= {"scale": 13.6, "validation": score(0.98), "test": score(0.97)}
    gain = {"mean": 0.012, "p": 0.001, "p_holm": 0.002, "ci95": [0.01, 0.014]}
    return {
        "run": str(run.path),
        "config": run.config(),
        "hall_of_fame": [row | {"rank": 1, "loss": "#1", "gain": gain}],
        "control": [row | {"rank": 1, "loss": "random #1", "gain": gain}],
        "baselines": [row | {"loss": "ce", "gain": None}],
    }


def generation(run: Run) -> Generation:
    sampler = Sampler(run.grammar)
    candidates = []
    for index in range(5):
        derivation = sampler.sample(keyed_random("store", index))
        assert derivation is not None
        candidates.append(Candidate(f"{index:016x}", derivation, 7, 0, 10 * index, "crossover", ("a", "b")))
    rejections = [
        Rejection("log(y_pred)", "dependence", "no y_true"),
        Rejection("y_true*y_pred", "free-logits", "10 %"),
    ]
    return Generation(0, candidates, 41, rejections, [])


def test_a_run_is_opened_with_what_it_was_created_with(tmp_path: Path) -> None:
    create(tmp_path / "run").close()
    run = Run.open(tmp_path / "run")
    assert run.tasks == TASKS
    assert run.device == "cuda:1"
    assert run.search == SearchConfig(seed=5)
    assert run.grammar.digest() == load_grammar("default").digest()
    assert run.config()["versions"]["torch"]
    run.close()


def test_a_generation_and_its_scores_survive_the_process(tmp_path: Path) -> None:
    run = create(tmp_path / "run")
    written = generation(run)
    run.database.save_generation(written)
    run.database.save_scores(2, {"a": A, "b": (((0.5, 0.25),),)})
    run.close()
    run = Run.open(tmp_path / "run")
    read = run.database.load_generation(0)
    assert read is not None
    assert read.candidates == written.candidates
    assert [c.derivation for c in read.candidates] == [c.derivation for c in written.candidates]
    assert read.rejections == written.rejections
    assert read.drawn == 41
    assert [known.op for known in read.known] == ["mul"]
    assert run.database.load_scores(2) == {"a": A, "b": (((0.5, 0.25),),)}
    assert run.database.load_scores(1) == {}
    assert run.database.load_generation(1) is None
    run.close()


def test_the_clock_counts_all_processes_and_the_control_has_a_journal_of_its_own(tmp_path: Path) -> None:
    run = create(tmp_path / "run")
    assert run.database.load_seconds() == 0
    run.database.save_seconds(3.5)
    run.database.save_seconds(7.25)
    assert run.database.load_stop() is None
    run.database.save_stop(7, "time")
    run.control_database.save_scores(0, {"a": A})
    run.close()
    run = Run.open(tmp_path / "run")
    assert run.database.load_seconds() == 7.25
    assert run.database.load_stop() == (7, "time")
    assert run.control_database.load_stop() is None
    assert run.database.load_scores(0) == {}
    assert run.control_database.load_scores(0) == {"a": A}
    run.close()


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    run = create(tmp_path / "run")
    broken = generation(run)
    broken.candidates.append(broken.candidates[0])
    with pytest.raises(SymlossError, match="UNIQUE"):
        run.database.save_generation(broken)
    assert run.database.load_generation(0) is None
    run.database.save_generation(generation(run))
    run.close()


def test_an_occupied_directory_is_refused_with_the_way_on(tmp_path: Path) -> None:
    create(tmp_path / "run").close()
    with pytest.raises(SymlossError, match=r"not empty; .*--resume"):
        create(tmp_path / "run")


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SymlossError, match="choose another with --run-dir"):
        create(tmp_path / "file" / "run")


def test_what_is_no_run_is_said_to_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SymlossError, match=r"nothing is no run"):
        Run.open(Path("nothing"))
    create(Path("runs") / "first").close()
    Run.open(Path("first")).close()
    with pytest.raises(SymlossError, match="did you mean 'first'"):
        Run.open(Path("firts"))


NUMBERS = '{"grammar": 1, "tasks": 2, "search": 3, "device": 4}'


@pytest.mark.parametrize("text", ["{", "[]", '{"grammar": {}}', "\x00", NUMBERS])
def test_a_damaged_configuration_is_a_clear_error(tmp_path: Path, text: str) -> None:
    create(tmp_path / "run").close()
    (tmp_path / "run" / "config.json").write_text(text)
    with pytest.raises(SymlossError):
        Run.open(tmp_path / "run")


def test_a_database_of_another_version_or_none_at_all_is_refused(tmp_path: Path) -> None:
    create(tmp_path / "run").close()
    with sqlite3.connect(tmp_path / "run" / "run.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SymlossError, match="version 99"):
        Run.open(tmp_path / "run")
    for file in (tmp_path / "run").glob("run.sqlite*"):
        file.unlink()
    (tmp_path / "run" / "run.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(SymlossError, match="cannot be used"):
        Run.open(tmp_path / "run")


def test_finish_writes_json_csv_and_latex(tmp_path: Path) -> None:
    run = create(tmp_path / "run")
    assert run.result() is None
    written = result(run)
    run.finish(written)
    assert run.result() == written
    with (run.path / "hall_of_fame.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["loss"] for row in rows] == ["#1", "random #1", "ce"]
    assert float(rows[0]["gain_mean"]) == 0.012
    assert rows[2]["gain_mean"] == ""
    run.close()


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_the_latex_table_compiles(tmp_path: Path) -> None:
    run = create(tmp_path / "run")
    run.finish(result(run))
    run.close()
    document = (
        r"\documentclass{article}\usepackage{booktabs,amsmath}\begin{document}\input{run/hall_of_fame}\end{document}"
    )
    (tmp_path / "d.tex").write_text(document)
    subprocess.run(["pdflatex", "-halt-on-error", "d.tex"], cwd=tmp_path, check=True, capture_output=True)


def test_the_latex_table_is_balanced(tmp_path: Path) -> None:
    run = create(tmp_path / "run")
    run.finish(result(run))
    run.close()
    text = (tmp_path / "run" / "hall_of_fame.tex").read_text()
    assert text.count("{") == text.count("}")
    assert text.count(r"\begin{") == text.count(r"\end{") == 1
    assert r"\#1 & $e^{-p \left(1 + y\right)}$ & 7 & 97.00 [96.00, 98.00] & +1.20 \\" in text


def test_a_run_that_found_nothing_is_finished_too(tmp_path: Path) -> None:
    run = create(tmp_path / "run")
    run.finish(result(run) | {"hall_of_fame": []})
    assert r"\midrule" in (run.path / "hall_of_fame.tex").read_text()
    found = run.result()
    assert found is not None
    assert found["hall_of_fame"] == []
    run.close()


def test_a_link_is_followed_and_a_pipe_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    write_atomic(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"
    write_atomic(Path("/dev/null"), "gone")
    assert Path("/dev/null").is_char_device()


def test_a_loss_is_found_by_run_and_rank(tmp_path: Path) -> None:
    run = create(tmp_path / "run")
    with pytest.raises(SymlossError, match="has not ended; finish it with: symloss evolve --resume"):
        find_loss(str(run.path), 1)
    run.finish(result(run))
    run.close()
    formula, row = find_loss(str(run.path), 1)
    assert formula.size == 7
    assert row["grammar"] == "default"
    with pytest.raises(SymlossError, match="no loss of rank 2; it has ranks 1 to 1"):
        find_loss(str(run.path), 2)


def test_a_formula_in_a_tampered_result_is_parsed_and_not_run(tmp_path: Path) -> None:
    run = create(tmp_path / "run")
    written = result(run)
    written["hall_of_fame"][0]["expression"] = "__import__('os').system('touch hacked')"
    run.finish(written)
    run.close()
    with pytest.raises(SymlossError, match="cannot read the formula"):
        find_loss(str(run.path), 1)


def test_default_directories_are_unused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = default_run_dir("my grammar/../x", "digits")
    assert first.parent == Path("runs")
    assert "/" not in first.name
    assert first.is_dir()  # so that no other process gets it
    assert default_run_dir("my grammar/../x", "digits") != first


def test_an_atomic_write_keeps_the_old_file_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.json"
    write_atomic(path, "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(SymlossError, match="No space left"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["file.json"]
