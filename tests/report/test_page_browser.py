"""The page in a browser: no error, every figure drawn, no sideways scrolling on a phone, nothing wrong by axe."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from symloss.report import save_benchmark_page, save_page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium here; Debian's package chromium has one")

#: Reports what a reader would see; it is added to a copy of the page without the policy that forbids it.
PROBE = """<script>addEventListener("load", () => {
  const box = (part) => part.getBoundingClientRect();
  const report = {
    width: innerWidth,
    scroll: document.documentElement.scrollWidth,
    plots: [...document.querySelectorAll(".plot > svg")].map((one) => [box(one).width, box(one).height]),
    shapes: [...document.querySelectorAll(".plot")].map((one) => one.querySelectorAll("path, rect, circle").length),
    texts: [...document.querySelectorAll("svg text")].map((one) => parseFloat(getComputedStyle(one).fontSize)
      * box(one.ownerSVGElement).width / one.ownerSVGElement.viewBox.baseVal.width),
    math: [...document.querySelectorAll("math")].map((one) => box(one).height),
  };
  const mark = document.querySelector(".mark[tabindex]");
  mark.focus();
  report.tip = document.getElementById("tip").textContent;
  report.label = mark.getAttribute("aria-label");
  document.execCommand = () => { report.copied = document.querySelector("textarea").value; return true; };
  Object.defineProperty(navigator, "clipboard", { value: undefined });
  (document.querySelector("button[data-module]") ?? document.querySelector("button.copy")).click();
  setTimeout(() => parent.postMessage(JSON.stringify(report), "*"), 50);
});</script>"""

#: A window cannot be as narrow as a phone, a frame can.
FRAME = """<!DOCTYPE html><html><body>
<iframe src="probed.html" width="{width}" height="900" style="border: 0"></iframe>
<script>addEventListener("message", (event) => {{ document.body.dataset.report = event.data; }});</script>
</body></html>"""


def browse(page: Path, width: int) -> tuple[str, list[str]]:
    """Return the page's elements after its script ran, and what the browser said on its console."""
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--user-data-dir={page.parent / 'browser'}", f"--window-size={width},900", "--enable-logging=stderr"]
    command += ["--virtual-time-budget=3000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "<html" in done.stdout, done.stderr[-2000:]
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_page_runs_without_an_error(make_run: Callable[..., Path]) -> None:
    dom, console = browse(save_page(make_run()), 1280)
    assert console == []
    assert re.search(r'<html[^>]*class="live"', dom)
    assert "data-tip=" in dom
    assert "<title>" not in dom.split("<body>")[1]


def test_a_forbidden_script_would_be_seen(make_run: Callable[..., Path]) -> None:
    page = save_page(make_run())
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", "<script>alert(1)</script></body>"), "utf-8")
    _, console = browse(page, 1280)
    assert any("Content Security Policy" in line for line in console)


def seen_in(page: Path, width: int) -> dict[str, Any]:
    """Return what a reader of a page sees in a window of a width."""
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    probed = page.with_name("probed.html")
    probed.write_text(text.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    frame = page.with_name("frame.html")
    frame.write_text(FRAME.format(width=width), encoding="utf-8")
    dom, console = browse(frame, 1400)
    assert console == []
    found = re.search(r'data-report="([^"]*)"', dom)
    assert found is not None
    seen: dict[str, Any] = json.loads(unescape(found[1]))
    assert seen["width"] == width
    assert seen["scroll"] <= width
    assert all(count >= 5 for count in seen["shapes"])
    assert all(300 <= wide <= width and high > 100 for wide, high in seen["plots"])
    assert min(seen["texts"]) >= 10
    assert all(height > 8 for height in seen["math"])
    assert seen["tip"] == seen["label"] != ""
    return seen


@pytest.mark.parametrize("width", [1280, 360])
def test_everything_is_drawn_and_fits(make_run: Callable[..., Path], width: int) -> None:
    seen = seen_in(save_page(make_run()), width)
    assert len(seen["shapes"]) == 7
    assert "class ARun1Loss" in seen["copied"]


@pytest.mark.parametrize("width", [1280, 360])
def test_a_benchmark_is_drawn_and_fits(
    make_benchmark: Callable[..., dict[str, Any]], tmp_path: Path, width: int
) -> None:
    long = "exp(-y_pred*(1 + y_true)) + 0.25*(y_true - y_pred)**2"
    data = make_benchmark({"ce": [0.96] * 3, "ngl": [0.97] * 3, "bce": [0.95] * 3, long: [0.96, 0.97, 0.9]})
    page = save_benchmark_page(data, tmp_path / "page.html")
    assert browse(page, width)[1] == []
    seen = seen_in(page, width)
    assert len(seen["shapes"]) == 4
    assert seen["copied"] == data["results"][0]["latex"]


#: Runs axe-core, which knows WCAG's rules, and reports what it finds wrong.
AXE = """<script>addEventListener("load", async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  const lines = found.violations.map((one) => one.id + ": " + one.nodes[0].html.slice(0, 200));
  document.body.dataset.axe = JSON.stringify([found.passes.length, lines]);
});</script>"""


def wrong_by_axe(page: Path) -> list[str]:
    """Return what breaks rules of accessibility on a page."""
    package = importlib.util.find_spec("axe_core_python")
    if package is None or package.origin is None:
        pytest.skip("no axe-core-python here")
    script = Path(package.origin).with_name("axe.min.js").read_text(encoding="utf-8")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    examined = page.with_name("examined.html")
    examined.write_text(text.replace("</body>", f"<script>{script}</script>{AXE}</body>"), encoding="utf-8")
    found = re.search(r'data-axe="([^"]*)"', browse(examined, 1280)[0])
    assert found is not None
    passed, wrong = json.loads(unescape(found[1]))
    assert passed > 10
    return list(wrong)


def test_axe_finds_nothing_wrong(
    make_run: Callable[..., Path], make_benchmark: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    assert wrong_by_axe(save_page(make_run())) == []
    data = make_benchmark({"ce": [0.96] * 3, "ngl": [0.97] * 3})
    assert wrong_by_axe(save_benchmark_page(data, tmp_path / "page.html")) == []


def test_axe_would_find_a_button_without_a_name(make_run: Callable[..., Path]) -> None:
    page = save_page(make_run())
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", "<button></button></body>"), "utf-8")
    assert [line.partition(":")[0] for line in wrong_by_axe(page)] == ["button-name"]
