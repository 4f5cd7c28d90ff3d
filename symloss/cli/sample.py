"""`symloss sample`: what a grammar draws, and what the screens say of it."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

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


def command(
    grammar: Annotated[
        str,
        typer.Argument(
            help="A grammar's YAML file, or the name of a shipped one such as 'default'.",
            autocompletion=completion.grammar,
        ),
    ],
    number: Annotated[int, typer.Option("-n", parser=whole_number, metavar="N", help="How many candidates.")] = 20,
    seed: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="Of the search whose first draws these are.")
    ] = 0,
    classes: ClassesOption = 10,
    json_file: JsonOption = None,
) -> None:
    """Draw candidates from a grammar, the first ones of a search, and say what each screen said of them."""
    check_writable(json_file)
    check_range("the number of candidates", number, 1, 1_000_000)
    check_range("the number of classes", classes, 2, MAX_CLASSES)
    console = console_for(json_file)
    from symloss.grammar import load_grammar

    loaded = load_grammar(grammar)
    with waiting(console, "starting (importing torch)"):
        from symloss.cli.draws import SAMPLE_SCREENS, judged_draws, progress_console
        from symloss.formula import to_text
        from symloss.report import DrawBar, sample_tables
        from symloss.symbolic import loss_id, to_latex

        verdicts: Counter[str] = Counter()
        candidates = []
    with DrawBar(progress_console(console), "screening") as bar:
        for draw in judged_draws(loaded, number, seed, classes, seeds=True, progress=bar):
            verdict = draw.screen or "passed"
            verdicts[verdict] += 1
            candidates.append(
                {
                    "expression": to_text(draw.formula),
                    "latex": to_latex(draw.formula),
                    "id": loss_id(draw.formula),
                    "verdict": verdict,
                    "reason": draw.reason,
                }
            )
    result = {
        "grammar": str(loaded.source or grammar),
        "seed": seed,
        "classes": classes,
        "counts": {name: verdicts[name] for name in ("passed", *SAMPLE_SCREENS)},
        "candidates": candidates,
    }
    for part in sample_tables(result):
        console.print(part)
    write_json(json_file, result)
