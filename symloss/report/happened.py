"""Events as lines for people: what ``--verbose`` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from symloss.events import Event
from symloss.report.panel import duration

_Fields = Mapping[str, Any]
#: Promoted losses that are named.
_NAMED = 8


def lines_of(event: Event) -> Iterator[str]:
    """Yield the lines that say an event; none for those that something else says."""
    say = _SAYINGS.get(event.name)
    if say is not None:
        before = "random control, " if event.fields.get("search") == "control" else ""
        for number, line in enumerate(say(event.fields)):
            yield line if number else before + line


def _engine(fields: _Fields) -> Iterator[str]:
    yield f"engine {fields['engine']} for {fields['task']}: {fields['reason']}"


def _noise(fields: _Fields) -> Iterator[str]:
    first, last = fields["seeds"]
    std = 100 * fields["std"]
    yield f"noise: ce varies by {std:.2f} points over seeds; seeds of the first rung: {first}, of the last: {last}"


def _drawn(fields: _Fields) -> Iterator[str]:
    rejected = ", ".join(f"{name} {count:,}" for name, count in fields["rejected"].items())
    yield (
        f"generation {fields['generation'] + 1}: {fields['drawn']:,} drawn, {fields['candidates']:,} passed, "
        f"in {duration(fields['seconds'])}; rejected: {rejected or 'none'}"
    )


def _trial(fields: _Fields) -> Iterator[str]:
    yield f"trial: the first rung has {fields['steps']:,} steps, {100 * fields['share']:.0f} % of the task's"


def _promoted(fields: _Fields) -> Iterator[str]:
    losses = fields["losses"]
    yield f"generation {fields['generation'] + 1}: {len(losses):,} promoted to rung {fields['rung'] + 1}"
    for loss in losses[:_NAMED]:
        yield f"  {loss['formula']}"
    if len(losses) > _NAMED:
        yield f"  and {len(losses) - _NAMED:,} more"


def _rung(fields: _Fields) -> Iterator[str]:
    best = fields["best"]
    found = f"; best {_percent(best['score'])}, ce {_percent(fields['baseline'])}" if best else ""
    generation, rung = fields["generation"], fields["rung"] + 1
    where = f"final rung ({rung})" if generation is None else f"generation {generation + 1}, rung {rung}"
    yield (
        f"{where}: {fields['candidates']:,} losses trained, "
        f"seeds {fields['seeds']}, steps {fields['steps']:,}, in {duration(fields['seconds'])}{found}"
    )


def _best(fields: _Fields) -> Iterator[str]:
    yield f"new best: {_percent(fields['score'])}, ce {_percent(fields['baseline'])}: {fields['formula']}"


def _generation(fields: _Fields) -> Iterator[str]:
    last = "" if fields["generations"] is None else f" of {fields['generations']:,}"
    budget = "" if fields["budget"] is None else f" of {fields['budget']:,}"
    yield (
        f"generation {fields['generation'] + 1}{last} done in {duration(fields['seconds'])}: {fields['trained']:,}"
        f"{budget} trained; best {_percent(fields['best'])}, ce {_percent(fields['baseline'])}: {fields['formula']}"
    )


def _audit(fields: _Fields) -> Iterator[str]:
    if fields["state"] == "started":
        yield f"final comparison: {fields['losses']} losses, {fields['seeds']} fresh seeds"


def _cells(fields: _Fields) -> Iterator[str]:
    found = f", {fields['found']:,} found finished" if fields["found"] else ""
    yield f"{fields['table']}{', sweep' if fields['sweep'] else ''}: {fields['cells']:,} cells{found}"


def _trained(fields: _Fields) -> Iterator[str]:
    losses = ", ".join(fields["losses"])
    yield (
        f"{fields['table']}: {fields['cells']:,} cells in {duration(fields['seconds'])}, "
        f"{fields['done']:,} of {fields['total']:,} done: {losses}"
    )


def _rate(fields: _Fields) -> Iterator[str]:
    yield f"{fields['table']}: {fields['loss']} takes lr {fields['lr']:g}"


def _percent(score: float | None) -> str:
    return "nothing" if score is None else f"{100 * score:.2f} %"


_SAYINGS: dict[str, Callable[[_Fields], Iterator[str]]] = {
    "engine": _engine,
    "noise": _noise,
    "drawn": _drawn,
    "trial": _trial,
    "promoted": _promoted,
    "rung": _rung,
    "best": _best,
    "generation": _generation,
    "audit": _audit,
    "cells": _cells,
    "trained": _trained,
    "rate": _rate,
}
