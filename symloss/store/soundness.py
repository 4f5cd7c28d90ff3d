"""Is a run's database whole? One function for each question; each returns what is wrong, one line for each fault."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Mapping
from itertools import islice

from symloss.errors import SymlossError
from symloss.formula import parse_formula, to_text
from symloss.grammar import Derivation, Grammar
from symloss.losses import find
from symloss.search import STRATEGIES, SearchConfig
from symloss.store.database import read_scores
from symloss.symbolic import Identity, loss_id
from symloss.tasks import TaskConfig

#: The rungs that a generation climbs; the next one ranks the finalists.
_CLIMBED = 3
#: SQLite lists at most so many faults.
_FAULTS = 5


def integrity(connection: sqlite3.Connection) -> list[str]:
    """Is the file in order, and does every row that names another find it?"""
    found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_FAULTS})")]
    faults = [] if found == ["ok"] else found
    rows = islice(connection.execute("PRAGMA foreign_key_check"), _FAULTS)
    return faults + [f"row {row} of {table} names one of {parent} that is not there" for table, row, parent, _ in rows]


def expressions(connection: sqlite3.Connection, grammar: Grammar) -> tuple[list[str], dict[str, Derivation]]:
    """Does every expression parse, and is every candidate's in the grammar? Also the candidates by id."""
    faults, found = [], {}
    for name, text, data in connection.execute("SELECT id, expression, derivation FROM candidates ORDER BY rowid"):
        try:
            derivation = grammar.derivation_from_json(json.loads(data))
            if to_text(derivation.formula) != text:
                raise SymlossError(f"its derivation gives {to_text(derivation.formula)}")
        except (ValueError, TypeError, RecursionError) as error:
            faults.append(f"candidate {name}, {text}: {error}")
            continue
        found[name] = derivation
    for number, place, text in connection.execute("SELECT generation, number, expression FROM rejections"):
        try:
            parse_formula(text)
        except SymlossError as error:
            faults.append(f"rejection {place} of generation {number}: {error}")
    return faults, found


def names(
    candidates: Mapping[str, Derivation], sample: int | None, soft: bool, tick: Callable[[int, int], None]
) -> tuple[list[str], int]:
    """Is every candidate's id the hash of its loss? Also how many were looked at.

    Args:
        candidates: by id.
        sample: at most so many, evenly spread; None for all.
        soft: whether the run's labels may lie between 0 and 1.
        tick: called with how many are done and to be done.
    """
    every = 1 if sample is None else max(1, -(-len(candidates) // sample))
    chosen = list(candidates.items())[::every]
    faults = []
    for place, (name, derivation) in enumerate(chosen):
        tick(place, len(chosen))
        right = loss_id(derivation.formula, Identity(soft_labels=soft))
        if right != name:
            faults.append(f"{to_text(derivation.formula)} has the id {name}; it is {right}")
    tick(len(chosen), len(chosen))
    return faults, len(chosen)


def scores(
    connection: sqlite3.Connection, tasks: list[TaskConfig], search: SearchConfig, ended: bool
) -> tuple[list[str], int]:
    """Has every candidate of a finished generation its scores on the first rung, and have as many climbed as should?

    A generation is finished once the next is drawn. Also how many scores there are.
    """
    faults: list[str] = []
    born = dict(connection.execute("SELECT id, generation FROM candidates"))
    last = connection.execute("SELECT max(number) FROM generations").fetchone()[0]
    finished = {name for name, generation in born.items() if ended or generation < last}
    baselines = {find(name).id for name in search.baselines}
    shape = (len(tasks), len(tasks[0].metrics))
    rungs: dict[int, set[str]] = {}
    seeds: dict[int, int] = {}
    ladder = search.ladder(tasks[0].steps)
    levelled = STRATEGIES[search.strategy].learns and search.tried > 0
    for rung, name, text in connection.execute("SELECT rung, id, scores FROM scores ORDER BY rung"):
        rungs.setdefault(rung, set()).add(name)
        if name not in born and name not in baselines:
            faults.append(f"rung {rung} has scores of {name}, which is no candidate and no baseline")
        try:
            found = read_scores(text)
        except (ValueError, TypeError, RecursionError) as error:
            faults.append(f"the scores of {name} on rung {rung} cannot be read: {error}")
            continue
        count = seeds.setdefault(rung, len(found[0][0]))
        if {(len(found), len(task), len(metric)) for task in found for metric in task} != {(*shape, count)}:
            faults.append(f"the scores of {name} on rung {rung} are not of {shape[0]} x {shape[1]} x {count} numbers")
        # Below the ladder's last rung, later generations' scores are brought to the level of the first one's seeds.
        slack = int(levelled and 0 <= rung < len(ladder.keep) and name in born and born[name] + rung > 0)
        numbers = [score for task in found for metric in task for score in metric if not math.isnan(score)]
        if not all(-slack <= score <= 1 + slack for score in numbers):
            faults.append(f"the scores of {name} on rung {rung} are not from {-slack} to {1 + slack}")
    faults += [
        f"candidate {name} of generation {born[name]} has no score on rung 0"
        for name in sorted(finished - rungs.get(0, set()))
    ]
    due = len(finished)
    for rung in range(1, _CLIMBED):
        here = rungs.get(rung, set()) - baselines
        due = ladder.places(rung - 1, due)
        if len(here) < due:
            faults.append(f"rung {rung} has {len(here)} candidates; {due} climb to it from the finished generations")
        below = here - rungs.get(rung - 1, set())
        faults += [f"candidate {name} is on rung {rung} and not on the one below" for name in sorted(below)]
    for rung, here in sorted(rungs.items()):
        missing = baselines - here
        if 0 <= rung <= _CLIMBED and missing and finished:
            faults.append(f"rung {rung} lacks the baselines {', '.join(sorted(missing))}")
    return faults, sum(map(len, rungs.values()))
