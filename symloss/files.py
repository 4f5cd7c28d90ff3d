"""Files that are either the old or the new version, never half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from symloss.errors import SymlossError


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file by way of a temporary one beside it; a link's target is replaced, a device is written to.

    Args:
        path: where to.
        content: bytes, or text, which is written as UTF-8.

    Raises:
        SymlossError: it cannot be written there.
    """
    path = path.resolve()
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise SymlossError(f"cannot write {path}: {error.strerror}; choose another place or free it") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
