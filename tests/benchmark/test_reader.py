"""Configurations from YAML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symloss.benchmark import BenchmarkConfig, combine, contenders_of, load_config, load_published
from symloss.errors import SymlossError
from symloss.formula import parse_formula
from symloss.tasks import TaskConfig


def test_a_product_of_conditions(small: Path) -> None:
    config = load_config(small)
    assert config.names == ["ce", "ngl", "short"]  # the baseline comes first where it is not named
    assert config.contenders[2].loss == parse_formula("exp(-y_pred*(1 + y_true))")
    assert [one.title for one in config.experiments] == ["digits, mlp", "digits, mlp, noise 40"]
    common = {"steps": 20, "train_size": 300}
    assert config.experiments[0].settings == TaskConfig(**common)
    assert config.experiments[1].settings == TaskConfig(**common, label_noise=0.4)
    assert config.sweep is not None
    assert (config.sweep.lr, config.sweep.seeds) == ((1e-3, 1e-2), 2)
    assert (config.seeds, config.baseline, config.select, config.band) == (3, "ce", "best", 0.5)


def test_the_section_smoke_replaces_and_its_settings_come_last(small: Path) -> None:
    config = load_config(small, smoke=True)
    assert (config.seeds, config.sweep, config.smoke) == (2, None, True)
    assert config.experiments[1].settings == TaskConfig(steps=5, train_size=300, label_noise=0.4)
    assert config.digest() != load_config(small).digest()


def test_the_example_of_the_readme(tmp_path: Path) -> None:
    readme = Path(__file__).parents[2] / "README.md"
    path = tmp_path / "noisy-digits.yaml"
    path.write_text(readme.read_text().split("```yaml\nname: noisy-digits")[1].split("```")[0].join(["name: x", ""]))
    config = load_config(path)
    assert config.names == ["ce", "ngl", "focal(gamma=1)", "short"]
    assert len(config.experiments) == 3


def test_groups_have_settings_metrics_and_models_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(
        "name: two\nlosses: [ce, ngl]\nmetrics: ece\nsettings: {steps: 7, hidden: 8}\n"
        "tasks:\n  - {datasets: digits, models: mlp, settings: {steps: 9}, metrics: [accuracy, ece]}\n"
        "  - datasets: digits\n    models: [cnn]\n    conditions: [{imbalance: 0.5, label_noise: 0.1}]\n"
        "    smoke: {steps: 3}\nsmoke: {settings: {hidden: 4}}\n"
    )
    one, two = load_config(path).experiments
    assert one.settings == TaskConfig(steps=9, hidden=8, metrics=("accuracy", "ece"))
    # The cnn has its own batch and schedule.
    assert (two.values["steps"], two.values["batch"], two.values["schedule"]) == (7, 64, "cosine")
    assert (two.metrics, two.title) == (("ece",), "digits, cnn, imbalance 0.5, label_noise 0.1")
    one, two = load_config(path, smoke=True).experiments
    assert (one.values["steps"], two.values["steps"], two.values["hidden"]) == (9, 3, 4)


def test_what_a_text_means_is_the_callers(small: Path) -> None:
    asked = []

    def resolver(text: str) -> Any:
        asked.append(text)
        return text, parse_formula("-y_true*log(y_pred)")

    load_config(small, resolver=resolver)
    assert asked == ["ngl", "exp(-y_pred*(1 + y_true))", "ce"]


#: Line, what is put there, and what is said of which line.
MISTAKES = [
    (1, "name: [a]", 1, "name must be a text of 1 to 100 characters, got ['a']"),
    (3, "  - ngll", 3, "did you mean 'ngl'?"),
    (3, "  - sinn(y_pred)", 3, "did you mean 'sin'?"),
    (3, '  - "short: exp(-y_pred)"', 3, "is one text; for NAME: FORMULA put quotes around the formula alone"),
    (3, "  - 3", 3, "a loss is a name, a formula, or NAME: FORMULA; got 3"),
    (3, "  - short: ngl", 4, "the loss 'short' is given twice"),
    (5, "sedes: 3", 5, "did you mean 'seeds'?"),
    (5, "seeds: 1", 5, "seeds must be a whole number from 2 to 1000"),
    (5, "seeds: many", 5, "got 'many'"),
    (5, "baseline: ngll", 5, "did you mean 'ngl'?"),
    (5, "select: first", 5, "unknown select 'first'; known: best, last"),
    (5, "trainer: fulll", 5, "did you mean 'full'?"),
    (5, "band: -1", 5, "band must be a number of points from 0 to 100, got -1"),
    (5, "metrics: acuracy", 5, "did you mean 'accuracy'?"),
    (5, "published: nowhere.yaml", 5, "cannot read the published table"),
    (5, "name: again", 5, "the key 'name' is given twice"),
    (6, "task:", 6, "did you mean 'tasks'?"),
    (7, "  datasets: digit", 7, "did you mean 'digits'?"),
    (7, "  dataset: digits", 7, "did you mean 'datasets'?"),
    (8, "  models: [mlp, mpl]", 8, "did you mean 'mlp'?"),
    (8, "  models: []", 8, "models must be a name or a list of names"),
    (10, "    - 4", 10, "conditions must be a list of mappings"),
    (11, "    - {name: noise 40, label_noise: 1.4}", 11, "label_noise is 1.4; it must be in [0, 1)"),
    (11, "    - {}", 1, "two tasks are called 'digits, mlp'; give each a name of its own"),
    (12, "settings: {stepps: 20}", 12, "did you mean 'steps'?"),
    (12, "settings: {steps: no}", 12, "steps is False"),
    (12, "settings: {dataset: digits}", 12, "dataset is no setting here; tasks name datasets and models"),
    (13, "sweep: {lr: [1e-3, 0], seeds: 2}", 13, "lr must be a list of learning rates above 0, got 0"),
    (13, "sweep: {rates: [1]}", 13, "unknown key 'rates'; known: lr, seeds"),
    (14, "smoke: {sedes: 2}", 14, "did you mean 'seeds'?"),
    (14, "smoke: {seeds: 1}", 14, "seeds must be"),
]


@pytest.mark.parametrize(("line", "text", "named", "message"), MISTAKES, ids=[text for _, text, _, _ in MISTAKES])
def test_a_mistake_is_named_with_its_line(small: Path, line: int, text: str, named: int, message: str) -> None:
    lines = small.read_text().splitlines()
    lines[line - 1] = text
    small.write_text("\n".join(lines) + "\n")
    with pytest.raises(SymlossError) as error:
        load_config(small)
    assert any(part.startswith(f"{small}:{named}: ") and message in part for part in str(error.value).splitlines()), (
        error.value
    )


def test_every_mistake_is_said_at_once_and_those_of_smoke_with_it(small: Path) -> None:
    text = small.read_text().replace("label_noise: 0.4", "noise: odd").replace("- ngl", "- ngll")
    small.write_text(text.replace("steps: 5", "steps: 0"))
    with pytest.raises(SymlossError) as error:
        load_config(small, smoke=True)
    assert [part.split(":")[1] for part in str(error.value).splitlines()] == ["3", "11", "14"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty; a benchmark's configuration needs name, losses and tasks"),
        ("- a\n", "is a mapping with name, losses and tasks"),
        ("name: !!python/object:os.system x\n", "tags are not allowed"),
        ("name: [\n", "broken YAML"),
        ("name: x\nlosses: [ce]\n", "the key 'tasks' is missing"),
    ],
)
def test_other_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(text)
    with pytest.raises(SymlossError, match=r"other\.yaml") as error:
        load_config(path)
    assert message in str(error.value)


def test_a_missing_file_and_a_missing_trainer(tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SymlossError, match="cannot read the benchmark's configuration"):
        load_config(tmp_path / "nowhere.yaml")
    monkeypatch.setattr("symloss.benchmark.trainers.find_spec", lambda _: None)
    small.write_text(small.read_text() + "trainer: full\n")
    with pytest.raises(SymlossError, match=r"small.yaml:6: the trainer 'full' needs the package symloss\.training"):
        load_config(small)


def test_full_size_recipes(small: Path, full_trainer: Callable[..., Any]) -> None:
    full_trainer(lambda *_: 0.5)
    text = small.read_text().replace("{steps: 20, train_size: 300}", "{epochs: 2}").replace("label_noise: 0.4", "lr: 2")
    text = text.replace("settings: {steps: 5}", "settings: {epochs: 1}")
    small.write_text(text + "trainer: full\nmetrics: [top-5, nll]\n")
    one, two = load_config(small).experiments
    assert one.values == {"dataset": "digits", "model": "mlp", "metrics": ["top-5", "nll"], "lr": 0.1, "epochs": 2}
    assert two.values["lr"] == 2
    assert load_config(small, smoke=True).experiments[0].values["epochs"] == 1
    small.write_text(small.read_text().replace("epochs: 2", "epochs: 0"))
    with pytest.raises(SymlossError, match=r"small.yaml:12: epochs is 0"):
        load_config(small)


@pytest.mark.parametrize("key", ["losses", "seeds", "tasks", "metrics"])
def test_an_empty_key_of_smoke_is_refused(small: Path, key: str) -> None:
    lines = small.read_text().splitlines()
    small.write_text("\n".join([*lines[:-1], "smoke:", "  settings: {steps: 5}", f"  {key}:"]) + "\n")
    for smoke in (True, False):
        with pytest.raises(SymlossError, match=rf"small.yaml:{len(lines) + 2}: {key} is empty; it must be .*left out"):
            load_config(small, smoke=smoke)


PUBLISHED = """\
source: Somebody 2024, table 1
tasks:
  - {dataset: digits, model: "resnet18(upsample=3, head=paper)", scores: {ce: [96.1, 0.3], ngl: 98}}
  - {dataset: digits, model: theirs, condition: noise 40, metric: ece, scores: {ce: 3}}
"""


def test_published_tables(tmp_path: Path, small: Path) -> None:
    path = tmp_path / "published.yaml"
    path.write_text(PUBLISHED)
    found = load_published(path)
    # Models are found however they are spelled.
    scores = found.of("digits", "resnet18(head=paper, upsample=3)", "", "accuracy")
    assert scores["ce"].to_json() == pytest.approx({"mean": 0.961, "std": 0.003})
    assert scores["ngl"].to_json() == {"mean": 0.98, "std": None}
    assert found.of("digits", "theirs", "noise 40", "ece")["ce"].mean == 0.03
    assert found.of("digits", "mlp", "", "accuracy") == {}
    small.write_text(small.read_text() + "published: published.yaml\n")  # beside the configuration
    with pytest.raises(SymlossError, match=r"small.yaml:15: no task here is one of the published ones.*digits, theirs"):
        load_config(small)
    path.write_text(PUBLISHED.replace("model: theirs, condition: noise 40, metric: ece", "model: mlp"))
    published = load_config(small).published
    assert published is not None
    assert published.source == "Somebody 2024, table 1"
    path.write_text(PUBLISHED.replace("ngl: 98", "ngl: [98, 1, 2]").replace("metric: ece", "metrics: ece"))
    with pytest.raises(SymlossError, match=r"published.yaml:4: unknown key 'metrics'"):
        load_published(path)
    path.write_text(PUBLISHED.replace("ngl: 98", "ngl: [98, 1, 2]"))
    with pytest.raises(SymlossError, match=r"published.yaml:3: ngl must be a number, or a list of mean and deviation"):
        load_published(path)
    for number in (".nan", ".inf", "[98, .nan]"):
        path.write_text(PUBLISHED.replace("ngl: 98", f"ngl: {number}"))
        with pytest.raises(SymlossError, match=r"published.yaml:3: scores must be .* finite numbers"):
            load_published(path)
    path.write_text(PUBLISHED.replace("ngl: 98", "ngl: [98, -1]"))
    with pytest.raises(SymlossError, match=r"published.yaml:3: ngl has the deviation -1.0; it must be at least 0"):
        load_published(path)
    path.write_text(PUBLISHED + PUBLISHED.splitlines()[2] + "\n")
    with pytest.raises(SymlossError, match=r"published.yaml:5: the task digits, .* is given twice"):
        load_published(path)
    path.write_text(PUBLISHED.replace("source:", "unit: fraction\nsource:"))
    assert load_published(path).of("digits", "theirs", "noise 40", "ece")["ce"].mean == 3


def test_configurations_in_python() -> None:
    losses = contenders_of(["ngl", "ce", "ngl", "focal(gamma=1)"])
    assert [contender.name for contender in losses] == ["ngl", "ce", "focal(gamma=1)"]
    experiments = tuple(combine(["digits"], ["mlp", "cnn"], [{}, {"label_noise": 0.2}], settings={"steps": 3}))
    assert [one.title for one in experiments] == [
        "digits, mlp",
        "digits, mlp, label_noise 0.2",
        "digits, cnn",
        "digits, cnn, label_noise 0.2",
    ]
    for changed, message in [
        ({"seeds": 1}, "the number of seeds is 1; it must be from 2"),
        ({"baseline": "mae"}, "the baseline 'mae' is not among the losses ngl, ce"),
        ({"experiments": ()}, "nothing to train on"),
        ({"contenders": losses + losses[:1]}, "two losses are called 'ngl'"),
        ({"select": "first"}, "select is 'first'"),
    ]:
        with pytest.raises(SymlossError, match=message):
            BenchmarkConfig(**{"name": "x", "contenders": losses, "experiments": experiments, **changed})
