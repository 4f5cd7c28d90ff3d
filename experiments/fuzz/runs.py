"""Fuzzes what reads a run directory: its configuration, its result and its database, as somebody else might send them.

    python experiments/fuzz/runs.py --inputs 20000

Each input is a finished run with a few things changed: values of any type in its JSON, links, paths with `..`, rows of
the database, its tables. The run is opened as `--resume` does, its best loss looked up as `show` and `export` do, its
database read as a resumed search does; of some the page is written. A module that a run names as its dataset must not
be imported by any of it, and what lies beside the run must stay as it is.
"""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from common import Escaped, arguments, fuzz, watch

from symloss.errors import SymlossError
from symloss.formula import parse_formula, to_text
from symloss.grammar import load_grammar
from symloss.search import SCREENS, SearchConfig
from symloss.store import Run, find_loss
from symloss.symbolic import certify, loss_id, to_latex
from symloss.tasks import TaskConfig

#: A module in the current directory: nothing that reads a run may import it.
_TRAP = "symloss_fuzz_trap"
_MARKUP = "<img src=x onerror=alert(1)>"
_VALUES: list[Any] = [
    None,
    True,
    -1,
    0,
    3,
    10**30,
    1.5,
    float("nan"),
    float("inf"),
    -1e308,
    "",
    "x",
    "é",
    "\ud800",
    "\0",
    "\x1b[2J",
    _MARKUP,
]
_VALUES += [
    "../../outside/x",
    "/etc/passwd",
    f"{_TRAP}:make",
    "os:getcwd",
    "imagefolder:/",
    "9**9**9",
    "__import__('os').system('touch pwned')",
]
_VALUES += [
    "y_pred**y_true",
    "(" * 5_000,
    "x" * 50_000,
    [],
    {},
    [[]],
    [1, "x"],
    {"a": None},
    [[[[]]]],
    "log(0)",
    "NaN",
    "1e999",
    '\n"""\nimport os\n',
]
_DEEP = "[" * 100_000


def _run(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make a finished run without training, and return its configuration and its result."""
    grammar = load_grammar("default")
    run = Run.create(folder, grammar, [TaskConfig()], SearchConfig(seed=3, budget=64))
    config = run.config()
    run.close()
    database = sqlite3.connect(folder / "run.sqlite")
    database.execute("INSERT INTO generations VALUES (0, 9)")
    for k, seed in enumerate(grammar.seeds[:3]):
        text = to_text(seed.formula)
        row = (f"{k:016x}", 0, k, text, json.dumps(seed.to_json()), seed.formula.size, "draw", "[]")
        database.execute("INSERT INTO candidates VALUES (?,?,?,?,?,?,?,?)", row)
        database.execute("INSERT INTO scores VALUES (0, ?, '[[[0.5, 0.6]]]')", (f"{k:016x}",))
    database.execute("INSERT INTO rejections VALUES (0, 0, 'log(y_pred)', 'free-logits', 'no y_true')")
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.execute("PRAGMA journal_mode = DELETE")
    database.close()
    score = {"mean": 0.9, "std": 0.01, "n": 3, "ci95": [0.89, 0.91], "scores": [0.89, 0.9, 0.91]}
    gain = {"mean": 0.01, "p": 0.01, "p_holm": 0.02, "ci95": [0.0, 0.02]}
    rows = []
    for k, text in enumerate(("exp(-y_pred*(1 + y_true))", "-y_true*log(y_pred)"), 1):
        formula = parse_formula(text)
        known = zip(("r0", "r1"), certify(formula), strict=True)
        rows.append(
            {
                "loss": f"#{k}",
                "id": loss_id(formula),
                "expression": text,
                "latex": to_latex(formula),
                "size": formula.size,
            }
            | {
                "note": None,
                "certificate": {name: one.to_dict() for name, one in known},
                "scale": 1.0,
                "validation": score,
            }
            | {"test": score, "gain": gain, "metrics": {}, "rank": k, "search_validation": 0.9}
            | {"candidate": {"id": f"{k:016x}", "expression": text, "generation": 0, "origin": "draw", "parents": []}}
        )
    baseline = {key: value for key, value in rows[1].items() if key not in ("rank", "candidate")} | {
        "loss": "ce",
        "gain": None,
    }
    result = {
        "run": str(folder),
        "config": config,
        "counts": {"drawn": 9, "duplicates": 1, "rejected": dict.fromkeys(SCREENS, 0), "trained": 3},
        "stopped": "budget",
        "noise": {"std": 0.007, "last_seeds": 3},
        "seconds": 12.0,
        "hall_of_fame": rows,
        "control": [],
        "control_counts": None,
        "baselines": [baseline],
    }
    return config, result


def _changed(data: Any, rng: random.Random) -> Any:
    """Return data with a value at some place replaced, left out or put in anew."""
    data = copy.deepcopy(data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        node = data
        while isinstance(node, dict | list) and node:
            place = rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
            inner = node[place]
            if not isinstance(inner, dict | list) or not inner or rng.random() < 0.2:
                kind = rng.random()
                if kind < 0.75:
                    node[place] = rng.choice(_VALUES)
                elif kind < 0.9:
                    del node[place]
                elif isinstance(node, dict):
                    node[rng.choice(["extra", "", "a\0", "__class__", "weight"])] = rng.choice(_VALUES)
                break
            node = inner
    return data


class Runs:
    """Makes runs in a sandbox and reads them.

    Args:
        sandbox: a folder; all that the reader may change lies in ``here`` below it.
    """

    def __init__(self, sandbox: Path) -> None:
        self.sandbox, self.here, self.outside = sandbox, sandbox / "here", sandbox / "outside"
        self.here.mkdir()
        self.outside.mkdir()
        self.config, self.result = _run(self.here / "plain")
        self.database = (self.here / "plain" / "run.sqlite").read_bytes()
        (self.outside / "victim").write_text("untouched")
        (self.outside / "victim.sqlite").write_bytes(b"")
        (sandbox / f"{_TRAP}.py").write_text("def make(**_):\n    raise SystemExit(1)\n")
        self.number = 0

    def generate(self, rng: random.Random) -> tuple[str, int]:
        """Return what is changed, and a seed for how."""
        kinds = ["config", "result", "result", "rows", "rows", "tables", "bytes", "links", "nothing"]
        return rng.choice(kinds), rng.randrange(2**32)

    def make(self, kind: str, rng: random.Random) -> Path:
        """Write a changed run and return its folder."""
        self.number += 1
        folder = self.here / "run"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        config, result = self.config, self.result
        if kind == "config":
            config = _changed(config, rng)
        if kind == "result":
            result = _changed(result, rng)
        texts = {"config.json": json.dumps(config), "hall_of_fame.json": json.dumps(result)}
        if kind == "bytes":
            name = rng.choice(list(texts))
            texts[name] = rng.choice(
                [
                    _DEEP,
                    texts[name][: rng.randrange(len(texts[name]))],
                    "",
                    "[]",
                    "1",
                    '"x"',
                    "\0",
                    '{"a": ' * 3_000,
                    "[1e999]",
                ]
            )
        for name, text in texts.items():
            if name == "config.json" or rng.random() < 0.9:
                (folder / name).write_text(text)
        (folder / "run.sqlite").write_bytes(self.database)
        if kind in ("rows", "tables"):
            self._change_database(folder / "run.sqlite", kind, rng)
        if kind == "bytes" and rng.random() < 0.5:
            data = bytearray(self.database)
            for _ in range(rng.choice([1, 5, 200])):
                data[rng.randrange(len(data))] = rng.randrange(256)
            (folder / "run.sqlite").write_bytes(
                bytes(data[: rng.choice([len(data), len(data), rng.randrange(len(data))])])
            )
        if kind == "links":
            name = rng.choice(
                [
                    *texts,
                    "run.sqlite",
                    "run.sqlite-wal",
                    "run.sqlite-journal",
                    "control.sqlite",
                    "report.html",
                    "hall_of_fame.csv",
                ]
            )
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(
                rng.choice(
                    [
                        self.outside / "victim",
                        self.outside / "new",
                        self.outside / "victim.sqlite",
                        folder / name,
                        "/dev/zero",
                    ]
                )
            )
        return folder

    def _change_database(self, path: Path, kind: str, rng: random.Random) -> None:
        database = sqlite3.connect(path)
        if kind == "tables":
            endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n"
            statements = [
                "DROP TABLE candidates",
                "PRAGMA user_version = 99",
                "PRAGMA user_version = 0",
                "DELETE FROM generations",
            ]
            statements += [
                f"DROP TABLE scores; CREATE VIEW scores AS {endless} AS rung, 'a' AS id, 'b' AS scores FROM c"
            ]
            statements += [
                f"DROP TABLE candidates; CREATE VIEW candidates AS {endless} FROM c",
                "ALTER TABLE scores RENAME TO points",
            ]
            statements += [
                "CREATE TRIGGER t AFTER INSERT ON scores BEGIN DELETE FROM candidates; END",
                "CREATE TABLE more (x)",
            ]
            statements += [
                "DROP TABLE clock; CREATE TABLE clock (only, seconds); INSERT INTO clock VALUES (0, 'x')",
                "CREATE INDEX i ON scores (abs(rung))",
            ]
            database.executescript(rng.choice(statements))
        else:
            table, columns = rng.choice(
                [
                    (
                        "candidates",
                        ["id", "generation", "position", "expression", "derivation", "size", "origin", "parents"],
                    ),
                    ("scores", ["rung", "id", "scores"]),
                    ("rejections", ["expression", "screen", "reason"]),
                ]
            )
            database.execute(f"CREATE TABLE kept AS SELECT * FROM {table}")  # columns of any type
            database.execute(f"DROP TABLE {table}")
            database.execute(f"ALTER TABLE kept RENAME TO {table}")
            odd = [
                None,
                7,
                -1,
                2.5,
                2**62,
                b"\xff\0",
                "",
                "é",
                "\0",
                "log(",
                "9**9**9**9",
                "import os",
                _DEEP,
                "[" * 900 + "]" * 900,
                '["nowhere", 0, [], null]',
                "x" * 2_000_000,
            ]
            odd += [
                '["expr", 0, [], null]',
                '["expr", 99, [], null]',
                '["expr", true, [["leaf", 0, [], 1e999]], NaN]',
                "{}",
                "[]",
                "[[]]",
                "[[[]]]",
                '[[["x"]]]',
                "null",
                "NaN",
                "[[[1e999, NaN]]]",
                '{"0": [1]}',
            ]
            for _ in range(rng.choice([1, 1, 3])):
                database.execute(f"UPDATE {table} SET {rng.choice(columns)} = ?", (rng.choice(odd),))
        database.commit()
        database.close()

    def check(self, given: tuple[str, int]) -> str:
        """Make a run and read it in all ways that need no training."""
        kind, seed = given
        rng = random.Random(seed)
        self.writing = True
        try:
            folder = self.make(kind, rng)
        finally:
            self.writing = False
        outcomes = {self._tried(self._opened, folder), self._tried(self._looked_up, folder)}
        if rng.random() < 0.02:
            outcomes.add(self._tried(self._paged, folder))
        if _TRAP in sys.modules:
            raise Escaped("the module that the run names was imported")
        found = sorted(path.name for path in self.outside.iterdir())
        if (
            found != ["victim", "victim.sqlite"]
            or (self.outside / "victim").read_text() != "untouched"
            or (self.outside / "victim.sqlite").stat().st_size
        ):
            raise Escaped(f"what lies outside has changed: {found}")
        return "read" if outcomes == {"read"} else "refused"

    def _tried(self, action: Any, folder: Path) -> str:
        try:
            action(folder)
        except SymlossError as error:
            if not str(error).strip() or len(str(error)) > 5_000:
                raise AssertionError(f"a message of {len(str(error))} characters") from error
            return "refused"
        return "read"

    def _opened(self, folder: Path) -> None:
        run = Run.open(folder)
        try:
            for number in range(2):
                run.database.load_generation(number)
            run.database.load_scores(0)
            run.database.load_seconds()
            run.database.load_stop()
            run.result()
        finally:
            run.close()

    def _looked_up(self, folder: Path) -> None:
        from symloss.codegen import export_json, export_torch
        from symloss.report import provenance_lines

        formula, row = find_loss(str(folder), 1)
        lines = provenance_lines(row)
        if self.number % 20 == 0:
            source = export_torch(formula, name="run:1", provenance=lines, class_reduction=row["class_reduction"])
            compile(source, "exported", "exec")
        export_json(formula, name="run:1", provenance=row)

    def _paged(self, folder: Path) -> None:
        from symloss.report import save_page

        text = save_page(folder).read_text(encoding="utf-8")
        if _MARKUP in text:
            raise Escaped("the page has markup of the run's")


def main() -> int:
    options = arguments(__doc__.split("\n")[0], 20_000)
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None  # each input writes a few files
    with tempfile.TemporaryDirectory(dir=memory) as name:
        os.chdir(name)
        runs = Runs(Path(name))
        for _ in range(3):
            runs.check(("nothing", 1))
        runs._paged(runs.make("nothing", random.Random(1)))
        watch(Path(name), executes=True)
        return fuzz("runs", options, runs.generate, runs.check)


if __name__ == "__main__":
    sys.exit(main())
