"""Unpacking archives so that nothing lands outside the folder, and nothing lands half."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

from symloss.data.download import Unpack
from symloss.errors import SymlossError


def unpack(archive: Path, kind: Unpack, folder: Path, inner: tuple[str, ...] = ()) -> None:
    """Unpack an archive into a folder, by way of a temporary one in it.

    Folders that are there already are filled up; files of the same name are replaced.

    Args:
        archive: the file. ``.part`` at the end of its name does not count.
        kind: "tar" (packed or not), "zip", or "gzip" for one file, which loses the ``.gz`` at the end of its name.
        folder: where to.
        inner: tar archives in it that are unpacked where they lie, and removed.

    Raises:
        SymlossError: it is broken, has a member that would lie outside, or cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unpack-") as name:
            temporary = Path(name)
            if kind == "gzip":
                with (
                    gzip.open(archive) as content,
                    open(temporary / archive.name.removesuffix(".part").removesuffix(".gz"), "wb") as file,
                ):
                    shutil.copyfileobj(content, file, 1 << 20)
            else:
                _extract(archive, kind, temporary)
            for path in inner:
                _extract(temporary / path, "tar", (temporary / path).parent)
                (temporary / path).unlink()
            _merge(temporary, folder)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise SymlossError(f"cannot unpack {archive}: {error}; remove it and fetch it again") from error
    except OSError as error:
        raise SymlossError(f"cannot unpack {archive} into {folder}: {error.strerror or error}") from error


def _extract(archive: Path, kind: str, folder: Path) -> None:
    if kind == "tar":
        with tarfile.open(archive) as content:
            content.extractall(folder, filter="data")  # refuses what would lie outside, devices and absolute links
        return
    with zipfile.ZipFile(archive) as content:
        root = folder.resolve()
        for name in content.namelist():
            if not (root / name).resolve().is_relative_to(root):
                raise SymlossError(
                    f"{archive} has the member {name!r}, which would lie outside the folder; do not use it"
                )
        content.extractall(folder)


def _merge(source: Path, target: Path) -> None:
    for entry in source.iterdir():
        place = target / entry.name
        if entry.is_dir() and place.is_dir():
            _merge(entry, place)
        else:
            os.replace(entry, place)
