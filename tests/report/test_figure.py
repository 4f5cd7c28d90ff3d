"""The curves as a picture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from symloss.errors import SymlossError
from symloss.formula import Formula, parse_formula
from symloss.losses import CATALOGUE
from symloss.report.figure import check_figure, save_figure

NGL = CATALOGUE["ngl"].plain_formula


def test_the_same_loss_gives_the_same_file(tmp_path: Path) -> None:
    for kind in ("png", "svg"):
        for name in ("a", "b"):
            save_figure(NGL, tmp_path / f"{name}.{kind}")
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_both_curves_of_both_plots_are_drawn(tmp_path: Path) -> None:
    save_figure(NGL, tmp_path / "a.svg")
    text = (tmp_path / "a.svg").read_text()
    for colour in ("#0072b2", "#d55e00"):
        # Each curve, and its line in the legend, of two plots.
        assert text.count(f"stroke: {colour}") == 4


@pytest.mark.parametrize(
    "formula",
    [
        *(loss.plain_formula for loss in CATALOGUE.values() if loss.plain),
        parse_formula("y_true/(y_pred - 0.5)"),
        parse_formula("log(y_pred - 2)*y_true"),
        parse_formula("exp(exp(9*y_pred))*y_true"),
        parse_formula("y_true"),
        parse_formula(" + ".join(f"sin({k}*y_pred)*exp(y_true*{k}*y_pred)" for k in range(2, 70))),
    ],
)
def test_every_loss_can_be_drawn(tmp_path: Path, formula: Formula) -> None:
    save_figure(formula, tmp_path / "a.png")  # warnings are errors
    assert (tmp_path / "a.png").stat().st_size > 10_000


@pytest.mark.parametrize("name", ["a.pdf", "a", "a.png.txt", ".png"])
def test_other_endings_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SymlossError, match=r"\.png or \.svg"):
        check_figure(tmp_path / name)


def test_no_state_of_pyplot_is_touched(tmp_path: Path) -> None:
    """In a process of its own: torchmetrics, which other tests use, imports pyplot."""
    code = f"""
import sys
from pathlib import Path
from symloss.formula import parse_formula
from symloss.report import save_figure
save_figure(parse_formula("-y_true*log(y_pred)"), Path({str(tmp_path / "a.png")!r}))
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
