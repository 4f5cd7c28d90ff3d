"""A dataset that is known: what it has, where it is looked for, and what to do where it is not there."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from symloss.data.download import Download
from symloss.data.images import ImageData
from symloss.data.readers import Reader
from symloss.errors import SymlossError, suggest

#: The environment variable that names a directory with datasets.
DATA_VARIABLE = "SYMLOSS_DATA"


def data_dir() -> Path | None:
    """Return the folder that SYMLOSS_DATA (and so ``--data-dir``) names, or None."""
    named = os.environ.get(DATA_VARIABLE)
    return Path(named).expanduser() if named else None


def _no_files() -> tuple[Download, ...]:
    return ()


@dataclass(frozen=True, eq=False)
class Source:
    """A dataset of images. A new one is a reader of its files and an entry in :data:`~symloss.data.SOURCES`.

    Attributes:
        name: its key in the registry.
        title: one line for people.
        task: "classification" or "segmentation".
        classes: the number of classes C.
        sizes: the number of images of each part that the dataset has: of "train", "val" and "test". A dataset without
            an official validation or test part has none here.
        shape: (channels, height, width) of every image, or None where they vary.
        licence: what its authors or hosts state.
        citation: the paper that it is from.
        layout: which files lie in which folders, for people.
        obtain: where to get it, for people: one sentence.
        reader: reads the files.
        bytes: how large it is to download.
        folders: where it may lie below the data directory, first choice first; the data directory itself comes last.
        home: the folder below the data directory that it is fetched to; the name where this is "".
        system: system-wide places, if there are usual ones.
        downloads: returns what can be fetched. A function, as it may ask torchvision, which takes seconds to import.
        ignore_index: the value of mask pixels that count nowhere; None for classification.
        class_names: the classes, where the list is short.
    """

    name: str
    title: str
    task: Literal["classification", "segmentation"]
    classes: int
    sizes: Mapping[str, int]
    shape: tuple[int, int, int] | None
    licence: str
    citation: str
    layout: str
    obtain: str
    reader: Reader
    bytes: int
    folders: tuple[str, ...] = ()
    home: str = ""
    system: tuple[Path, ...] = ()
    downloads: Callable[[], tuple[Download, ...]] = _no_files
    ignore_index: int | None = None
    class_names: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the dataset as published."""
        return tuple(self.sizes)

    @property
    def size(self) -> int:
        """The number of images of all parts."""
        return sum(self.sizes.values())

    @property
    def files(self) -> tuple[Download, ...]:
        """What can be fetched: files with a public address and a known checksum."""
        return self.downloads()

    def places(self) -> list[Path]:
        """Return the folders that are looked in, in this order."""
        base = data_dir()
        own = [base / name for name in (*(self.folders or (self.name,)), ".")] if base else []
        return [*own, *self.system]

    def find(self) -> Path:
        """Return the folder that has the dataset.

        Raises:
            SymlossError: no place has it. The message says what it is, how large, where to get it, how it must lie, and
                where it was looked for.
        """
        looked: dict[Path, str] = {}
        for folder in self.places():
            lacks = self.reader.lacks(folder)
            if lacks is None:
                return folder
            looked[folder] = lacks
        # Of places that are not there at all two tell enough: where it is expected, and what was given.
        absent = [folder for folder, lacks in looked.items() if lacks == "not there"]
        told = [f"{folder} ({lacks})" for folder, lacks in looked.items() if folder not in absent[1:-1]]
        images = f"{self.size:,} images{f' of {self.shape[1]}x{self.shape[2]}' if self.shape else ''}"
        raise SymlossError(
            f"the dataset {self.name} is not on this machine ({images}, {amount(self.bytes)}). {self.obtain}. Its "
            f"files: {self.layout}; put them into a folder {(self.folders or (self.name,))[0]} and name the folder "
            f"above it with --data-dir or in {DATA_VARIABLE}. Looked in: "
            f"{'; '.join(told) or 'no place, as none is named'}"
        )

    def parts_in(self, folder: Path) -> tuple[str, ...]:
        """Return the parts of a copy: those published, or where a folder is laid out otherwise, its own."""
        return self.reader.own_parts(folder) or self.parts

    def open(self, part: str) -> ImageData:
        """Open a part.

        Raises:
            SymlossError: there is no such part, no place has the dataset, or its files are not as they should be.
        """
        if part not in (names := {*self.parts, "train", "val", "test"}):
            raise SymlossError(f"the dataset {self.name} has no part {part!r}{suggest(part, names)}")
        folder = self.find()
        parts = self.parts_in(folder)
        if part not in parts:
            raise SymlossError(
                f"the dataset {self.name} in {folder} has no part {part!r}; it has {', '.join(parts)}: hold some of "
                "the training images out instead"
            )
        return self.reader.open(folder, part)


def amount(size: int) -> str:
    """Return a number of bytes for people, such as "170 MB"."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.{1 if unit == 'GB' and size < 1e10 else 0}f} {unit}"
    return f"{size} bytes"
