"""The curves in a terminal."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from rich.console import Console

from symloss.formula import parse_formula
from symloss.report.curves import draw_curves, plots_of


def drawn(text: str, width: int = 80, fine: bool = False, **options: bool) -> str:
    colour = "256" if fine else None
    console = Console(file=io.StringIO(), width=width, force_terminal=fine, color_system=colour, **options)  # type: ignore[arg-type]
    for part in draw_curves(parse_formula(text), console):
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_curves_are_the_loss_and_its_response() -> None:
    loss, response = plots_of(parse_formula("-y_true*log(y_pred) + y_pred**2"))
    p = loss.p
    np.testing.assert_allclose(loss.curves, [p**2, p**2 - np.log(p)])
    np.testing.assert_allclose(response.curves, [2 * p**2, 2 * p**2 - 1], rtol=1e-12)
    assert (loss.low, loss.high) == (p[0] ** 2, p[0] ** 2 - np.log(p[0]))


def test_both_curves_stand_where_they_should() -> None:
    # Two constants and a common slope: the response is p for each, the loss 0 to 1 above and 2 to 3.
    lines = [line for line in drawn("y_pred + 2*y_true").splitlines() if "|" in line]
    loss, response = (["".join(line.split("|")[1]) for line in part] for part in (lines[:9], lines[9:]))
    assert {c for row in loss[:3] for c in row} == {"1", " "}
    assert {c for row in loss[6:] for c in row} == {"0", " "}
    assert all(c in "* " for row in response for c in row)
    assert response[0].rstrip().endswith("*")
    assert response[-1].startswith("*")


@pytest.mark.parametrize("fine", [False, True])
def test_a_curve_at_the_edge_of_the_range_is_drawn(fine: bool) -> None:
    # Cross-entropy's responses are the constants 0 and -1: the top and the bottom row.
    text = re.sub(r"\x1b\[[\d;]*m", "", drawn("-y_true*log(y_pred)", fine=fine))
    rows = [line for line in text.splitlines() if ("│" if fine else "|") in line][9:]
    for row, value in ((rows[0], "0"), (rows[-1], "-1")):
        label, drawing = re.split(r"[│|]", row)
        assert label.strip() == value
        assert " " not in drawing


def test_a_colour_terminal_gets_fine_lines_in_two_colours() -> None:
    text = drawn("-y_true*log(y_pred) + y_pred**2", fine=True)
    assert "\x1b[38;5;33m" in text
    assert "\x1b[38;5;208m" in text
    assert any(0x2800 < ord(character) <= 0x28FF for character in text)
    assert "\N{BRAILLE PATTERN BLANK}" not in text


def test_without_colour_there_is_plain_text() -> None:
    for text in (drawn("-y_true*log(y_pred)"), drawn("-y_true*log(y_pred)", fine=True, no_color=True)):
        assert not any(0x2800 <= ord(character) <= 0x28FF for character in text)
        assert "38;5" not in text
        assert "1 L(p, 1)" in text
        assert "0 r0" in text


@pytest.mark.parametrize("width", [20, 40, 79, 80, 200])
def test_no_line_is_wider_than_80_columns_or_the_console(width: int) -> None:
    for text in ("-y_true*log(y_pred)", "y_true/(y_pred - 0.5)*1e-7", "-1e30*y_true*y_pred"):
        lines = drawn(text, width).splitlines()
        assert max(map(len, lines)) <= min(width, 80)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("-y_true*log(y_pred)", False),
        ("y_true/y_pred", True),
        ("y_true/(y_pred - 0.5)", True),
        ("exp(800*y_pred)*y_true", True),
        ("y_true*y_pred*1e30*1e30", False),
        ("(2*y_true - 1)*exp(709.5)", False),  # the difference overflows
    ],
)
def test_infinities_and_poles_do_not_flatten_the_rest(text: str, cut: bool) -> None:
    loss, _ = plots_of(parse_formula(text))
    assert loss.cut == cut
    assert np.isfinite([loss.low, loss.high]).all()
    assert loss.low < loss.high
    drawn(text)


@pytest.mark.parametrize("text", ["y_true", "5.0*y_true/y_true", "0*y_pred*y_true"])
def test_constants_have_a_range(text: str) -> None:
    for plot in plots_of(parse_formula(text)):
        assert plot.low < plot.high
    drawn(text)


def test_a_loss_without_values_says_so() -> None:
    assert drawn("log(y_pred - 2)*y_true + log(y_pred - 3)").count("no finite value") == 2
