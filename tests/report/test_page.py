"""The page of a run, read as a browser reads it."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import re
import sqlite3
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from symloss import Loss
from symloss.errors import SymlossError
from symloss.formula import parse_formula
from symloss.losses import CATALOGUE
from symloss.report import save_page
from symloss.report.page.facts import class_count
from symloss.report.page.figures import true_class_gradient
from symloss.report.page.lineage import lineage
from symloss.report.page.words import answer
from symloss.store import read_history
from symloss.symbolic import scale_to_cross_entropy

MakeRun = Callable[..., Path]
VOID = {"meta", "link", "img", "br", "input", "base"}
SECTIONS = ["question", "answer", "hall-of-fame", "seeds", "search", "curves", "properties", "lineage", "repeat"]
EVIL = '</script><script>alert(1)</script><img src=x onerror=alert(1)>"\' onload="alert(1)'


class Page(HTMLParser):
    """What a page's elements are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in self.open:
            self.texts[tag][-1] += data

    def having(self, name: str) -> list[str]:
        return [str(attributes[name]) for _, attributes in self.elements if name in attributes]

    def tags(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.elements if found == tag]


def parsed(path: Path) -> tuple[str, Page]:
    text = save_page(path).read_text(encoding="utf-8")
    return text, Page(text)


def test_the_page_has_every_section_and_asks_nothing_of_a_network(make_run: MakeRun) -> None:
    text, page = parsed(make_run())
    assert [attributes["id"] for attributes in page.tags("section")] == SECTIONS
    assert not page.having("src")
    assert not page.tags("link")
    assert all(target.startswith("#") for target in page.having("href"))
    targets = [target[1:] for target in page.having("href")]
    assert targets
    assert set(targets) <= set(page.having("id"))
    assert set(re.findall(r"https?://[^\"'< ]*", text)) == {"http://www.w3.org/1998/Math/MathML"}
    assert not re.search(r"url\(|@import", page.texts["style"][0])
    headings = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(headings))
    assert headings.count(1) == 1
    assert len(set(page.having("id"))) == len(page.having("id"))
    assert "not recorded" not in page.texts["main"][0]


def test_figures_are_described_and_their_points_can_be_reached(make_run: MakeRun) -> None:
    _, page = parsed(make_run())
    images = [one for one in page.tags("svg") if one["role"] == "img"]
    assert len(images) == len(page.tags("figure")) == 7
    assert all(one["aria-label"] for one in page.tags("svg"))
    marks = [one for one in page.tags("g") if "tabindex" in one]
    assert len(marks) >= 3 + 5 + 6
    assert all(one["role"] == "img" and one["aria-label"] for one in marks)
    numbers = [float(n) for one in page.tags("path") for n in re.findall(r"-?\d+(?:\.\d+)?", str(one["d"]))]
    assert all(-1 <= number <= 900 for number in numbers)


def test_the_policy_names_the_script_and_the_style_that_are_there(make_run: MakeRun) -> None:
    _, page = parsed(make_run())
    policy = next(str(one["content"]) for one in page.tags("meta") if "http-equiv" in one)
    for kind, content in (("style", page.texts["style"][0]), ("script", page.texts["script"][1])):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not page.having("style")
    assert len(page.tags("style")) == 1


def test_formulas_are_well_formed_and_all_notations_can_be_copied(make_run: MakeRun) -> None:
    path = make_run()
    text, page = parsed(path)
    shown = ["".join(ElementTree.fromstring(one).itertext()) for one in re.findall(r"<math.*?</math>", text)]
    assert len(shown) == 6  # the first twice
    assert shown[0] == "e−p\u2062(1+y)"
    rows = json.loads((path / "hall_of_fame.json").read_text())["hall_of_fame"]
    for one in rows:
        assert {one["latex"], one["expression"]} <= set(page.having("data-copy"))
    sources = json.loads(page.texts["script"][0])
    assert set(page.having("data-module")) == set(sources["texts"]) == {"1", "2", "3"}
    for rank, lines in sources["texts"].items():
        source = "\n".join(sources["lines"][line] for line in lines)
        file = path / f"exported{rank}.py"
        file.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None
        assert spec.loader is not None
        exported = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(exported)
        module = getattr(exported, f"ARun{rank}Loss")
        logits, target = torch.randn(5, 10), torch.randint(10, (5,))
        torch.testing.assert_close(module()(logits, target), Loss(rows[int(rank) - 1]["expression"])(logits, target))


def test_no_text_of_a_run_becomes_markup(make_run: MakeRun) -> None:
    def change(result: dict[str, Any]) -> None:
        result["config"]["tasks"][0]["dataset"] = EVIL
        result["config"]["grammar"]["name"] = EVIL
        result["config"]["versions"]["python"] = EVIL
        result["config"]["device"] = EVIL
        result["hall_of_fame"][1] |= {"expression": EVIL, "latex": EVIL, "loss": EVIL}
        result["baselines"][1] |= {"note": EVIL, "certificate": None}

    clean = Page(save_page(make_run("clean")).read_text(encoding="utf-8"))
    path = make_run("<script>alert(1)<b onload='x'>", change)
    database = sqlite3.connect(path / "run.sqlite")
    database.execute("UPDATE candidates SET expression = ?, origin = ?", (EVIL, EVIL))
    database.commit()
    database.close()
    text, page = parsed(path)
    assert len(page.tags("script")) == 2
    assert not page.tags("img")
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in clean.elements}
    assert EVIL in page.texts["main"][0]
    assert "</script><script>alert" not in text
    assert page.texts["h1"] == [path.name]


def test_what_a_run_did_not_record_is_said(make_run: MakeRun) -> None:
    def change(result: dict[str, Any]) -> None:
        for key in ("hardware", "versions", "device"):
            del result["config"][key]
        for one in (*result["hall_of_fame"], *result["baselines"]):
            del one["certificate"], one["scale"]

    path = make_run(change=change)
    (path / "run.sqlite").unlink()
    with pytest.raises(SymlossError, match="damaged or of another version"):  # an export says the scale
        save_page(path)
    path = make_run("other", lambda result: result["config"].pop("hardware"))
    (path / "run.sqlite").unlink()
    _, page = parsed(path)
    assert page.texts["main"][0].count("not recorded") == 4  # front, progress, lineage, hardware


def test_a_run_without_a_loss_has_a_page(make_run: MakeRun) -> None:
    _, page = parsed(make_run(change=lambda result: result["hall_of_fame"].clear()))
    assert "No loss passed every screen" in page.texts["section"][1]
    assert [attributes["id"] for attributes in page.tags("section")] == SECTIONS


def test_a_run_that_has_not_ended_or_is_damaged_is_refused(make_run: MakeRun) -> None:
    path = make_run()
    (path / "run.sqlite").write_bytes(b"no database at all, but long enough to be taken for one" * 9)
    with pytest.raises(SymlossError, match="file is not a database"):
        save_page(path)
    (path / "hall_of_fame.json").write_text("[]")
    with pytest.raises(SymlossError, match="damaged"):
        save_page(path)
    (path / "hall_of_fame.json").unlink()
    with pytest.raises(SymlossError, match="has not ended"):
        save_page(path)


def result_with(mean: float, p: float | None, others: float = 0.5, metric: str = "accuracy") -> dict[str, Any]:
    def one(name: str, gain: float | None, p: float | None) -> dict[str, Any]:
        score = {"mean": 0.9, "n": 5, "ci95": [0.89, 0.91]}
        return {"loss": name, "test": score, "gain": None if gain is None else {"mean": gain, "p_holm": p}}

    return {
        "config": {"tasks": [{"metrics": [metric]}]},
        "hall_of_fame": [one("#1", mean, p), one("#2", abs(mean), others)],
        "control": [],
        "baselines": [one("ce", None, None), one("ngl", 0.0, 0.9)],
    }


@pytest.mark.parametrize(
    ("mean", "p", "others", "metric", "verdict"),
    [
        (0.01, 0.001, 0.9, "accuracy", "better"),
        (0.01, 0.051, 0.9, "accuracy", "noise"),
        (-0.01, 0.001, 0.9, "accuracy", "worse"),
        (-0.01, 0.3, 0.01, "accuracy", "other"),
        (-0.01, 0.001, 0.9, "ece", "better"),
        (0.01, 0.001, 0.9, "ece", "worse"),
        (0.01, None, 0.9, "accuracy", "unknown"),
    ],
)
def test_the_answer_follows_the_corrected_test(
    mean: float, p: float | None, others: float, metric: str, verdict: str
) -> None:
    found = answer(result_with(mean, p, others, metric))
    assert found.verdict == verdict
    assert f"{100 * mean:+.2f} points" in found.text
    assert ("Holm-corrected for 3 comparisons" in found.text) == (p is not None)


@pytest.mark.parametrize("name", ["ce", "ngl", "mae"])
def test_the_gradient_is_autograds(name: str) -> None:
    formula, classes = CATALOGUE[name].plain_formula, 7
    loss = Loss(formula)
    for p in (0.02, 1 / 7, 0.6, 0.97):
        rest = (1 - p) / (classes - 1)
        logits = torch.tensor([[p] + [rest] * (classes - 1)], dtype=torch.float64).log().requires_grad_()
        loss(logits, torch.tensor([0])).backward()
        assert logits.grad is not None
        expected = logits.grad[0, 0].item()
        assert true_class_gradient(formula, classes, np.array([p]))[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_the_number_of_classes_follows_from_the_scales(classes: int) -> None:
    texts = ("-y_true*log(y_pred)", "exp(-y_pred*(1 + y_true))")
    rows = [{"expression": text, "scale": scale_to_cross_entropy(parse_formula(text), classes)} for text in texts]
    assert class_count(rows) == classes
    assert class_count(rows[:1]) is None  # cross-entropy's is 1 for any number


def test_the_lineage_has_every_ancestor_once_and_no_one_else(make_run: MakeRun) -> None:
    path = make_run()
    history = read_history(path / "run.sqlite")
    assert history is not None
    found = lineage(history, f"{6:016x}")
    assert [int(one.trained.id, 16) for one in found] == [6, 5, 4, 3, 2, 1]
    assert [int(one.trained.id, 16) for one in lineage(history, f"{5:016x}")] == [5, 3]
    assert lineage(history, "unknown") == []
    assert [one.rung for one in found] == [4, 4, 4, 2, 1, 1]
    database = sqlite3.connect(path / "run.sqlite")  # damaged: a loss that comes from itself
    database.execute("UPDATE candidates SET parents = ?", (json.dumps([f"{6:016x}"]),))
    database.commit()
    database.close()
    history = read_history(path / "run.sqlite")
    assert history is not None
    assert len(lineage(history, f"{6:016x}")) == 1


def test_a_control_stands_beside_what_was_found(make_run: MakeRun) -> None:
    def change(result: dict[str, Any]) -> None:
        result["control"] = [result["hall_of_fame"][2] | {"loss": "random #1", "rank": 1}]
        result["control_counts"] = {"drawn": 1234, "trained": 77, "duplicates": 0, "rejected": {}}

    _, page = parsed(make_run(change=change))
    assert "random #1" in page.texts["table"][0]
    assert "The random control drew 1,234 and trained 77." in page.texts["main"][0]
    assert "for 5 comparisons" in page.texts["main"][0]


def test_each_of_several_tasks_has_its_answer_and_scores(make_run: MakeRun) -> None:
    def change(result: dict[str, Any]) -> None:
        first = result["config"]["tasks"][0] | {"metrics": ["accuracy", "ece"]}
        result["config"]["tasks"] = [first, first | {"dataset": "other-data", "label_noise": 0.4}]
        for row in (*result["hall_of_fame"], *result["baselines"]):
            row["metrics"] = {"ece": {"validation": row["validation"], "test": row["test"] | {"mean": 0.0123}}}
            here = {key: row[key] for key in ("scale", "validation", "test", "gain", "metrics")}
            there = dict(here)
            if row["gain"]:
                there["gain"] = row["gain"] | {"p_holm": 0.7}
            row["tasks"] = [here, there]

    _, page = parsed(make_run(change=change))
    answers = page.texts["section"][1]
    assert "Better than ce" in answers
    assert "Nothing that was found is better than noise" in answers
    assert "40 % of the training labels wrong (symmetric)" in page.texts["section"][0]
    assert "1.23 [" in page.texts["table"][0]
    assert len(page.tags("figure")) == 8


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb`` (WCAG 2.1)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_and_marks_stand_out_in_light_dark_and_print(make_run: MakeRun) -> None:
    _, page = parsed(make_run())
    schemes = re.findall(r":root \{(.*?)\}", page.texts["style"][0], re.DOTALL)
    assert len(schemes) == 3
    for scheme in schemes:
        light = {name: luminance(colour) for name, colour in re.findall(r"--(\w+): (#\w{6})", scheme)}
        for ground in ("paper", "box"):
            texts = [(name, 4.5) for name in ("ink", "quiet", "link", "good", "bad")]
            for name, least in (*texts, ("found", 3), ("second", 3), ("plain", 3)):
                low, high = sorted((light[name], light[ground]))
                assert (high + 0.05) / (low + 0.05) >= least, (name, ground)
