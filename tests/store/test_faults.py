"""What befalls disks, files and clocks: a defined end, one clear message, and a run that can go on."""

from __future__ import annotations

import errno
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import symloss
from symloss import api
from symloss.errors import SymlossError
from symloss.grammar import load_grammar
from symloss.search import Progress
from symloss.store import Run, default_run_dir, read_history, read_result, write_atomic
from symloss.store.database import Database
from symloss.store.doctor import examine
from symloss.tasks import TaskConfig

# Python 3.12 warns of forks beside threads, which torch has.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")

#: The search of the copies that ``run_copy`` gives.
SMALL: dict[str, Any] = {"budget": 12, "generation_size": 6, "finalists": 4, "discovered": 3, "audit_seeds": 3}
SMALL |= {"repeats": 1, "last_seeds": 5}

Copy = Callable[..., Path]
Read = Callable[[Path], dict[str, Any]]


def evolve(folder: Path, **more: Any) -> Run:
    return symloss.evolve("default", TaskConfig(steps=30), run_dir=folder, device="cpu", **SMALL, **more)


@contextmanager
def mounted(options: str) -> Iterator[Path]:
    """A file system of its own, outside of what pytest clears away."""
    folder = Path(tempfile.mkdtemp(prefix="symloss-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        if os.geteuid() or shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("no file system can be mounted here")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    finally:
        folder.rmdir()


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    """No file of this process can grow beyond so many bytes: a limit that root has too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def full(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the disk be full when a file of that name is written."""
    true = os.replace

    def replace(source: Any, target: Any) -> None:
        if Path(target).name == name:
            raise OSError(errno.ENOSPC, "No space left on device")
        true(source, target)

    monkeypatch.setattr(os, "replace", replace)


def test_a_disk_that_fills_up_in_the_middle_of_a_search(run_copy: Copy, result_of: Read) -> None:
    with mounted("size=200k") as disk:
        folder = disk / "run"
        with pytest.raises(SymlossError, match=r"run.sqlite cannot be used: .*; .* go on with --resume"):
            evolve(folder)
        run = Run.open(folder)
        assert run.database.load_generation(0) is not None
        before = {rung: run.database.load_scores(rung) for rung in range(-1, 3)}
        assert before[-1]
        run.close()
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        run = symloss.resume(folder)
        for rung, scores in before.items():
            assert scores.items() <= run.database.load_scores(rung).items()
        run.close()
        assert result_of(folder) == result_of(run_copy("whole"))


def test_a_write_to_the_database_that_fails_leaves_it_as_it_was(run_copy: Copy) -> None:
    folder = run_copy("killed")
    run = Run.open(folder)
    before = run.database.load_scores(0)
    scores = {f"{k:016x}": (((0.5,) * 50,),) for k in range(2000)}
    log = (folder / "run.sqlite-wal").stat().st_size
    with file_limit(log + 5000), pytest.raises(SymlossError, match="has space and no limit on files, and go on with"):
        run.database.save_scores(0, scores)
    assert run.database.load_scores(0) == before
    run.database.save_scores(0, scores)
    run.close()
    run = Run.open(folder)
    assert run.database.load_scores(0) == before | scores
    run.close()


def test_a_run_directory_where_nothing_can_be_written(tmp_path: Path, run_copy: Copy) -> None:
    folder = run_copy("killed")
    kept = {file.name: file.read_bytes() for file in folder.iterdir()}
    with file_limit(0):
        with pytest.raises(SymlossError, match="go on with --resume"):
            symloss.resume(folder)
        with pytest.raises(SymlossError):
            evolve(tmp_path / "new")
        assert not (tmp_path / "new").exists()
    assert {name: (folder / name).read_bytes() for name in kept if not name.endswith("-shm")} == {
        name: content for name, content in kept.items() if not name.endswith("-shm")
    }


def test_a_read_only_directory_is_read_and_not_worked_on(run_copy: Copy) -> None:
    with mounted("size=20m") as disk:
        whole = run_copy("whole", disk / "whole")
        killed = run_copy("killed", disk / "killed")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert read_result(whole)[1]["hall_of_fame"]
        for folder in (whole, killed):
            history = read_history(folder / "run.sqlite")
            assert history is not None
            assert history.rungs[0]
            assert all(check.status != "problem" for check in examine(folder)[1])
        with pytest.raises(
            SymlossError, match=r"cannot write to|cannot be used.*make the folder and its files writable"
        ):
            symloss.resume(killed)
        assert symloss.resume(whole).result() is not None  # nothing is left to do


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_without_permission(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(SymlossError, match="Permission denied"):
        evolve(tmp_path / "locked")


def test_a_full_disk_at_the_hall_of_fame(run_copy: Copy, monkeypatch: pytest.MonkeyPatch, result_of: Read) -> None:
    folder, expected = run_copy("whole"), result_of(run_copy("whole"))
    (folder / "hall_of_fame.json").unlink()
    trained = (folder / "run.sqlite").read_bytes()
    with monkeypatch.context() as patch:
        full(patch, "hall_of_fame.json")
        with pytest.raises(SymlossError, match=r"No space left.*--resume .* repeats the final comparison alone"):
            symloss.resume(folder)
    assert not (folder / "hall_of_fame.json").exists()
    assert not [file for file in folder.iterdir() if file.name.startswith(".")]
    seen: set[str] = set()

    def observe(progress: Progress) -> None:
        if progress.phase != "comparison":  # nothing is trained but for that
            assert progress.work_done == progress.work_replayed
        seen.add(progress.phase)

    with closing(symloss.resume(folder, observer=observe)):
        assert result_of(folder) == expected
    assert "comparison" in seen
    assert len(trained) == (folder / "run.sqlite").stat().st_size


def test_a_start_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    full(monkeypatch, "config.json")
    for folder in (tmp_path / "new", None):
        with pytest.raises(SymlossError, match="No space left"):
            api.create("default", TaskConfig(steps=30), run_dir=folder, device="cpu", **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert not list((tmp_path / "runs").iterdir())


def test_what_a_start_that_was_killed_left_is_no_hindrance(tmp_path: Path, run_copy: Copy) -> None:
    begin = {"run_dir": tmp_path / "new", "device": "cpu", **SMALL}
    api.create("default", TaskConfig(steps=30), **begin).close()
    for later in ("config.json", "log.jsonl"):
        (tmp_path / "new" / later).unlink()
    (tmp_path / "new" / ".config.json.x1").write_text("{")
    api.create("default", TaskConfig(steps=30), **begin).close()
    # But what was trained is not passed over, nor removed.
    folder = run_copy("killed")
    (folder / "config.json").unlink()
    with pytest.raises(SymlossError, match="is not empty"):
        api.create("default", TaskConfig(steps=30), **begin | {"run_dir": folder})
    assert read_history(folder / "run.sqlite") is not None


@pytest.mark.parametrize(("version", "age"), [(1, "an older"), (99, "a newer")])
def test_a_database_of_another_version(run_copy: Copy, version: int, age: str) -> None:
    folder = run_copy("killed")
    with closing(sqlite3.connect(folder / "run.sqlite")) as database:
        database.execute(f"PRAGMA user_version = {version}")
    message = f"is of version {version}, from {age} symloss; this one reads version 2: use the symloss that wrote it"
    with pytest.raises(SymlossError, match=message):
        Run.open(folder)
    with pytest.raises(SymlossError, match=message):
        read_history(folder / "run.sqlite")


def test_a_configuration_of_another_format(run_copy: Copy) -> None:
    folder = run_copy("killed")
    text = (folder / "config.json").read_text()
    assert '"format": 1' in text
    (folder / "config.json").write_text(text.replace('"format": 1', '"format": 2'))
    with pytest.raises(SymlossError, match="is of format 2; this symloss reads format 1"):
        Run.open(folder)


def everything(folder: Path) -> Any:
    """Read a run as a resumed search does."""
    run = Run.open(folder)
    try:
        generations = [run.database.load_generation(number) for number in range(2)]
        return [
            [(g.candidates, g.rejections, g.drawn) for g in generations if g],
            [run.database.load_scores(rung) for rung in range(-3, 5)],
            run.database.load_stop(),
        ]
    finally:
        run.close()


@pytest.mark.parametrize("seed", range(24))
def test_overwritten_pages_are_noticed_or_do_not_matter(run_copy: Copy, seed: int) -> None:
    draws = random.Random(seed)
    folder = run_copy("whole")
    (folder / "hall_of_fame.json").unlink()
    expected = everything(folder)
    file = folder / "run.sqlite"
    content = bytearray(file.read_bytes())
    for _ in range(draws.randint(1, 3)):
        start = 4096 * draws.randrange(len(content) // 4096) + draws.choice([0, draws.randrange(4096)])
        noise = draws.randbytes(min(draws.choice([64, 4096]), len(content) - start))
        content[start : start + len(noise)] = noise
    file.write_bytes(content)
    try:
        found = everything(folder)
    except SymlossError as error:
        found = str(error)
    assert str(file) in found if isinstance(found, str) else found == expected


def test_a_page_that_a_search_would_not_come_to_is_noticed(run_copy: Copy) -> None:
    folder = run_copy("killed")
    with closing(sqlite3.connect(folder / "run.sqlite")) as database:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_candidates_1'"
        page = database.execute(query).fetchone()[0]
    content = bytearray((folder / "run.sqlite").read_bytes())
    content[4096 * (page - 1) : 4096 * page] = bytes(4096)
    (folder / "run.sqlite").write_bytes(content)
    with pytest.raises(SymlossError, match=r"run.sqlite .*start the run anew"):
        Run.open(folder)


def test_a_formula_that_was_changed_is_noticed(run_copy: Copy) -> None:
    folder = run_copy("killed")
    with closing(sqlite3.connect(folder / "run.sqlite")) as database, database:
        database.execute("UPDATE candidates SET expression = 'y_true*y_pred' WHERE rowid = 2")
    with pytest.raises(SymlossError, match=r"run.sqlite is damaged.*and its formula is y_true\*y_pred"):
        symloss.resume(folder)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_a_database_that_was_cut_short(run_copy: Copy, share: float) -> None:
    folder = run_copy("whole")
    (folder / "hall_of_fame.json").unlink()
    content = (folder / "run.sqlite").read_bytes()
    (folder / "run.sqlite").write_bytes(content[: int(share * len(content))])
    with pytest.raises(SymlossError, match=r"run.sqlite .*(start the run anew|has lost)"):
        everything(folder)


def test_a_run_that_has_lost_its_database(run_copy: Copy) -> None:
    folder = run_copy("killed")
    for file in folder.glob("run.sqlite*"):
        file.unlink()
    with pytest.raises(SymlossError, match=r"has lost its database .*run.sqlite; put it back, or start the run anew"):
        Run.open(folder)
    assert not (folder / "run.sqlite").exists()
    # One that has ended is shown all the same.
    folder = run_copy("whole")
    (folder / "run.sqlite").unlink()
    assert symloss.resume(folder).result() is not None


def test_a_run_that_has_lost_its_log_is_trained_again(run_copy: Copy, result_of: Read) -> None:
    """What was not yet in the database itself is gone; the numbers are the same once more."""
    folder = run_copy("killed")
    (folder / "run.sqlite-wal").unlink()
    symloss.resume(folder).close()
    assert result_of(folder) == result_of(run_copy("whole"))


def test_an_old_database_without_its_log_does_not_pass_for_a_new_one(run_copy: Copy) -> None:
    folder = run_copy("killed")
    for file in folder.glob("run.sqlite*"):
        file.unlink()
    with closing(sqlite3.connect(folder / "run.sqlite")) as database:
        database.execute("PRAGMA journal_mode = WAL")  # as versions did that never moved their tables into it
    with pytest.raises(SymlossError, match="has lost the file beside it in -wal"):
        Run.open(folder)


def test_two_processes_on_one_run(run_copy: Copy, tmp_path: Path) -> None:
    folder = run_copy("killed")
    process = os.fork()
    if process == 0:  # the other one, which stops as soon as it works
        try:
            with Run.open(folder).working():
                (tmp_path / "works").touch()
                time.sleep(600)
        finally:
            os._exit(1)
    try:
        until = time.monotonic() + 60
        while not (tmp_path / "works").exists() and time.monotonic() < until:
            time.sleep(0.01)
        with pytest.raises(
            SymlossError, match=rf"process {process} on {os.uname().nodename} works on the run .*killed"
        ):
            symloss.resume(folder)
        begin = {"run_dir": folder, "device": "cpu", **SMALL}
        with pytest.raises(SymlossError, match=rf"process {process} on"):
            api.create("default", TaskConfig(steps=30), **begin)
        # Who only reads is not held up.
        assert read_history(folder / "run.sqlite") is not None
        checks = {check.name: check for check in examine(folder)[1]}
        assert checks["lock"].status == "note"
        assert f"process {process} on" in checks["lock"].found
    finally:
        os.kill(process, 9)
        os.waitpid(process, 0)
    with Run.open(folder).working():  # a killed process holds nothing
        pass


def test_two_threads_on_one_run(run_copy: Copy) -> None:
    run = Run.open(run_copy("killed"))
    failures: list[SymlossError] = []

    def resume() -> None:
        try:
            symloss.resume(run.path)
        except SymlossError as error:
            failures.append(error)

    with run.working():
        thread = Thread(target=resume)
        thread.start()
        thread.join()
    run.close()
    assert f"process {os.getpid()} on" in str(failures[0])


def test_runs_of_one_second_get_directories_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Stopped:
            return cls(2026, 1, 1)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("symloss.store.run.datetime", Stopped)
    found: list[Path] = []
    threads = [Thread(target=lambda: found.append(default_run_dir("g", "digits"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({*found}) == 8
    assert all(path.is_dir() for path in found)
    assert Path("runs/20260101-000000-g-digits") in found


def test_a_clock_that_jumps_changes_nothing(
    tmp_path: Path, run_copy: Copy, monkeypatch: pytest.MonkeyPatch, result_of: Read
) -> None:
    true, draws = time.time, random.Random(0)
    monkeypatch.setattr(time, "time", lambda: true() + draws.choice([-1, 1]) * timedelta(days=400).total_seconds())
    seconds: list[float] = []
    with closing(evolve(tmp_path / "run", observer=lambda progress: seconds.append(progress.seconds))):
        assert result_of(tmp_path / "run") == result_of(run_copy("whole"))
    assert 0 <= seconds[0] <= seconds[-1] < 600
    assert seconds == sorted(seconds)


def test_atomic_files_on_a_full_disk() -> None:
    with mounted("size=64k") as disk:
        write_atomic(disk / "a.json", "old")
        with pytest.raises(SymlossError, match="No space left on device; choose another place or free it"):
            write_atomic(disk / "a.json", "x" * 100_000)
        assert [file.name for file in disk.iterdir()] == ["a.json"]
        assert (disk / "a.json").read_text() == "old"


def test_a_file_that_is_no_database(tmp_path: Path, run_copy: Copy) -> None:
    folder = run_copy("killed")
    for file in folder.glob("run.sqlite*"):
        file.unlink()
    (folder / "run.sqlite").write_bytes(b"no database at all" * 1000)
    with pytest.raises(SymlossError, match="file is not a database; put the run's own back, or start the run anew"):
        Run.open(folder)
    with pytest.raises(SymlossError, match="file is not a database"):
        read_history(folder / "run.sqlite")
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as database:
        database.execute("CREATE TABLE mine (x)")
    with pytest.raises(SymlossError, match="the table 'mine', which no run writes"):
        Database(tmp_path / "other.sqlite", load_grammar("default"))
