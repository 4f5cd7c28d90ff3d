from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from symloss.data.unpack import unpack
from symloss.errors import SymlossError


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    return path


@pytest.mark.parametrize("name", ["../outside", "deep/../../outside", "/outside"])
def test_zip_members_stay_inside(tmp_path, folder, name):
    name = str(tmp_path / "outside") if name == "/outside" else name
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("fine", b"")
        archive.writestr(name, b"harm")
    with pytest.raises(SymlossError, match="which would lie outside the folder"):
        unpack(tmp_path / "x.zip", "zip", folder)
    assert list(folder.iterdir()) == []
    assert not (tmp_path / "outside").exists()


def tar(path, *members):
    with tarfile.open(path, "w") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def linked(name, target):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, str(target)
    return member


def test_tar_members_stay_inside(tmp_path, folder):
    device = tarfile.TarInfo("device")
    device.type = tarfile.CHRTYPE
    for members in (
        [tarfile.TarInfo("../outside")],
        [linked("link", tmp_path), tarfile.TarInfo("link/outside")],
        [linked("link", "../.."), tarfile.TarInfo("link/outside")],
        [device],
    ):
        with pytest.raises(SymlossError, match="cannot unpack"):
            unpack(tar(tmp_path / "x.tar", tarfile.TarInfo("fine"), *members), "tar", folder)
        assert list(folder.iterdir()) == []
        assert not (tmp_path / "outside").exists()


def test_archives_in_an_archive(tmp_path, folder):
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("images/1.jpg"))
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("caltech/images.tar.gz", inner.getvalue())
        archive.writestr("caltech/notes.txt", b"")
    unpack(tmp_path / "x.zip", "zip", folder, ("caltech/images.tar.gz",))
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    assert found == ["caltech/images/1.jpg", "caltech/notes.txt"]


@pytest.mark.parametrize("kind", ["tar", "zip", "gzip"])
@pytest.mark.parametrize("content", [b"", b"<html>no archive</html>", b"\x1f\x8b\x08broken"])
def test_broken_archives_are_refused(tmp_path, folder, kind, content):
    if kind == "gzip" and not content:
        content = b"x"  # nothing at all is a packed file of nothing
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(SymlossError, match=r"cannot unpack .*x"):
        unpack(tmp_path / "x", kind, folder)
    assert list(folder.iterdir()) == []
