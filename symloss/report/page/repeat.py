"""The command that repeats a run, written from its configuration."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

import yaml

from symloss.errors import SymlossError
from symloss.grammar import Grammar, load_grammar, shipped_grammars
from symloss.search import SearchConfig
from symloss.tasks import TaskConfig, defaults_of

#: What a file is called that is no shipped grammar; the page has its text.
GRAMMAR_FILE = "grammar.yaml"

_TASK_OPTIONS = ["steps", "batch", "hidden", "optimizer", "lr", "weight_decay", "schedule", "warmup"]
_TASK_OPTIONS += ["label_noise", "noise", "imbalance", "train_size", "engine", "precision"]
_SEARCH_OPTIONS = {"seed": "seed", "strategy": "strategy", "patience": "patience", "control": "control"}
_SEARCH_OPTIONS |= {"budget": "budget", "audit_seeds": "seeds"}
_TASK_DEFAULTS = {field.name: field.default for field in fields(TaskConfig) if field.default is not MISSING}


def repeat(config: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return a command line with a run's settings, and those that no option sets.

    Args:
        config: of the run; a setting that it lacks is taken to be the default.
    """
    words = ["symloss", "evolve", _grammar(config["grammar"])]
    missing: list[str] = []
    tasks = [_TASK_DEFAULTS | task for task in config["tasks"]]
    words += _tasks(tasks, missing)
    words += _search(config["search"], missing)
    if "device" in config:
        words += ["--device", str(config["device"])]
    return shlex.join(words), missing


def grammar_text(config: Mapping[str, Any]) -> str:
    """Return a run's grammar as YAML."""
    return yaml.safe_dump(json.loads(json.dumps(config["grammar"])), sort_keys=False, allow_unicode=True, width=100)


def _grammar(grammar: Mapping[str, Any]) -> str:
    name = str(grammar["name"])
    try:
        if name in shipped_grammars() and load_grammar(name).to_dict() == Grammar.from_dict(grammar).to_dict():
            return name
    except SymlossError:  # of another version
        pass
    return GRAMMAR_FILE


def _tasks(tasks: list[dict[str, Any]], missing: list[str]) -> list[str]:
    datasets = list(dict.fromkeys(task["dataset"] for task in tasks))
    models = list(dict.fromkeys(task["model"] for task in tasks))
    words = ["--dataset", ",".join(datasets), "--model", ",".join(models)]
    if [(task["dataset"], task["model"]) for task in tasks] != [(one, other) for one in datasets for other in models]:
        missing.append("tasks that are not every dataset with every model")
    words += ["--metric", ",".join(tasks[0]["metrics"])]
    for name in _TASK_DEFAULTS:
        if name in ("dataset", "model", "metrics"):
            continue
        values = [task[name] for task in tasks]
        if values == [_defaults(task["model"])[name] for task in tasks]:
            continue
        if name in _TASK_OPTIONS and len(set(values)) == 1:
            words += [f"--{name.replace('_', '-')}", _text(values[0])]
        else:
            missing.append(f"{name} = {', '.join(map(_text, values))}")
    return words


def _defaults(model: str) -> dict[str, Any]:
    try:
        return _TASK_DEFAULTS | defaults_of(model)
    except SymlossError:  # a factory that is not here
        return dict(_TASK_DEFAULTS)


def _search(search: Mapping[str, Any], missing: list[str]) -> list[str]:
    words: list[str] = []
    usual = SearchConfig().to_dict()
    # Another strategy has generations of another size.
    defaults = SearchConfig(strategy=str(search.get("strategy", "gp"))).to_dict()
    for name, value in search.items():
        if name in _SEARCH_OPTIONS:
            if value is not None and (name in ("seed", "budget") or value != usual[name]):
                words += [f"--{_SEARCH_OPTIONS[name]}", _text(value)]
        elif name == "seconds":
            words += [] if value is None else ["--time", f"{value:g}s"]
        elif name == "baselines":
            words += [] if list(value) == list(defaults[name]) else ["--baselines", ",".join(value)]
        elif value != defaults.get(name):
            missing.append(f"{name} = {_text(value)}")
    return words


def _text(value: object) -> str:
    return f"{value:.15g}" if isinstance(value, float) else str(value)
