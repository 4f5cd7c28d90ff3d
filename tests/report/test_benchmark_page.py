"""The page of a benchmark: what it says, and that it repeats what it shows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from symloss.benchmark import BenchmarkConfig, Published, PublishedScore, Sweep, combine, contenders_of, load_config
from symloss.errors import SymlossError
from symloss.report import save_benchmark_page, save_page
from symloss.report.benchmark import tasks_of
from symloss.report.page import benchmark_page
from symloss.report.page.benchmark_repeat import config_text
from symloss.report.page.benchmark_words import answer, question

Make = Callable[..., dict[str, Any]]
LONG = "exp(-y_pred*(1 + y_true)) + 0.25*(y_true - y_pred)**2"
EVIL = '</script><script>alert(1)</script><img src=x onerror=alert(1)>"\' onload="alert(1)'


class Reader(HTMLParser):
    """A page's elements, each closed where it should be, and the text of each cell of a table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    def ids(self, tag: str) -> list[str | None]:
        return [attributes.get("id") for found, attributes in self.elements if found == tag]


def said(data: dict[str, Any]) -> tuple[str, str]:
    found = answer(data, tasks_of(data))
    return found.verdict, found.text


def test_the_page_is_whole_and_asks_nothing_of_a_network(make_benchmark: Make) -> None:
    data = make_benchmark({"ce": [0.96] * 4, "ngl": [0.97] * 4, "bce": [0.95] * 4, LONG: [0.96] * 4})
    text = benchmark_page(data)
    page = Reader(text)
    sections = ["question", "answer", "scores", "ranks", "sweep", "losses", "repeat"]
    assert page.ids("section") == sections
    assert not [one for one in page.elements if {"src", "href", "style"} & set(one[1])]
    assert set(re.findall(r"https?://[^\"'< ]*", text)) == {"http://www.w3.org/1998/Math/MathML"}
    drawn = [one for tag, one in page.elements if tag == "svg" and one["role"] == "img"]
    assert len(drawn) == 5
    assert all(one["aria-label"] for one in drawn)
    assert text.count("<math") == 4 * 4 + 4


def test_the_tables_have_the_results_numbers(make_benchmark: Make) -> None:
    published = Published("Somebody 2024", {("digits", "mlp", "", "accuracy"): {"ce": PublishedScore(0.961, 0.003)}})
    data = make_benchmark({"ce": [0.96] * 2, "ngl": [0.97] * 2, "mae": [0.9] * 2}, published=published)
    page = Reader(benchmark_page(data))
    shown = [" ".join(row) for row in page.rows]
    for row in data["results"]:
        low, high = (100 * value for value in row["test"]["ci95"])
        [line] = [line for line in shown if f" {100 * row['test']['mean']:.2f} [{low:.2f}, {high:.2f}] " in line]
        assert line.startswith(row["loss"])
        if row["gain"]:
            assert f"{100 * row['gain']['mean']:+.2f} [" in line
            assert f" {row['band']} " in line
    assert [line for line in shown if "96.1 ± 0.3" in line]
    for row in data["summary"]["losses"]:
        assert [line for line in shown if line.startswith(f"{row['loss']} {row['mean_rank']:.2f}")]
    rates = [one for one in page.rows if one[1:] == ["0.001", "0.01"]]
    assert len(rates) == 2


def test_one_task_without_a_sweep_has_no_part_on_ranks_or_rates(make_benchmark: Make) -> None:
    page = Reader(benchmark_page(make_benchmark({"ce": [0.9], "ngl": [0.95]}, sweep=None)))
    assert page.ids("section") == ["question", "answer", "scores", "losses", "repeat"]


def test_the_answer_for_one_task(make_benchmark: Make) -> None:
    verdict, text = said(make_benchmark({"ce": [0.96], "ngl": [0.97], "mae": [0.9], "brier": [0.96]}))
    assert verdict == "better"
    assert re.match(
        r"Better than ce beyond noise: ngl \(\+[01]\.\d\d points\)\. Worse: mae \(-[56]\.\d\d points\)", text
    )
    assert "Within noise of it: brier" in text
    assert "Paired t-tests over 6 seeds at 5 %, Holm-corrected over the losses of a task." in text
    assert said(make_benchmark({"ce": [0.96], "mae": [0.9]}))[0] == "worse"
    verdict, text = said(make_benchmark({"ce": [0.96], "brier": [0.96]}))
    assert verdict == "noise"
    assert text.startswith("No loss is better than ce beyond noise.")
    assert "With 3 seeds only large differences show." in said(make_benchmark({"ce": [0.9], "ngl": [0.9]}, seeds=3))[1]
    assert "small version" in said(make_benchmark({"ce": [0.9], "ngl": [0.9]}, smoke=True))[1]


def test_less_of_a_calibration_error_is_better(make_benchmark: Make) -> None:
    verdict, text = said(make_benchmark({"ce": [0.1], "ngl": [0.05], "mae": [0.3]}, metrics=["ece"]))
    assert verdict == "better"
    assert re.match(r"Better than ce beyond noise: ngl \(-\d\.\d\d points\)\. Worse: mae \(\+", text)


def test_the_answer_for_several_tasks(make_benchmark: Make) -> None:
    data = make_benchmark({"ce": [0.9] * 4, "ngl": [0.95] * 4, "mae": [0.95, 0.8, 0.8, 0.8], "brier": [0.9] * 4})
    verdict, text = said(data)
    assert verdict == "better"
    assert "ngl (on all 4 tasks), mae (on digits, mlp, +5." in text
    assert "Worse: mae (on 3 of 4 tasks)." in text
    assert "brier" not in text
    assert "not over tasks" in text
    asked, tasks, rates = question(data)
    assert "any of the losses ngl, mae and brier train better than ce" in asked
    assert len(tasks) == 4
    assert tasks[1].startswith("digits, mlp, noise 40: the network mlp")
    assert "40 % of the training labels wrong" in tasks[1]
    assert "of 0.001, 0.01, that is best" in rates
    assert "learning rate" not in "".join(tasks)  # the sweep has chosen it
    assert "at a learning rate of" in question(make_benchmark({"ce": [0.9], "ngl": [0.9]}, sweep=None))[0]


def test_the_answer_has_what_the_mean_ranks_say(make_benchmark: Make) -> None:
    alike = make_benchmark({"ce": [0.9, 0.93], "ngl": [0.93, 0.9], "mae": [0.915, 0.915]})
    assert "over the tasks the losses are not told apart (Friedman's test, p = 1)." in said(alike)[1]
    names = ("ce", "ngl", "mae", "brier", "focal", "gce", "sce", "rce")
    told = make_benchmark({name: [0.98 - 0.02 * place] * 4 for place, name in enumerate(names)})
    [group] = [group for group in told["summary"]["nemenyi"]["groups"] if "ce" in group]
    assert group[0] == "ce"
    assert len(group) < len(names)
    text = said(told)[1]
    assert "By mean rank over the tasks ce is first (Friedman's test, p = " in text
    assert f"), not told apart from it: {', '.join(group[1:])}." in text


def test_gains_without_a_p_value_are_not_called_anything(make_benchmark: Make) -> None:
    data = make_benchmark({"ce": [0.9], "ngl": [0.95]})
    data["results"][1]["gain"] |= {"p": None, "p_holm": None}
    verdict, text = said(data)
    assert verdict == "unknown"
    assert text.startswith("Without a p-value, as all seeds differ by the same: ngl.")
    Reader(benchmark_page(data))


def test_no_text_of_a_result_becomes_markup(make_benchmark: Make) -> None:
    data = make_benchmark({"ce": [0.9] * 3, "ngl": [0.95] * 3, "mae": [0.8] * 3})
    clean = [tag for tag, _ in Reader(benchmark_page(data)).elements]
    text = json.dumps(data).replace('"ngl"', json.dumps(EVIL)).replace("noise 40", json.dumps(EVIL)[1:-1])
    bad = json.loads(text)
    bad["config"]["description"] = bad["published"] = EVIL
    page = Reader(benchmark_page(bad))
    assert "img" not in [tag for tag, _ in page.elements]
    assert [tag for tag, _ in page.elements].count("script") == clean.count("script") == 2
    assert not [one for _, one in page.elements if "onload" in one or "onerror" in one]


@pytest.mark.parametrize(
    "config",
    [
        BenchmarkConfig("command-line", contenders_of(["ce", "ngl"]), tuple(combine(["digits"], ["mlp"]))),
        BenchmarkConfig(
            "whole: # one",
            contenders_of(["focal(gamma=1)", LONG, "-y_true*log(y_pred)*2", "bce"], baseline="mae"),
            tuple(
                combine(
                    ["digits", "fashion-mnist"],
                    ["mlp", "resnet18(head=paper)"],
                    [{}, {"name": "a_b & 50%", "label_noise": 0.4, "noise": "asymmetric"}],
                    settings={"steps": 15, "optimizer": "sgd", "lr": 0.1},
                    metrics=["ece", "accuracy"],
                )
            ),
            seeds=3,
            baseline="mae",
            sweep=Sweep((1e-3, 1e-2), 1),
            band=0.25,
            description="What, exactly?",
        ),
    ],
)
def test_the_configuration_makes_the_same_benchmark(config: BenchmarkConfig, tmp_path: Path) -> None:
    rows = [one.to_json() for one in config.contenders]
    text = config_text({"config": json.loads(json.dumps(config.to_json())), "results": rows})
    file = tmp_path / "benchmark.yaml"
    file.write_text(text, encoding="utf-8")
    assert load_config(file).to_json() == config.to_json()
    assert load_config(file).digest() == config.digest()


def test_report_writes_the_page_of_a_benchmarks_directory(make_benchmark: Make, tmp_path: Path) -> None:
    folder = tmp_path / "benchmark"
    folder.mkdir()
    data = make_benchmark({"ce": [0.9], "ngl": [0.95]})
    (folder / "cells").mkdir()
    with pytest.raises(SymlossError, match="has not ended; the command that started it"):
        save_page(folder)
    (folder / "result.json").write_text(json.dumps(data))
    page = save_page(folder)
    assert page == folder / "report.html"
    text = page.read_text(encoding="utf-8")
    assert text == save_benchmark_page(data, tmp_path / "other.html").read_text(encoding="utf-8")
    copied = [unescape(one) for one in re.findall(r'data-copy="([^"]*)"', text)]
    assert config_text(data) in copied
    for damaged in ("{", "[]", "{}", json.dumps(data | {"results": [{}]}), json.dumps(data | {"cells": 3})):
        (folder / "result.json").write_text(damaged)
        with pytest.raises(SymlossError, match=r"damaged"):
            save_page(folder)
