"""All datasets by name, and the folder of one's own that has the form of one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from symloss.data.classification import CLASSIFICATION
from symloss.data.pixels import class_folders
from symloss.data.readers import FolderLayout, FolderReader
from symloss.data.segmentation import SEGMENTATION
from symloss.data.source import Source
from symloss.errors import SymlossError, unknown

#: How a folder of one's own is named.
FOLDER_PREFIX = "imagefolder:"

#: Every dataset of images by name. ``imagefolder:PATH`` makes another (:func:`source_of`).
SOURCES: Mapping[str, Source] = MappingProxyType({source.name: source for source in CLASSIFICATION + SEGMENTATION})


def source_of(name: str) -> Source:
    """Return the dataset of a name in :data:`SOURCES`, or that of ``imagefolder:PATH``.

    A folder has a folder a class, below ``train`` (and ``val`` and ``test``, where these are) or below itself. Its
    classes and sizes are those that are there.

    Raises:
        SymlossError: the name is unknown, or the folder is not there or has fewer than two classes.
    """
    if name.startswith(FOLDER_PREFIX):
        return _folder_source(name)
    if name not in SOURCES:
        raise SymlossError(f"{unknown('dataset', name, SOURCES)}. A folder of your own is imagefolder:PATH")
    return SOURCES[name]


def _folder_source(name: str) -> Source:
    path = name.removeprefix(FOLDER_PREFIX).strip()
    root = Path(path).expanduser().absolute()
    if not path or not root.is_dir():
        raise SymlossError(f"{name}: there is no folder {root}; it should hold a folder a class")
    parted = any(class_folders(root / "train"))
    parts = (
        {part: part for part in ("train", "val", "test") if class_folders(root / part)} if parted else {"train": "."}
    )
    names = tuple(entry.name for entry in class_folders(root / parts["train"]))
    if len(names) < 2:
        found = f"only {names[0]!r}" if names else "none"
        raise SymlossError(
            f"{root / parts['train']} must hold a folder for each of at least 2 classes; it holds {found}"
        )
    for place in parts.values():
        others = tuple(entry.name for entry in class_folders(root / place))
        if others != names:
            raise SymlossError(f"{root / place} must hold the classes of {root / parts['train']}: {', '.join(names)}")
    reader = FolderReader((FolderLayout(tuple(parts.items())),), len(names))
    sizes = {part: len(reader.open(root, part)) for part in parts}
    return Source(
        name=name,
        title="images of your own",
        task="classification",
        classes=len(names),
        sizes=sizes,
        shape=None,
        licence="",
        citation="",
        layout="CLASS/* or train/CLASS/*, val/CLASS/* and test/CLASS/*",
        obtain="It is your own",
        reader=reader,
        bytes=0,
        folders=(str(root),),
        system=(root,),
        class_names=names,
    )
