from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from symloss.data import SOURCES, Download, fetch
from symloss.data.fetching import fetch_file
from symloss.errors import SymlossError

from .server import serving

CONTENT = np.random.default_rng(0).integers(0, 256, 1_000_000, dtype=np.uint8).tobytes()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr("symloss.data.fetching._PAUSES", (0.0, 0.0))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as files:
        files.files["/file.bin"] = CONTENT
        yield files


def download(server, path="/file.bin", content=CONTENT, **others):
    digest = hashlib.sha256(content).hexdigest()
    return Download(server.url(path), f"sha256:{digest}", len(content), **({"gives": path[1:]} | others))


def quiet(what, done, total):
    pass


def test_file_arrives_whole_and_progress_is_told(server, tmp_path):
    told = []
    fetch_file(download(server), tmp_path / "new", lambda *facts: told.append(facts))
    assert (tmp_path / "new" / "file.bin").read_bytes() == CONTENT
    assert os.listdir(tmp_path / "new") == ["file.bin"]
    assert told[0] == ("file.bin", 0, len(CONTENT))
    assert ("file.bin", len(CONTENT), len(CONTENT)) in told
    assert told[-1] == ("checking file.bin", len(CONTENT), len(CONTENT))


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    (tmp_path / "file.bin").write_bytes(b"mine")
    fetch_file(download(server), tmp_path, quiet)
    assert server.requests == []
    assert (tmp_path / "file.bin").read_bytes() == b"mine"


def test_cut_connection_goes_on_where_it_was(server, tmp_path):
    server.cuts = [300_000, 0, 300_000]
    fetch_file(download(server), tmp_path, quiet)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    ranges = [asked for _, asked in server.requests]
    assert ranges == [None, "bytes=300000-", "bytes=300000-", "bytes=600000-"]


def test_later_call_goes_on_where_an_earlier_one_gave_up(server, tmp_path):
    server.cuts = [400_000, 0, 0, 0]
    with pytest.raises(SymlossError, match=r"the connection was cut. 400 kB of 1 MB are in .*the same command goes on"):
        fetch_file(download(server), tmp_path, quiet)
    assert (tmp_path / "file.bin.part").read_bytes() == CONTENT[:400_000]
    assert not (tmp_path / "file.bin").exists()
    server.requests.clear()
    fetch_file(download(server), tmp_path, quiet)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.requests == [("/file.bin", "bytes=400000-")]
    assert not (tmp_path / "file.bin.part").exists()


def test_server_without_ranges_begins_anew(server, tmp_path):
    server.ranges, server.cuts = False, [300_000]
    fetch_file(download(server), tmp_path, quiet)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == [None, "bytes=300000-"]


def test_server_without_ranges_that_always_cuts_is_given_up(server, tmp_path):
    server.ranges, server.cuts = False, [300_000] * 50
    with pytest.raises(SymlossError, match="the connection was cut"):
        fetch_file(download(server), tmp_path, quiet)
    assert len(server.requests) == 4  # the first brought something new, and three did not


def test_part_that_is_whole_is_taken(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    fetch_file(download(server), tmp_path, quiet)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.requests == [("/file.bin", f"bytes={len(CONTENT)}-")]


def test_part_that_is_longer_than_the_file_is_thrown_away(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT + b"more")
    fetch_file(download(server), tmp_path, quiet)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_wrong_checksum_is_refused_and_removed(server, tmp_path):
    file = download(server)
    server.files["/file.bin"] = CONTENT[:-1] + b"x"
    with pytest.raises(
        SymlossError, match=r"gave 1,000,000 bytes with the sha256 checksum \w{64}; it must be"
    ) as caught:
        fetch_file(file, tmp_path, quiet)
    assert file.checksum.removeprefix("sha256:") in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_part_of_another_file_is_found_out(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(b"x" * 1000)
    with pytest.raises(SymlossError, match="They are removed: fetch again"):
        fetch_file(download(server), tmp_path, quiet)
    fetch_file(download(server), tmp_path, quiet)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_busy_server_is_asked_again_and_a_missing_file_is_not(server, tmp_path):
    server.statuses = [503, 429]
    fetch_file(download(server), tmp_path, quiet)
    assert len(server.requests) == 3
    with pytest.raises(SymlossError, match=r"cannot fetch http.*/gone: the server says 404 Not Found"):
        fetch_file(download(server, "/gone"), tmp_path, quiet)
    assert len(server.requests) == 4


def test_no_server_is_said(server, tmp_path):
    server.server_close()
    with pytest.raises(SymlossError, match=r"cannot fetch http.*refused"):
        fetch_file(download(server), tmp_path, quiet)


def test_other_addresses_are_refused(server, tmp_path):
    (tmp_path / "secret").write_bytes(CONTENT)
    with pytest.raises(SymlossError, match="it is no address of http or https"):
        fetch_file(replace(download(server), url=f"file://{tmp_path}/secret"), tmp_path / "new", quiet)


def test_place_that_is_not_writable(server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SymlossError, match=r"cannot write .*: Not a directory; choose another place with --data-dir"):
        fetch_file(download(server), tmp_path / "file" / "below", quiet)
    assert server.requests == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission(server, tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(SymlossError, match=r"cannot write .*: Permission denied"):
            fetch_file(download(server), tmp_path / "new", quiet)
    finally:
        tmp_path.chmod(0o700)


def test_full_disk_is_said_before_and_meanwhile(server, tmp_path, monkeypatch):
    with pytest.raises(SymlossError, match=r"file.bin needs .* GB in .*, which has"):
        fetch_file(replace(download(server), bytes=10**18), tmp_path, quiet)
    assert server.requests == []
    full = tmp_path / "file.bin.part"
    full.symlink_to("/dev/full")
    with pytest.raises(SymlossError, match="No space left on device; choose another place"):
        fetch_file(download(server), tmp_path, quiet)


def archives():
    """Return the same two files as each kind of archive."""
    files = {"top/a.txt": b"a" * 1000, "top/deep/b.txt": b"b"}
    packed, zipped = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    with zipfile.ZipFile(zipped, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return {"tar": packed.getvalue(), "zip": zipped.getvalue()}


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_archives_are_unpacked_and_removed(server, tmp_path, kind):
    content = archives()[kind]
    server.files["/all"] = content
    (tmp_path / "into" / "top").mkdir(parents=True)
    (tmp_path / "into" / "top" / "c.txt").write_text("was there")
    file = download(server, "/all", content, gives="into/top/deep", unpack=kind, into="into")
    fetch_file(file, tmp_path, quiet)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")) == [
        "into/top/a.txt",
        "into/top/c.txt",
        "into/top/deep/b.txt",
    ]
    fetch_file(file, tmp_path, quiet)
    assert len(server.requests) == 1


def test_packed_file_is_unpacked(server, tmp_path):
    server.files["/x.h5.gz"] = content = gzip.compress(CONTENT)
    fetch_file(download(server, "/x.h5.gz", content, gives="x.h5", unpack="gzip"), tmp_path, quiet)
    assert os.listdir(tmp_path) == ["x.h5"]
    assert (tmp_path / "x.h5").read_bytes() == CONTENT


def test_archive_that_does_not_give_what_it_should(server, tmp_path):
    server.files["/all"] = content = archives()["zip"]
    with pytest.raises(SymlossError, match=r"did not give .*other; its content has changed"):
        fetch_file(download(server, "/all", content, gives="other", unpack="zip"), tmp_path, quiet)


def test_whole_dataset(server, tmp_path, monkeypatch):
    for name in ("a", "b"):
        server.files[f"/{name}"] = name.encode()
    files = tuple(download(server, f"/{name}", name.encode()) for name in "ab")
    source = replace(SOURCES["mnist"], downloads=lambda: files)
    assert fetch(source, tmp_path / "data") == tmp_path / "data" / "mnist"
    assert sorted(os.listdir(tmp_path / "data" / "mnist")) == ["a", "b"]


@pytest.mark.parametrize("name", ["imagenet-1k", "camvid", "digits"])
def test_dataset_without_address_says_where_it_is(name, tmp_path):
    with pytest.raises(SymlossError, match="has no public address") as caught:
        fetch(SOURCES[name], tmp_path)
    assert SOURCES[name].obtain in str(caught.value)
    assert SOURCES[name].layout in str(caught.value)
