"""The commands' frame: help, version, and errors as one message with exit code 2."""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from symloss.cli import benchmark, datasets, doctor, evolve, export, listings, report, sample, show
from symloss.errors import SymlossError, shown

app = typer.Typer(
    name="symloss",
    help="Discover loss functions as readable formulas.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("evolve")(evolve.command)
app.command("benchmark")(benchmark.command)
app.command("show")(show.command)
app.command("export")(export.command)
app.command("report")(report.command)
app.command("doctor")(doctor.command)
app.command("sample")(sample.command)
app.command("losses")(listings.losses)
app.add_typer(datasets.app, name="datasets")
app.command("models")(listings.models)
app.add_typer(listings.grammars_app, name="grammars")


def _version(wanted: bool) -> None:
    if wanted:
        import platform
        from importlib.metadata import version

        others = ", ".join(f"{name} {version(name)}" for name in ("torch", "sympy"))
        # At once: only torch knows the device, and importing it takes a second.
        print(f"symloss {version('symloss')} (Python {platform.python_version()}, {others})", flush=True)
        print(f"device: {_device()}")
        raise typer.Exit


def _device() -> str:
    """Return the device that `--device auto` takes, or why that is not known."""
    from symloss.runtime import choose_device

    try:
        return str(choose_device())
    except (ImportError, OSError) as error:  # torch is not whole
        return f"not known, as torch cannot be imported: {error}"


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the versions and the device, and exit."),
    ] = False,
) -> None:
    pass


def _protect_formulas(arguments: list[str]) -> list[str]:
    """Return the arguments with a space before a formula such as -y_true*log(y_pred), so that it is no option."""
    formula = re.compile(r"-(?!-|o).*\by_(pred|true)\b", re.DOTALL)
    return [f" {text}" if formula.match(text) else text for text in arguments]


def main() -> None:
    """Run the command line. Bad input prints one message to standard error and exits with code 2."""
    try:
        app(_protect_formulas(sys.argv[1:]), prog_name="symloss")
    except SymlossError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:  # a path that cannot be one, a disk that is full: whatever no command tells itself
        name = "" if error.filename is None else f": {shown(os.fspath(error.filename))}"
        _fail(f"{error.strerror or error}{name}")
    except UnicodeEncodeError as error:
        _fail(f"this text cannot be written as {error.encoding}: {shown(error.object)}; give it in UTF-8")


def _fail(text: str) -> NoReturn:
    """Print a message without what would steer a terminal, and exit with code 2."""
    safe = "".join(character if character.isprintable() or character == "\n" else "?" for character in text)
    Console(stderr=True).print(Text(f"symloss: {safe}", style="red"), soft_wrap=True)
    sys.exit(2)
