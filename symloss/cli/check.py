"""`symloss grammars check`: is a grammar valid, and do the screens let through what it draws?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from symloss.cli import completion
from symloss.cli.output import (
    MAX_CLASSES,
    ClassesOption,
    JsonOption,
    check_range,
    check_writable,
    console_for,
    waiting,
    whole_number,
    write_json,
)

if TYPE_CHECKING:
    from symloss.grammar import Grammar


def command(
    file: Annotated[
        str, typer.Argument(help="A grammar's YAML file, or a shipped name.", autocompletion=completion.grammar)
    ],
    number: Annotated[int, typer.Option("-n", parser=whole_number, metavar="N", help="How many draws.")] = 2000,
    seed: Annotated[int, typer.Option(parser=whole_number, metavar="N", help="Same seed, same draws.")] = 0,
    classes: ClassesOption = 10,
    json_file: JsonOption = None,
) -> None:
    """Check a grammar: is it valid, how many formulas of each size has it, and what do the screens reject?"""
    check_writable(json_file)
    check_range("the number of draws", number, 1, 1_000_000)
    check_range("the number of classes", classes, 2, MAX_CLASSES)
    console = console_for(json_file)
    from symloss.grammar import Sampler, load_grammar

    grammar = load_grammar(file)
    counts = {str(size): count for size, count in enumerate(Sampler(grammar).counts()) if count}
    with waiting(console, "starting (importing torch)"):
        from symloss.cli.draws import judged_draws, progress_console
        from symloss.report import DrawBar, check_tables

        rejected: Counter[str | None] = Counter()
    with DrawBar(progress_console(console), "screening") as bar:
        for draw in judged_draws(grammar, number, seed, classes, seeds=False, progress=bar):
            rejected[draw.screen] += 1
    result = _result(grammar, file, counts, rejected) | {"n": number, "seed": seed, "classes": classes}
    for part in check_tables(result):
        console.print(part)
    write_json(json_file, result)


def _result(grammar: Grammar, file: str, counts: dict[str, int], rejected: Counter[str | None]) -> dict[str, Any]:
    from symloss.cli.draws import SAMPLE_SCREENS

    before = SAMPLE_SCREENS[: SAMPLE_SCREENS.index("duplicate")]
    tried = rejected.total() - sum(rejected[name] for name in before)
    return {
        "grammar": str(grammar.source or file),
        "name": grammar.name,
        "rules": len(grammar.rules),
        "start": grammar.start,
        "formulas": counts,
        "rejected": {name: rejected[name] for name in SAMPLE_SCREENS},
        "passed": rejected[None],
        "duplicates_per_thousand": 1000 * rejected["duplicate"] / tried if tried else None,
    }
