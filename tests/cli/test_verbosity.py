"""``--quiet``, ``--verbose`` and ``--log`` of the commands that run for long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
SMALL = ("benchmark", "mae", "--seeds", 2, "--steps", 2, "--device", "cpu", "--run-dir")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("evolve", "default", "--quiet", "--verbose"),
            "--quiet shows the result alone and --verbose all that happens",
        ),
        (("benchmark", "mae", "-q", "-v"), "--quiet shows the result alone and --verbose all that happens"),
        (("evolve", "default", "--log", "tensorbord"), "unknown log 'tensorbord'.*did you mean 'tensorboard'"),
    ],
)
def test_what_does_not_go_together(symloss: Run, arguments: tuple[str, ...], expected: str) -> None:
    import re

    done = symloss(*arguments)
    assert done.code == 2
    assert re.search(expected, " ".join(done.err.split()))


def test_a_benchmark_says_as_much_as_is_wanted(symloss: Run) -> None:
    plain, verbose = symloss(*SMALL, "one"), symloss(*SMALL, "two", "--verbose")
    quiet = symloss(*SMALL, "one", "--quiet")
    assert [done.code for done in (plain, verbose, quiet)] == [0, 0, 0]
    lines = plain.out.splitlines()
    assert lines[0] == "digits, mlp: 4 cells"
    assert quiet.out.splitlines()[:3] == lines[1:4]  # the result begins at once
    assert verbose.out.splitlines()[0] == lines[0]
    assert verbose.out.splitlines()[1].startswith("digits, mlp: 4 cells in ")
    assert "4 of 4 done: ce, mae" in verbose.out
    for done in (plain, verbose, quiet):
        assert "\x1b" not in done.out
        assert "\r" not in done.out
        assert done.err == ""
