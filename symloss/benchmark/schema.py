"""The shape of a benchmark's configuration, and what to tell a user whose file has another shape."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from symloss.errors import unknown
from symloss.grammar.errors import Location, Problems, shown

S = TypeVar("S", bound=BaseModel)
Text = Annotated[str, Field(max_length=10_000)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Seeds = Annotated[int, Field(ge=2, le=1000)]
Settings = dict[str, Any]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def _listed(value: Any) -> Any:
    """Let one text stand for a list of one."""
    return [value] if isinstance(value, str) else value


Names = Annotated[list[Name], BeforeValidator(_listed), Field(min_length=1)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LossShape(_Shape):
    """A loss: what it is, and what tables call it, if not by what it is."""

    text: Text
    name: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, data: Any) -> Any:
        if isinstance(data, str) and data.strip():
            if re.match(r"[^:]+: .*\by_(pred|true)\b", data):
                raise ValueError(f"{shown(data)} is one text; for NAME: FORMULA put quotes around the formula alone")
            return {"text": data}
        if isinstance(data, dict) and len(data) == 1:
            [(name, text)] = data.items()
            if isinstance(text, str) and text.strip() and name.strip():
                return {"name": name, "text": text}
        raise ValueError(f"a loss is a name, a formula, or NAME: FORMULA; got {shown(data)}")


class SweepShape(_Shape):
    """Learning rates that every loss tries."""

    lr: Annotated[list[Annotated[float, Field(gt=0, allow_inf_nan=False)]], Field(min_length=1, max_length=100)]
    seeds: Annotated[int, Field(ge=1, le=1000)] = 2


def _no_sweep(value: Any) -> Any:
    return None if value == "none" else value


Sweep = Annotated[SweepShape | None, BeforeValidator(_no_sweep)]


class TasksShape(_Shape):
    """Every dataset with every model under every condition."""

    datasets: Names
    models: Names
    conditions: Annotated[list[Settings], Field(min_length=1)] = [{}]
    trainer: Literal["population", "full"] | None = None
    metrics: Names | None = None
    settings: Settings = {}
    smoke: Settings = {}


def _groups(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


Groups = Annotated[list[TasksShape], BeforeValidator(_groups), Field(min_length=1)]
Losses = Annotated[list[LossShape], Field(min_length=1, max_length=1000)]


class SmokeShape(_Shape):
    """What ``--smoke`` changes: settings are added to the others, all else is replaced."""

    losses: Losses | None = None
    seeds: Seeds | None = None
    tasks: Groups | None = None
    metrics: Names | None = None
    settings: Settings = {}
    sweep: Sweep = None

    @field_validator("losses", "seeds", "tasks", "metrics", mode="before")
    @classmethod
    def _given(cls, value: Any, info: ValidationInfo) -> Any:
        if value is None:  # a key with nothing behind it; what is left out does not come here
            key = str(info.field_name)
            raise ValueError(f"{key} is empty; it must be {_RULES[key]}, or to stay as it is without --smoke, left out")
        return value


class BenchmarkShape(_Shape):
    """A whole configuration."""

    name: Name
    description: Text = ""
    losses: Losses
    baseline: Text = "ce"
    seeds: Seeds = 10
    tasks: Groups
    trainer: Literal["population", "full"] = "population"
    metrics: Names = ["accuracy"]
    settings: Settings = {}
    sweep: Sweep = None
    select: Literal["best", "last"] = "best"
    band: Annotated[float, Field(ge=0, le=100)] = 0.5
    published: Text | None = None
    cost: Text = ""
    smoke: SmokeShape = SmokeShape()


class PublishedTaskShape(_Shape):
    """The published scores of one task, each a number or a mean with its standard deviation."""

    dataset: Name
    model: Name
    condition: str = ""
    metric: Name = "accuracy"
    scores: Annotated[dict[str, Finite | list[Finite]], Field(min_length=1)]


class PublishedShape(_Shape):
    """A published table."""

    source: Text
    unit: Literal["percent", "fraction"] = "percent"
    tasks: Annotated[list[PublishedTaskShape], Field(min_length=1)]


_RULES = {
    "name": "a text of 1 to 100 characters",
    "description": "a text",
    "losses": "a list of at least one name, formula, or NAME: FORMULA",
    "baseline": "one of the losses, such as ce",
    "seeds": "a whole number from 2 to 1000 (of a sweep from 1)",
    "tasks": "a mapping with datasets and models, or a list of such",
    "datasets": "a name or a list of names of 'symloss datasets'",
    "models": "a name or a list of names of 'symloss models'",
    "conditions": "a list of mappings such as {label_noise: 0.4}, each perhaps with a name",
    "trainer": "population or full",
    "metrics": "a name or a list of names; the first one decides",
    "settings": "a mapping of the trainer's settings, such as {steps: 500}",
    "sweep": "'none', or a mapping with lr (a list of rates above 0) and seeds",
    "lr": "a list of learning rates above 0",
    "select": "best or last",
    "band": "a number of points from 0 to 100",
    "published": "the path of a file with a published table",
    "cost": "a text",
    "smoke": "a mapping of what --smoke changes",
    "source": "a text that says where the table is from",
    "unit": "percent or fraction",
    "scores": "a mapping from losses to finite numbers, or to lists of mean and standard deviation",
    "dataset": "a dataset's name",
    "model": "a model's name",
    "condition": "a condition's name",
    "metric": "a metric's name",
}


def read_shape(shape: type[S], data: object, problems: Problems, needs: str) -> S | None:
    """Return data as a shape of this module; None after noting every mistake in ``problems``.

    Args:
        shape: which.
        data: what a file holds.
        problems: collects the mistakes.
        needs: what the file is and needs, for messages.
    """
    if not isinstance(data, dict):
        problems.add((), needs)
        return None
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            problems.add(item["loc"], _explain(shape, item))
        return None


def _explain(shape: type[BaseModel], item: ErrorDetails) -> str:
    location: Location = item["loc"]
    key = next((part for part in reversed(location) if isinstance(part, str) and part in _RULES), "")
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    if item["type"] == "extra_forbidden":
        return unknown("key", str(location[-1]), _shape_at(shape, location[:-1]).model_fields)
    if item["type"] == "missing":
        return f"the key {location[-1]!r} is missing; it is {_RULES.get(str(location[-1]), 'needed')}"
    if item["type"] == "literal_error":
        hint = unknown(key, str(item["input"]), str(item["ctx"]["expected"]).replace("'", "").split(" or "))
        return hint
    return f"{key} must be {_RULES.get(key, 'given')}, got {shown(item['input'])}"


def _shape_at(shape: type[BaseModel], location: Location) -> type[BaseModel]:
    named: dict[str, type[BaseModel]] = {"smoke": SmokeShape, "tasks": TasksShape, "sweep": SweepShape}
    if shape is PublishedShape:
        named = {"tasks": PublishedTaskShape}
    for part in location:
        shape = named.get(str(part), shape)
    return shape
