"""What a finished search says of itself, in JSON's types: what its run directory keeps and its last event tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symloss.benchmark import Row
from symloss.search import SCREENS, Audit, Discovery, Found
from symloss.store import Run


def result_of(run: Run, found: Found, rival: Found | None, compared: Audit, seconds: float) -> dict[str, Any]:
    """Return the result of a search, as ``symloss evolve --json`` has it.

    Args:
        run: the search's.
        found: what it found.
        rival: what the equal-budget control found, if there was one.
        compared: the final comparison.
        seconds: of the search, over all processes.
    """

    def rows(discoveries: list[Discovery], place: str) -> list[dict[str, Any]]:
        by_task = [getattr(task, place) for task in compared.tasks]
        return [
            {"rank": discovery.rank} | _row(run, [group[k] for group in by_task]) | _origin(discovery)
            for k, discovery in enumerate(discoveries)
        ]

    baselines = zip(*(task.baselines for task in compared.tasks), strict=True)
    return {
        "run": str(run.path),
        "config": run.config(),
        "counts": _counts(found),
        "stopped": found.stopped,
        "noise": {"std": found.noise, "last_seeds": found.last_seeds},
        "seconds": round(seconds, 1),
        "hall_of_fame": rows(compared.discoveries, "rows"),
        "control": rows(compared.controls, "controls"),
        "control_counts": _counts(rival) if rival else None,
        "baselines": [_row(run, list(group)) for group in baselines],
    }


def ending_of(result: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of the event ``finished``."""
    best = next(iter(result["hall_of_fame"]), None)
    found = best and {"formula": best["expression"]} | {part: best[part]["mean"] for part in ("validation", "test")}
    trained = result["counts"]["trained"]
    return {"trained": trained, "ended_by": result["stopped"], "seconds": result["seconds"], "best": found}


def _counts(found: Found) -> dict[str, Any]:
    return {
        "drawn": found.drawn,
        "duplicates": found.rejected["duplicate"],
        "rejected": {name: found.rejected[name] for name in SCREENS},
        "trained": len(found.candidates),
    }


def _row(run: Run, rows: Sequence[Row]) -> dict[str, Any]:
    """Return one loss's result: its first task's, and with several tasks each one's in ``tasks``."""
    written = [row.to_json() for row in rows]
    if len(rows) == 1:
        return written[0]
    parts = [
        {"dataset": task.dataset, "model": task.model}
        | {key: one[key] for key in ("scale", "validation", "test", "gain", "metrics")}
        for task, one in zip(run.tasks, written, strict=True)
    ]
    return written[0] | {"tasks": parts}


def _origin(discovery: Discovery) -> dict[str, Any]:
    candidate = discovery.candidate
    return {
        "search_validation": discovery.search_validation,
        "candidate": {
            "id": candidate.id,
            "expression": candidate.expression,
            "generation": candidate.generation,
            "origin": candidate.origin,
            "parents": list(candidate.parents),
        },
    }
