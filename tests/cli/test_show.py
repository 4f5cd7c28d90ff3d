"""`symloss show`: a whole run, its JSON, its curves and its figure."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symloss.formula import parse_formula
from symloss.losses import CATALOGUE
from symloss.symbolic import loss_id, response_curves

Run = Callable[..., Any]


def shown(symloss: Run, *arguments: object) -> dict[str, Any]:
    done = symloss("show", *arguments, "--json", "-")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert isinstance(result, dict)
    return result


def test_the_json_says_what_the_design_promises(symloss: Run) -> None:
    facts = shown(symloss, "ngl")
    assert {"id", "expression", "latex", "canonical", "size", "certificate", "properties"} <= set(facts)
    assert facts["size"] == 13
    assert set(facts["certificate"]) == {"r0", "r1"}
    p = np.linspace(1e-6, 1 - 1e-6, 10001)
    for found, curve in zip(
        (facts["certificate"]["r0"], facts["certificate"]["r1"]),
        response_curves(CATALOGUE["ngl"].plain_formula, p),
        strict=True,
    ):
        assert set(found) == {"status", "bound", "witness", "left"}
        assert found["status"] == "proven"
        assert np.abs(curve).max() <= found["bound"] <= 1.1 * np.abs(curve).max()
    assert facts["properties"]
    for found in facts["properties"].values():
        assert {"value", "exact", "note"} <= set(found)
        assert isinstance(found["exact"], bool)
        assert isinstance(found["value"], int | float | list) or found["value"] in ("yes", "no", "unknown", "unbounded")


@pytest.mark.parametrize("name", [name for name, loss in CATALOGUE.items() if not loss.plain])
def test_a_loss_that_is_more_than_a_formula(symloss: Run, name: str) -> None:
    loss = CATALOGUE[name]
    done = symloss("show", name, "--json", "f.json")
    assert done.code == 0, done.err
    facts = json.loads(Path("f.json").read_text())
    assert set(facts) == set(shown(symloss, "ce"))
    assert (facts["expression"], facts["latex"], facts["id"]) == (loss.text, loss.latex, loss.id)
    assert facts["output"] == loss.output
    for derived in ("canonical", "simplest", "certificate", "properties", "gradient"):
        assert facts[derived] is None
    text = " ".join(done.out.split())
    for expected in (loss.text, loss.when, loss.paper.title, f"{name} {loss.beyond}."):
        assert " ".join(expected.split()) in text
    assert "L(p, 1)" not in text.replace(loss.text, "")
    assert "proven" not in text


def test_parameters_are_shown_and_change_the_loss(symloss: Run) -> None:
    done = symloss("show", "gce(q=0.5)", "--json", "f.json")
    facts = json.loads(Path("f.json").read_text())
    assert facts["expression"] == "y_true*(1 - y_pred**0.5)/0.5"
    assert facts["parameters"]["q"]["value"] == 0.5
    assert facts["parameters"]["q"]["high"] == 1.0
    text = " ".join(done.out.split())
    assert "q = 0.5, from 0.001 to 1: towards 0 it is ce" in text
    assert CATALOGUE["gce"].when in text
    assert "gce(q=0.5)" in text
    assert "proven" in text
    assert facts["note"] is None


def test_the_forms_are_the_same_loss(symloss: Run) -> None:
    for loss in ("ce", "focal", "-2*y_true*log(y_pred) + y_pred"):
        facts = shown(symloss, loss)
        for form in ("expression", "canonical", "simplest"):
            assert loss_id(parse_formula(facts[form])) == facts["id"]


def test_equal_losses_have_one_id_and_one_canonical_form(symloss: Run) -> None:
    ce, same = shown(symloss, "ce"), shown(symloss, "-3*y_true*log(y_pred) + 2*y_pred + 1")
    assert ce["id"] == same["id"]
    assert ce["canonical"] == same["canonical"]
    assert same["simplest"] == ce["expression"]


def test_an_unbounded_gradient_is_refuted_with_a_witness(symloss: Run) -> None:
    done = symloss("show", "y_true/y_pred", "--json", "f.json")
    assert "refuted" in done.out
    found = json.loads(Path("f.json").read_text())["certificate"]["r1"]
    assert found["status"] == "refuted"
    assert set(found["witness"]) == {"p", "value", "reason"}
    assert found["witness"]["reason"] in " ".join(done.out.split())


def test_the_json_has_no_infinity(symloss: Run) -> None:
    done = symloss("show", "y_true/(y_pred - 0.5)", "--json", "-")

    def refuse(text: str) -> None:
        raise AssertionError(text)

    facts = json.loads(done.out, parse_constant=refuse)
    assert facts["gradient"]["uniform p, C = 2"]["r1"] is None


def test_the_number_of_classes_adds_its_uniform_p(symloss: Run) -> None:
    facts = shown(symloss, "ce", "--classes", 37)
    assert facts["classes"] == 37
    assert math.isclose(facts["gradient"]["uniform p, C = 37"]["p"], 1 / 37)


def test_the_terminal_shows_everything_in_80_columns(symloss: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = symloss("show", "ngl", "--json", "f.json")
    facts = json.loads(Path("f.json").read_text())
    text = " ".join(done.out.split())
    for expected in (facts["expression"], facts["id"], "proven: at most 4.38675", *facts["properties"]):
        assert expected in text
    for legend in ("1 L(p, 1)", "0 L(p, 0)", "1 r1", "0 r0"):
        assert legend in text
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize("variable", ["NO_COLOR", None])
def test_no_escape_codes_without_colour_or_terminal(
    symloss: Run, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    if variable:
        monkeypatch.setenv(variable, "1")
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        monkeypatch.setenv("TERM", "xterm-256color")
    out = symloss("show", "ngl").out
    assert "\x1b" not in out
    drawing = out[out.index("loss L(p, y)") :]
    assert drawing.isascii()


@pytest.mark.parametrize("name", ["curves.png", "curves.svg", "CURVES.PNG"])
def test_the_figure_is_a_picture(symloss: Run, name: str) -> None:
    done = symloss("show", "ngl", "-o", name)
    assert done.code == 0, done.err
    assert name in done.out
    data = Path(name).read_bytes()
    if name.endswith("svg"):
        root = ElementTree.fromstring(data)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
    else:
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
        assert width > 1000
        assert height > 500
    assert len(data) > 10_000
    assert [file.name for file in Path().iterdir()] == [name]


def test_figures_without_matplotlib_name_the_extra(symloss: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symloss.report.figure.find_spec", lambda name: None)
    done = symloss("show", "ngl", "-o", "x.png")
    assert done.code == 2
    assert "pip install 'symloss[plot]'" in done.err
    assert done.out == ""
    assert symloss("show", "ngl").code == 0
