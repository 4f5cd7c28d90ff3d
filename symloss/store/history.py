"""What a run's database tells of the search, read without its grammar and without changing it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from symloss.store.database import VERSION, read_scores
from symloss.store.guard import check_tables
from symloss.store.reading import damaged, reading, wrong_version


@dataclass(frozen=True)
class Trained:
    """One candidate that was trained.

    Attributes:
        id: its content hash.
        generation: in which it was drawn, from 0.
        expression: its formula as it was drawn.
        size: its node count.
        origin: how it was made.
        parents: the ids it was made from.
    """

    id: str
    generation: int
    expression: str
    size: int
    origin: str
    parents: tuple[str, ...]


@dataclass(frozen=True)
class History:
    """A search's candidates and scores.

    Attributes:
        candidates: by id, in the order in which they were drawn.
        rungs: for each rung from 0 the mean validation score by id, baselines included: of the first task's first
            metric over the seeds, a fraction of 1.
        seeds: for the same rungs, with how many seeds each loss was trained.
    """

    candidates: Mapping[str, Trained]
    rungs: Mapping[int, Mapping[str, float]]
    seeds: Mapping[int, int]


def read_history(path: Path) -> History | None:
    """Read a run's database, or return None where there is none.

    Raises:
        SymlossError: it cannot be read, is damaged or is of another version.
    """
    if not path.is_file():
        return None
    with reading(path) as connection:
        check_tables(connection, path)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            raise wrong_version(path, version, VERSION)
        rows = connection.execute(
            "SELECT id, generation, expression, size, origin, parents FROM candidates ORDER BY generation, position"
        ).fetchall()
        scores = connection.execute("SELECT rung, id, scores FROM scores WHERE rung >= 0 ORDER BY rung").fetchall()
    try:
        candidates = {
            name: Trained(name, generation, expression, size, origin, tuple(json.loads(parents)))
            for name, generation, expression, size, origin, parents in rows
        }
        rungs: dict[int, dict[str, float]] = {}
        seeds: dict[int, int] = {}
        for rung, name, text in scores:
            first = read_scores(text)[0][0]
            rungs.setdefault(rung, {})[name] = float(np.mean(first))
            seeds[rung] = len(first)
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise damaged(path, str(error)) from None
    return History(candidates, rungs, seeds)
