"""The configuration that repeats a benchmark, written from its result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from symloss.benchmark.config import experiment_of
from symloss.errors import SymlossError
from symloss.losses import find, is_name, title

#: What the configuration is called in the command that repeats a benchmark.
CONFIG_FILE = "benchmark.yaml"
#: Of a task, what is no setting.
_NAMES = ("task", "trainer", "condition", "dataset", "model", "metrics")


def config_text(result: Mapping[str, Any]) -> str:
    """Return a configuration as YAML from which :func:`symloss.benchmark.load_config` makes the same benchmark.

    A small version becomes the whole one, and a published table is left out, as that is another file.

    Args:
        result: a benchmark's JSON.
    """
    config = result["config"]
    texts = {row["loss"]: str(row["expression"]) for row in result["results"]}
    written: dict[str, Any] = {"name": config["name"]}
    if config.get("description"):
        written["description"] = config["description"]
    written |= {
        "losses": [_loss(name, texts.get(name, name)) for name in config["losses"]],
        "baseline": config["baseline"],
        "seeds": config["seeds"],
        "tasks": [_task(task) for task in config["tasks"]],
    }
    if config.get("sweep"):
        written["sweep"] = config["sweep"]
    if config.get("select", "best") != "best":
        written["select"] = config["select"]
    written["band"] = config["band"]
    return yaml.safe_dump(json.loads(json.dumps(written)), sort_keys=False, allow_unicode=True, width=100)


def _loss(name: str, text: str) -> str | dict[str, str]:
    if is_name(name):
        try:
            if title(find(name)) == name:
                return name
        except SymlossError:  # of another version
            pass
    return name if name == text else {name: text}


def _task(task: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: value for name, value in task.items() if name not in _NAMES}
    try:
        usual = experiment_of(task["trainer"], task["dataset"], task["model"], task["metrics"], {}).values
    except SymlossError:  # a factory that is not here
        usual = {}
    written = {
        "datasets": [task["dataset"]],
        "models": [task["model"]],
        "trainer": task["trainer"],
        "metrics": task["metrics"],
        "settings": {name: value for name, value in values.items() if name not in usual or usual[name] != value},
    }
    return written | ({"conditions": [{"name": task["condition"]}]} if task["condition"] else {})
