"""What there is to fetch: addresses, checksums, and what becomes of the files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unpack = Literal["", "tar", "zip", "gzip"]


@dataclass(frozen=True)
class Download:
    """One file of a dataset.

    Attributes:
        url: where it is, by http or https.
        checksum: ``"md5:..."`` or ``"sha256:..."``, in hexadecimal digits.
        bytes: its size, for the display and the free space that it needs; the checksum decides.
        gives: a file or folder that is there afterwards, below the dataset's folder. Where it is, nothing is fetched.
        unpack: what kind of archive it is; "" keeps the file as it is, and "gzip" makes one file of it.
        into: the folder, below the dataset's, that it is kept or unpacked in.
        inner: archives in the archive that are unpacked where they lie.
    """

    url: str
    checksum: str
    bytes: int
    gives: str
    unpack: Unpack = ""
    into: str = "."
    inner: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.url.split("?")[0].rsplit("/", 1)[-1]
