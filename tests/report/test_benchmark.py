"""A benchmark's tables, files and figures."""

from __future__ import annotations

import copy
import csv
import io
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from symloss.benchmark import BenchmarkConfig, Published, PublishedScore, Sweep, combine, contenders_of, run
from symloss.errors import SymlossError
from symloss.report import benchmark_csv, benchmark_latex, benchmark_tables, check_figures, save_benchmark_figures
from symloss.report.benchmark import ranking_text
from symloss.report.benchmark_files import COLUMNS, escaped

LONG = "exp(-y_pred*(1 + y_true)) + 0.25*(y_true - y_pred)**2"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a finished benchmark with a sweep, published numbers, two metrics and four tasks."""
    names = [{}, {"name": "a_b & 50%", "label_noise": 0.4}, {"imbalance": 0.5}, {"train_size": 200}]
    published = Published("Somebody 2024", {("digits", "mlp", "", "accuracy"): {"ce": PublishedScore(0.961, 0.003)}})
    config = BenchmarkConfig(
        "x",
        contenders_of(["ce", "ngl", "bce", LONG]),
        tuple(combine(["digits"], ["mlp"], names, settings={"steps": 15}, metrics=["accuracy", "ece"])),
        seeds=3,
        sweep=Sweep((1e-3, 1e-2), 1),
        published=published,
    )
    return run(config, run_dir=tmp_path_factory.mktemp("run"), device="cpu")


def shown(data: dict[str, Any], width: int = 80) -> str:
    target = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    for part in benchmark_tables(data):
        target.print(part)
    assert isinstance(target.file, io.StringIO)
    return target.file.getvalue()


def test_tables_fit_80_columns_and_cut_no_number(result: Any) -> None:
    data = result.to_json()
    text = shown(data)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for row in data["results"]:
        low, high = (100 * value for value in row["test"]["ci95"])
        assert f"{100 * row['test']['mean']:.2f} [{low:.2f}, {high:.2f}]" in text
        if row["gain"]:
            assert f"{100 * row['gain']['mean']:+.2f}" in text
    assert "digits, mlp, a_b & 50%: accuracy over 3 seeds" in text
    assert "96.1 ± 0.3" in text
    assert "published: Somebody 2024" in text
    summary = data["summary"]
    assert f"critical difference of mean ranks at 5 %: {summary['nemenyi']['cd']:.2f}" in " ".join(text.split())
    for row in summary["losses"]:
        assert f"{row['mean_rank']:.2f}" in text
    assert "of 0.001, 0.01, the best for each loss by validation over 1 other seed, the same" in " ".join(text.split())


def test_epochs_and_diverged_seeds_are_said(result: Any) -> None:
    data = copy.deepcopy(result.to_json())
    for row in data["results"]:
        row["epochs"] = {name: {"validation": row["test"], "test": row["test"]} for name in ("best", "last")}
        row["diverged"] = 2 * (row["loss"] == "ngl")
    text = shown(data)
    assert "accuracy over 3 seeds, best epoch" in text
    assert "test % [95 %] at the best epoch by validation, and at the last" in text
    assert "diverged, seeds: ngl (2)" in text


def test_nll_is_no_percentage_and_less_is_better(result: Any) -> None:
    data = copy.deepcopy(result.to_json())
    for row in data["results"]:
        row["metric"] = "nll"
        row["metrics"] = {"nll": {"validation": row["test"], "test": row["test"]}}
    text = shown(data)
    assert "nll, test [95 %]" in text
    assert not re.search(rf"│ *{100 * data['results'][0]['test']['mean']:.2f} ", text)
    assert f"{data['results'][0]['test']['mean']:.2f} [" in text
    assert "nll over 3 seeds; less is better" in text
    gain = data["results"][1]["gain"]["mean"]
    assert f"{gain:+.2f}" in text
    assert not any(f"{100 * row['gain']['mean']:+.2f}│" in text for row in data["results"][1:4])
    flat = " ".join(text.split())
    assert "score to ce, of nll in its own unit; p:" in flat


def test_a_summary_without_one_unit_has_ranks_alone(result: Any) -> None:
    data = copy.deepcopy(result.to_json())
    data["summary"]["metric"] = None
    for row in data["summary"]["losses"]:
        row["difference"] = row["band"] = None
    for row in data["results"]:
        row["band"] = None
    text, latex = shown(data), benchmark_latex(data)
    assert "Over 4 tasks: mean rank" in text
    assert "Over 4 tasks: mean rank" in latex
    assert balanced(latex)
    for rest in (text.partition("Over 4 tasks")[2], latex.partition("Over 4 tasks")[2]):
        assert "ifference to" not in rest.partition("Same seeds")[0]
        assert "baseline" not in rest
        for row in data["summary"]["losses"]:
            assert f"{row['mean_rank']:.2f}" in rest
    assert "better, worse" not in latex
    assert "+ better" not in text


def test_a_turned_sign_is_said(result: Any) -> None:
    data = copy.deepcopy(result.to_json())
    assert "more is better" not in shown(data) + benchmark_latex(data)
    data["summary"]["metric"] = "ece"
    for text in (shown(data), benchmark_latex(data)):
        assert "mean difference to ce in points of ece, more is better" in " ".join(text.split())


def test_an_infinite_f_is_left_out(result: Any) -> None:
    summary = copy.deepcopy(result.to_json()["summary"])
    summary["friedman"] |= {"f": 2.5, "f_p": 0.125}
    assert "Iman-Davenport F 2.5, p 0.125. Nemenyi" in ranking_text(summary)
    summary["friedman"] |= {"f": None, "f_p": None}
    assert "Iman" not in ranking_text(summary)
    assert f"p {summary['friedman']['p']:.3g}. Nemenyi" in ranking_text(summary)


def test_the_csv_has_every_number_once(result: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(benchmark_csv(result))))
    assert tuple(rows[0]) == COLUMNS
    keys = [tuple(row[key] for key in ("task", "stage", "loss", "seed", "lr", "part", "metric")) for row in rows]
    assert len(set(keys)) == len(keys)
    # 4 tasks, 4 losses, 2 metrics: 3 seeds with both parts, and 2 rates with the validation part.
    assert len(rows) == 4 * 4 * 2 * (3 * 2 + 2)
    for task in result.tasks:
        for row in task.rows:
            mine = [
                float(line["value"])
                for line in rows
                if (line["task"], line["loss"], line["stage"]) == (task.experiment.title, row.contender.name, "final")
                and (line["part"], line["metric"]) == ("test", "accuracy")
            ]
            assert tuple(mine) == row.test.scores
    assert not [row for row in rows if row["stage"] == "sweep" and row["part"] == "test"]


def balanced(latex: str) -> bool:
    depth = 0
    for character in re.sub(r"\\[{}\\]", "", latex):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0


def test_the_latex_has_the_form_of_tables(result: Any) -> None:
    data = result.to_json()
    latex = benchmark_latex(data)
    assert balanced(latex)
    assert len(re.findall(r"(?<!\\)\$", latex)) % 2 == 0
    for kind in ("table", "tabular"):
        assert latex.count(rf"\begin{{{kind}}}") == latex.count(rf"\end{{{kind}}}") == 3  # 3 + 1 tasks, and the summary
    for rule in ("toprule", "midrule", "bottomrule"):
        assert latex.count(rf"\{rule}") == 3
    for body in re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", latex, re.DOTALL):
        lines = [line for line in body[1].splitlines() if line.endswith(r"\\")]
        assert len(lines) == 1 + 4
        for line in lines:
            assert len(re.findall(r"(?<!\\)&", line)) == len(body[0]) - 1, line
    for row in data["results"]:
        assert f"{100 * row['test']['mean']:.2f}" in latex
        assert row["latex"] in latex
    assert r"a\_b \& 50\%" in latex
    assert "bce is a loss on a sigmoid output" in latex
    assert r"$96.10 \pm 0.30$" in latex
    best = max(result.tasks[0].rows, key=lambda row: row.test.mean)
    assert rf"\mathbf{{{100 * best.test.mean:.2f}}}" in latex


def test_the_best_are_bold_whatever_the_order_of_their_seeds(result: Any) -> None:
    data = copy.deepcopy(result.to_json())
    data["results"], data["summary"] = data["results"][:4], None
    for row, mean in zip(data["results"], [0.2, 0.3, 0.1 + 0.2, 0.1], strict=True):
        row["test"]["mean"] = mean
    assert benchmark_latex(data).count(r"\mathbf{30.00}") == 2


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_the_latex_compiles(result: Any, tmp_path: Path) -> None:
    (tmp_path / "tables.tex").write_text(benchmark_latex(result.to_json()))
    document = r"\documentclass{article}\usepackage{booktabs,amsmath}\begin{document}\input{tables}\end{document}"
    (tmp_path / "d.tex").write_text(document)
    subprocess.run(["pdflatex", "-halt-on-error", "d.tex"], cwd=tmp_path, check=True, capture_output=True)


def test_text_is_escaped() -> None:
    assert escaped(r"a_b^2 {50%} \x~#&$") == (
        r"a\_b\textasciicircum{}2 \{50\%\} \textbackslash{}x\textasciitilde{}\#\&\$"
    )


def words(path: Path) -> str:
    """Return what an SVG was drawn with, as its comments have it."""
    text = path.read_text()
    ElementTree.fromstring(text)
    return " ".join(re.findall(r"<!-- (.*?) -->", text))


def test_figures(result: Any, tmp_path: Path) -> None:
    data = result.to_json()
    files = save_benchmark_figures(data, tmp_path / "new")
    assert [file.name for file in files] == [
        "digits-mlp.svg",
        "digits-mlp-a-b-50.svg",
        "digits-mlp-imbalance-0.5.svg",
        "digits-mlp-train-size-200.svg",
        "critical-difference.svg",
    ]
    drawn = words(files[-1])
    for row in data["summary"]["losses"]:
        assert f"({row['mean_rank']:.2f})" in drawn
    assert f"critical difference {data['summary']['nemenyi']['cd']:.2f}" in drawn
    assert "ngl" in words(files[0])
    assert "a_b &amp; 50%" in words(files[1]) or "a_b & 50%" in words(files[1])
    before = [file.read_bytes() for file in files]
    assert [file.read_bytes() for file in save_benchmark_figures(data, tmp_path / "new")] == before


def test_every_task_has_a_figure_of_its_own(result: Any, tmp_path: Path) -> None:
    rows = result.to_json()["results"][:2]
    titles = ["a/b", "a b", "A b", "critical-difference", "long" * 100, "long" * 101, "ю", "c"]
    data = {"results": [row | {"task": title} for title in titles for row in rows], "summary": None}
    files = save_benchmark_figures(data, tmp_path)
    assert len({str(file).lower() for file in files}) == len(titles)
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert files[-1].name == "c.svg"
    assert "critical-difference.svg" not in [file.name for file in files]
    assert [file.name[:4] for file in files[4:6]] == ["long", "long"]


def test_one_task_has_no_diagram(result: Any, tmp_path: Path) -> None:
    data = result.to_json()
    alone = data | {"results": data["results"][:4], "summary": None}
    assert [file.name for file in save_benchmark_figures(alone, tmp_path)] == ["digits-mlp.svg"]


def test_figures_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SymlossError, match="it is a file"):
        check_figures(tmp_path / "file")
    monkeypatch.setattr("symloss.report.benchmark_figures.find_spec", lambda _: None)
    with pytest.raises(SymlossError, match=r"symloss\[plot\]"):
        check_figures(tmp_path)
