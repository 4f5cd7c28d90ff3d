"""Writes the reference of the commands from the commands themselves, at each build, so that it cannot go stale."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer
from sphinx.application import Sphinx

from symloss.cli.app import app as program

#: Where the reference goes in a page.
PLACE = "<!-- the commands -->"


def reference() -> str:
    """Return the reference as MyST: a section for each command, with its arguments and options."""
    root = typer.main.get_command(program)
    return "\n\n".join(_sections(root, "symloss"))


def _sections(command: Any, name: str) -> Iterator[str]:
    context = typer.Context(command, info_name=name)
    if name != "symloss":
        yield f"## {name}"
        usage = " ".join(command.collect_usage_pieces(context))
        yield f"```text\n{name} {usage}\n```"
        yield _prose(command.help or "")
        for parameter in command.params:
            record = parameter.get_help_record(context)
            if record is not None and "--help" not in parameter.opts:
                yield f"`{record[0]}`\n: {_prose(record[1])}"
    for part, child in getattr(command, "commands", {}).items():
        yield from _sections(child, f"{name} {part}")


def _prose(text: str) -> str:
    """Return a help text as Markdown: on one line, with what it quotes as code."""
    text = re.sub(r"\s+", " ", text.split("\f")[0]).strip()
    text = re.sub(r"(?<!\w)'([^']+)'(?!\w)", r"`\1`", text)
    return re.sub(r"(?<![\w`])(--[a-z-]+)(?![\w`])", r"`\1`", text)


def _fill(app: Sphinx, name: str, source: list[str]) -> None:
    if PLACE in source[0]:
        source[0] = source[0].replace(PLACE, reference())


def setup(app: Sphinx) -> dict[str, Any]:
    """Fill the place in each page that has it; such a page is read again at each build."""
    app.connect("source-read", _fill)
    app.connect("env-get-outdated", lambda app, env, added, changed, removed: ["commands"])
    return {"parallel_read_safe": True, "parallel_write_safe": True}
