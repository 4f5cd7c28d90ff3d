"""The shape of a grammar's data, and what to tell a user whose data have another shape."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from symloss.errors import unknown
from symloss.grammar.constants import (
    DISTRIBUTIONS,
    MAX_PARAMETER,
    SMALLEST_PARAMETER,
    Distribution,
)
from symloss.grammar.errors import Location, Problems, shown
from symloss.limits import FORMULA_CHARACTERS, GRAMMAR_DEPTH, GRAMMAR_NODES, GRAMMAR_RULES, GRAMMAR_SEEDS

MAX_WEIGHT = 1e9

Text = Annotated[str, Field(max_length=FORMULA_CHARACTERS)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LossShape(_Shape):
    """How the formula becomes a loss."""

    output: Literal["softmax"] = "softmax"
    class_reduction: Literal["sum", "mean"] = "sum"


class LimitsShape(_Shape):
    """Bounds on the formulas."""

    depth: Annotated[int, Field(ge=1, le=GRAMMAR_DEPTH)] = 7
    nodes: Annotated[int, Field(ge=1, le=GRAMMAR_NODES)] = 25


class ProductionShape(_Shape):
    """One alternative: a template or a constant."""

    rhs: Text | None = None
    constant: Distribution | None = None
    weight: Annotated[float, Field(gt=0, le=MAX_WEIGHT, allow_inf_nan=False)] = 1.0

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, data: Any) -> Any:
        if data is None:
            raise ValueError("this production is empty; write a formula, or quote it if it holds # or :")
        return {"rhs": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _one_of(self) -> ProductionShape:
        if (self.rhs is None) == (self.constant is None):
            raise ValueError("a production has either rhs (a formula) or constant (a distribution)")
        return self


class GrammarShape(_Shape):
    """A whole grammar."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    description: Text = ""
    loss: LossShape = LossShape()
    start: Annotated[str, Field(min_length=1)]
    rules: Annotated[dict[str, list[ProductionShape]], Field(min_length=1, max_length=GRAMMAR_RULES)]
    limits: LimitsShape = LimitsShape()
    seeds: Annotated[list[Text], Field(max_length=GRAMMAR_SEEDS)] = []


_SHAPES: dict[str, type[BaseModel]] = {"": GrammarShape, "loss": LossShape, "limits": LimitsShape}
_RANGE = f"a number from {-MAX_PARAMETER:g} to {MAX_PARAMETER:g}"
_RULES = {
    "name": "a text of 1 to 100 characters",
    "description": "a text",
    "start": "the name of a rule",
    "loss": "a mapping with output and class_reduction",
    "rules": f"a mapping of 1 to {GRAMMAR_RULES} rules",
    "limits": "a mapping with depth and nodes",
    "seeds": f"a list of at most {GRAMMAR_SEEDS} formulas, each a text",
    "depth": f"a whole number from 1 to {GRAMMAR_DEPTH}",
    "nodes": f"a whole number from 1 to {GRAMMAR_NODES}",
    "weight": f"a finite number greater than 0, at most {MAX_WEIGHT:g}",
    "rhs": "a formula, as text",
    "constant": "a mapping with distribution and its parameters",
    "low": _RANGE,
    "high": _RANGE,
    "mean": _RANGE,
    "std": f"a number from {SMALLEST_PARAMETER:g} to {MAX_PARAMETER:g}",
    "values": f"a list of 1 to 1000 numbers, each from {-MAX_PARAMETER:g} to {MAX_PARAMETER:g}",
    "decimals": "a whole number from 0 to 8",
    "digits": "a whole number from 1 to 15",
}


def read_shape(data: object, problems: Problems) -> GrammarShape | None:
    """Return the data as a grammar's shape; ``None`` after noting every mistake in ``problems``."""
    if not isinstance(data, dict):
        problems.add((), "a grammar is a mapping with name, start and rules; see the shipped grammars for examples")
        return None
    try:
        return GrammarShape.model_validate(data)
    except ValidationError as error:
        items = error.errors(include_url=False)
        for index in problems.first(item["loc"] for item in items):
            problems.add(items[index]["loc"], _explain(items[index]))
        return None


def _explain(item: ErrorDetails) -> str:
    location: Location = item["loc"]
    key = next((part for part in reversed(location) if isinstance(part, str)), "")
    kind, value = item["type"], item["input"]
    context: dict[str, Any] = item.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return f"the key {key!r} is missing; {key} is {_rule(location)}"
    if kind == "extra_forbidden":
        return unknown("key", key, _keys(location[:-1]))
    if kind == "literal_error":
        known = ", ".join(_choices(location))
        return f"{key} {shown(value)} is not supported; supported: {known}"
    if kind == "union_tag_invalid":
        return unknown("distribution", str(context["tag"]), DISTRIBUTIONS)
    if kind == "union_tag_not_found":
        return f"the constant names no distribution; known: {', '.join(DISTRIBUTIONS)}"
    if len(location) == 2 and location[0] == "rules":
        return f"the rule {key!r} must be a list of productions, each line starting with a dash"
    if len(location) == 3 and location[0] == "rules":
        return f"a production must be a formula, or a mapping with rhs or constant; got {shown(value)}"
    return f"{key} must be {_rule(location)}, got {shown(value)}"


def _rule(location: Location) -> str:
    key = next((part for part in reversed(location) if isinstance(part, str)), "")
    if "loguniform" in location and key in ("low", "high"):
        key = "std"  # these are positive too
    return _RULES.get(key, "given")


def _shape_at(location: Location) -> type[BaseModel]:
    if location and location[-1] in DISTRIBUTIONS and "constant" in location:
        return DISTRIBUTIONS[str(location[-1])]
    if location and location[0] == "rules":
        return ProductionShape
    return _SHAPES[str(location[0]) if location else ""]


def _keys(location: Location) -> list[str]:
    return list(_shape_at(location).model_fields)


def _choices(location: Location) -> list[str]:
    annotation = _shape_at(location[:-1]).model_fields[str(location[-1])].annotation
    return [str(choice) for choice in getattr(annotation, "__args__", ())]
