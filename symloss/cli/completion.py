"""What the Tab key offers for an argument. It imports nothing heavy, as a person waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from symloss.cli.known import DATASETS, GRAMMARS, LOSSES, OTHER_DATASETS

#: Files that make a directory a run, and that a run has once it has ended: of a search, and of a benchmark.
_RUN_FILES = ("config.json", "result.json")
_ENDED_FILES = ("hall_of_fame.json", "result.json")
_RUNS = Path("runs")

Complete = Callable[[str], list[str]]


def one_of(names: Iterable[str]) -> Complete:
    """Return what completes a name."""
    known = list(names)

    def complete(incomplete: str) -> list[str]:
        return [name for name in known if name.startswith(incomplete)]

    return complete


def several_of(names: Iterable[str]) -> Complete:
    """Return what completes the last name of a list separated by commas; each name is offered once."""
    known = list(names)

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        if before.count("(") > before.count(")"):  # among the parameters of a name
            return []
        taken = before.split(",")
        return [f"{before}{comma}{name}" for name in known if name.startswith(last) and name not in taken]

    return complete


def grammar(incomplete: str) -> list[str]:
    """Return shipped grammars, YAML files, and the folders that may hold some."""
    return one_of(GRAMMARS)(incomplete) + _paths(incomplete, lambda path: path.suffix in (".yaml", ".yml"))


def loss(incomplete: str) -> list[str]:
    """Return known losses, and the first one of each run that has ended."""
    return one_of(LOSSES)(incomplete) + [f"{run}:1" for run in _runs(incomplete, _ENDED_FILES[:1])]


def any_run(incomplete: str) -> list[str]:
    """Return the runs of searches, also those that have not ended."""
    return _runs(incomplete, _RUN_FILES[:1])


def ended_run(incomplete: str) -> list[str]:
    """Return the runs that have ended, of searches and of benchmarks."""
    return _runs(incomplete, _ENDED_FILES)


def any_dataset(incomplete: str) -> list[str]:
    """Return every dataset that can be fetched or checked."""
    return one_of(DATASETS + OTHER_DATASETS)(incomplete)


def _runs(incomplete: str, files: Iterable[str]) -> list[str]:
    """Return the directories below ``runs/``, or beside what is typed, that hold one of some files."""
    typed = Path(f"{incomplete}x").parent
    folders = dict.fromkeys([_RUNS, typed])
    found = [path for folder in folders for path in _children(folder) if any((path / name).is_file() for name in files)]
    return [str(path) for path in dict.fromkeys(found) if str(path).startswith(incomplete)]


def _paths(incomplete: str, wanted: Callable[[Path], bool]) -> list[str]:
    typed = Path(f"{incomplete}x").parent
    found = [f"{path}/" if path.is_dir() else str(path) for path in _children(typed) if path.is_dir() or wanted(path)]
    return [text for text in found if text.startswith(incomplete) and (incomplete or not text.startswith("."))]


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # none there, or not to be read
        return []
