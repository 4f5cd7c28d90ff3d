"""Datasets of a folder a class, as ``torchvision.datasets.ImageFolder`` reads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from symloss.data.images import FileImages, Paths
from symloss.data.pixels import class_folders, listed
from symloss.data.readers.reader import Reader
from symloss.errors import SymlossError


@dataclass(frozen=True)
class FolderLayout:
    """Where the folders of the classes are.

    Attributes:
        parts: each part and the folder below which they are, "." for the dataset's own.
        published: whether the dataset was published so, with counts that can be checked.
    """

    parts: tuple[tuple[str, str], ...]
    published: bool = True


@dataclass(frozen=True)
class FolderReader(Reader):
    """A folder a class; the classes are numbered in the order of their names.

    Attributes:
        layouts: what is tried, in this order.
        classes: how many classes there must be.
        class_names: their folders; empty where these are whatever is there.
        without: folders that are no class.
    """

    layouts: tuple[FolderLayout, ...]
    classes: int
    class_names: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def lacks(self, folder: Path) -> str | None:
        if self._layout(folder):
            return None
        if not folder.is_dir():
            return "not there"
        wanted = ", ".join(self.class_names) or f"{self.classes} folders"
        places = [" and ".join(f"{place}/" for _, place in layout.parts if place != ".") for layout in self.layouts]
        return f"has no {wanted}{' in ' if any(places) else ''}{' or '.join(filter(None, places))}"

    def own_parts(self, folder: Path) -> tuple[str, ...] | None:
        layout = self._layout(folder)
        return None if layout is None or layout.published else tuple(part for part, _ in layout.parts)

    def open(self, folder: Path, part: str) -> FileImages:
        layout = self._layout(folder)
        place = dict(layout.parts).get(part) if layout else None
        if place is None:
            raise SymlossError(f"{folder} has no part {part!r}: {self.lacks(folder)}")
        names = self._classes_in(folder / place)
        paths, labels = listed(folder / place, names)
        return FileImages(Paths(folder, paths), labels, len(names), tuple(names))

    def _layout(self, folder: Path) -> FolderLayout | None:
        for layout in self.layouts:
            if all(self._has_classes(folder / place) for _, place in layout.parts):
                return layout
        return None

    def _has_classes(self, folder: Path) -> bool:
        found = self._classes_in(folder)
        return set(self.class_names) <= {*found} if self.class_names else len(found) == self.classes

    def _classes_in(self, folder: Path) -> list[str]:
        found = [entry.name for entry in class_folders(folder) if entry.name not in self.without]
        return [name for name in found if name in self.class_names] if self.class_names else found
