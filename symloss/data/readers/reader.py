"""What reads a dataset's files: one reader for each published layout."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

from symloss.data.images import ImageData


class Reader(ABC):
    """Reads one layout of files. Readers are small and frozen: opened data hold paths and arrays, not readers."""

    @abstractmethod
    def lacks(self, folder: Path) -> str | None:
        """Return None where the folder has the dataset, else in a few words why it has not: "lacks train/"."""

    @abstractmethod
    def open(self, folder: Path, part: str) -> ImageData:
        """Return a part of the dataset in a folder that lacks nothing.

        Raises:
            SymlossError: its files are not as they should be.
        """

    def own_parts(self, folder: Path) -> tuple[str, ...] | None:
        """Return the parts of a folder that is not laid out as published, so that the known counts do not hold."""
        del folder
        return None


def lacking(folder: Path, names: Iterable[str]) -> str | None:
    """Return None if a folder has all files and folders of these names, else what it lacks."""
    names = list(names)
    missing = [name for name in names if not (folder / name).exists()]
    if not missing:
        return None
    return "not there" if len(missing) == len(names) else f"lacks {', '.join(missing)}"
