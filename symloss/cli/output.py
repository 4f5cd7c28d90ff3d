"""What commands share: consoles, JSON output and the LOSS argument."""

from __future__ import annotations

import json
import math
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from symloss.formula import Formula
    from symloss.losses import CatalogueLoss

LOSS_HELP = "A known loss such as 'focal(gamma=1)' (see 'symloss losses'), RUN:RANK, or a formula in y_pred and y_true."
#: The most classes for which candidates are screened: free logits of C classes are at least C samples.
MAX_CLASSES = 1000


def console_for(json_target: str | None) -> Console:
    """Return the console for people: standard error when the JSON takes standard output."""
    stream = sys.stderr if json_target == "-" else sys.stdout
    return Console(
        stderr=json_target == "-",
        # NO_COLOR alone leaves Rich its bold and dim.
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        # FORCE_COLOR, which CI systems set, makes no terminal in which something could be redrawn.
        force_interactive=None if stream.isatty() else False,
    )


@contextmanager
def warnings_hidden() -> Iterator[None]:
    """Do not print Python's warnings: they are in the log of a run, and ``--verbose`` shows them."""
    before = warnings.showwarning
    warnings.showwarning = lambda *_, **__: None
    try:
        yield
    finally:
        warnings.showwarning = before


def check_verbosity(quiet: bool, verbose: bool) -> None:
    """Refuse both at once.

    Raises:
        SymlossError: both are wanted.
    """
    from symloss.errors import SymlossError

    if quiet and verbose:
        raise SymlossError("--quiet shows the result alone and --verbose all that happens; give one of them")


def stopping_line(work: str) -> str:
    """Return what is said at once when Ctrl-C is heard and something is to be finished first."""
    return f"Stopping when {work} in hand are done; Ctrl-C again stops at once."


def waiting(console: Console, text: str) -> AbstractContextManager[object]:
    """Return a spinner with a text, or nothing where escape codes are not wanted."""
    return console.status(text) if console.is_interactive and console.color_system is not None else nullcontext()


def write_json(target: str | None, data: Any) -> None:
    """Write the JSON to a file, to standard output for ``-``, or nowhere for None."""
    if target is None:
        return
    write_text(target, json.dumps(_finite(data), indent=1, allow_nan=False) + "\n")


def write_text(target: str | None, text: str) -> None:
    """Write a text to a file, to standard output for ``-``, or nowhere for None."""
    if target is None:
        return
    if target == "-":
        sys.stdout.write(text)
        return
    from symloss.files import write_atomic

    write_atomic(Path(target), text)


def _finite(data: Any) -> Any:
    """Return the data with null for infinity and nan, which JSON does not have."""
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def whole_number(text: str | int) -> int:
    """Read an option's number; its range is checked where it is used.

    Raises:
        typer.BadParameter: it is none.
    """
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number") from None


#: Options that several commands have.
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show the result alone.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Show all that happens, a line each.")]
JsonOption = Annotated[str | None, typer.Option("--json", help="Write it there; - for standard output.")]
ClassesOption = Annotated[
    int, typer.Option(parser=whole_number, metavar="N", help="The number of classes C, for what depends on it.")
]


def check_range(name: str, value: int, low: int, high: int) -> None:
    """Refuse a number that is out of range.

    Raises:
        SymlossError: it is.
    """
    from symloss.errors import SymlossError

    if not low <= value <= high:
        raise SymlossError(f"{name} is {value}; it must be from {low} to {high:,}")


def check_writable(target: str | None) -> None:
    """Fail now rather than after minutes of work if the JSON could not be written there.

    Raises:
        SymlossError: the folder does not exist, or the target is a folder.
    """
    from symloss.errors import SymlossError, shown

    if target in (None, "-"):
        return
    path = Path(str(target))
    try:
        path.exists()
    except (OSError, ValueError) as error:  # longer than a path can be, or with a null character
        raise SymlossError(f"cannot write {shown(str(path))}: {getattr(error, 'strerror', error)}") from None
    if path.is_dir():
        raise SymlossError(f"cannot write {path}: it is a directory; name a file")
    if not path.parent.is_dir():
        raise SymlossError(f"cannot write {path}: there is no directory {path.parent}; make it first")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise SymlossError(f"cannot write {path}: permission denied; choose another place")


def resolve_loss(text: str) -> tuple[str, Formula | CatalogueLoss, dict[str, Any]]:
    """Return ``(name, loss, provenance)`` of a LOSS argument: a known loss, RUN:RANK or an expression.

    Raises:
        SymlossError: it is none of these.
    """
    from symloss.formula import parse_formula
    from symloss.losses import find, is_name, title
    from symloss.store import find_loss
    from symloss.symbolic import to_sympy

    text = text.strip()
    reference = re.fullmatch(r"(.+):(\d{1,9})", text, re.ASCII)
    if reference:
        formula, row = find_loss(reference[1], int(reference[2]))
        return text, formula, row
    if is_name(text):
        known = find(text)
        return title(known), known, _origin(known)
    formula = parse_formula(text)
    to_sympy(formula)  # refuses constants without a finite value, such as log(0) or 9**9**9
    return text, formula, {}


def _origin(loss: CatalogueLoss) -> dict[str, Any]:
    """Return where a known loss is from, and its settings."""
    from symloss.losses import title

    paper = loss.paper
    note = {} if loss.plain else {"note": loss.beyond}
    return {
        "loss": title(loss),
        "paper": f"{paper.authors}: {paper.title}. {paper.source}, {paper.year}",
        "output": loss.output,
        "class_reduction": loss.class_reduction,
        "parameters": loss.values,
    } | note
