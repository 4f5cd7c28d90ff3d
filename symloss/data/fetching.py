"""Getting a dataset's files: what was begun goes on, and what arrived is checked before it is used."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

from symloss.data.download import Download
from symloss.data.source import Source, amount
from symloss.data.unpack import unpack
from symloss.errors import SymlossError

#: Told what is going on, how many bytes are done, and how many there are (0 where that is not known).
Progress = Callable[[str, int, int], None]

_CHUNK = 1 << 18
_TIMEOUT = 60.0  # seconds in which a server must say something
_PAUSES = (1.0, 4.0, 15.0)  # seconds before each attempt that follows one which brought nothing new


def fetch(source: Source, base: Path, progress: Progress | None = None) -> Path:
    """Download what is missing of a dataset, check it and unpack it.

    A file arrives as ``NAME.part``; where a connection is cut, this and later calls go on with what is there. It gets
    its name, or is unpacked, only when its checksum is right; archives are removed then.

    Args:
        source: the dataset.
        base: the data directory; it is made if need be.
        progress: is told how far it is.

    Returns:
        The dataset's folder below it.

    Raises:
        SymlossError: the dataset cannot be downloaded so (the message says where it is), a server does not give a
            file, a checksum is wrong, or the disk does not take it.
    """
    files = source.files
    if not files:
        raise SymlossError(
            f"the dataset {source.name} has no public address to fetch it from. {source.obtain}. Its files: "
            f"{source.layout}, in a folder {(source.folders or (source.name,))[0]} in {base}"
        )
    home = base / (source.home or source.name)
    for file in files:
        fetch_file(file, home, progress or (lambda what, done, total: None))
    return home


def fetch_file(file: Download, home: Path, progress: Progress) -> None:
    """Bring one file into a dataset's folder, unless what it gives is there.

    Raises:
        SymlossError: as :func:`fetch`.
    """
    if (home / file.gives).exists():
        return
    folder = home / file.into
    part = folder / f"{file.file}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        have = part.stat().st_size if part.exists() else 0
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise _cannot_write(folder, error) from error
    need = file.bytes * (2 if file.unpack else 1) - have
    if free < need:
        raise SymlossError(
            f"{file.file} needs {amount(need)} in {folder}, which has {amount(free)}; choose another place"
        )
    _download(file, part, progress)
    _verify(file, part, progress)
    if file.unpack:
        progress(f"unpacking {file.file}", 0, 0)
        unpack(part, file.unpack, folder, file.inner)
        part.unlink()
    else:
        os.replace(part, folder / file.file)
    if not (home / file.gives).exists():
        raise SymlossError(f"{file.url} did not give {home / file.gives}; its content has changed")


def _download(file: Download, part: Path, progress: Progress) -> None:
    """Make a file whole, over as many connections as it takes while each brings something new."""
    fruitless, most = 0, part.stat().st_size if part.exists() else 0
    while True:
        reason = "the connection was cut"
        try:
            if _transfer(file, part, progress):
                return
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code not in (408, 429):
                raise SymlossError(f"cannot fetch {file.url}: the server says {error.code} {error.reason}") from error
            reason = f"the server says {error.code} {error.reason}"
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        have = part.stat().st_size if part.exists() else 0
        if have > most:
            fruitless, most = 0, have
        elif fruitless == len(_PAUSES):
            raise SymlossError(
                f"cannot fetch {file.url}: {reason}. {amount(have)} of {amount(file.bytes)} are in {part}; the same "
                "command goes on with them"
            )
        else:
            time.sleep(_PAUSES[fruitless])
            fruitless += 1


def _transfer(file: Download, part: Path, progress: Progress) -> bool:
    """Append what one connection gives. Return whether the file is whole."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": "symloss", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    if not file.url.startswith(("https://", "http://")):
        raise SymlossError(f"cannot fetch {file.url}: it is no address of http or https")
    request = urllib.request.Request(file.url, headers=headers)
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        # There is nothing after what is here: either it is whole, or it is no beginning of this file.
        if error.headers.get("Content-Range", "").strip() == f"bytes */{have}":
            return True
        _truncate(part)
        return False
    with answer:
        start = have if answer.status == 206 and _starts_at(answer, have) else 0
        if answer.status == 206 and start != have:
            _truncate(part)
            return False
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length is not None and length.isdigit() else None
        try:
            target = part.open("ab" if start else "wb")  # a server that does not know Range begins anew
        except OSError as error:
            raise _cannot_write(part, error) from error
        with target:
            done = _copy(answer, target, start, lambda done: progress(file.file, done, total or file.bytes))
    return total is None or done == total


def _copy(answer: IO[bytes], target: IO[bytes], done: int, tell: Callable[[int], None]) -> int:
    tell(done)
    while chunk := answer.read(_CHUNK):
        try:
            target.write(chunk)
        except OSError as error:
            raise _cannot_write(Path(target.name), error) from error
        done += len(chunk)
        tell(done)
    return done


def _starts_at(answer: http.client.HTTPResponse, start: int) -> bool:
    return (answer.headers.get("Content-Range") or "").strip().startswith(f"bytes {start}-")


def _truncate(part: Path) -> None:
    try:
        os.truncate(part, 0)
    except OSError as error:
        raise _cannot_write(part, error) from error


def _verify(file: Download, part: Path, progress: Progress) -> None:
    """Compare the checksum; a file that fails is removed, as no continuation could mend it."""
    kind, expected = file.checksum.split(":")
    digest, done, total = hashlib.new(kind, usedforsecurity=False), 0, part.stat().st_size
    with part.open("rb") as content:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
            done += len(chunk)
            progress(f"checking {file.file}", done, total)
    if digest.hexdigest() != expected:
        part.unlink()
        raise SymlossError(
            f"{file.url} gave {total:,} bytes with the {kind} checksum {digest.hexdigest()}; it must be {expected}. "
            "They are removed: fetch again, and if it stays so, the file has changed"
        )


def _cannot_write(path: Path, error: OSError) -> SymlossError:
    return SymlossError(f"cannot write {path}: {error.strerror}; choose another place with --data-dir or free it")
