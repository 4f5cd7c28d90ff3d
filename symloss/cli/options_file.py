"""A command's options from a YAML file: ``--config FILE`` sets defaults, so the command line wins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from symloss.errors import SymlossError, unknown

#: Keys that are notes for people.
_NOTES = frozenset({"description", "cost"})
#: Options that a file cannot give.
_OUTSIDE = frozenset({"config", "smoke", "resume", "help"})


def _apply(context: typer.Context, name: str, value: Any) -> Any:
    """Read the file once --config and --smoke are both known; they are read before all other options."""
    known = {**context.params, name: value}
    if context.resilient_parsing or not {"config", "smoke"} <= known.keys():
        return value
    if known["config"] is not None:
        context.default_map = read_options(context, Path(known["config"]), bool(known["smoke"]))
    elif known["smoke"]:
        raise SymlossError("--smoke runs the small version that a file describes; name it with --config FILE")
    return value


def _on_config(context: typer.Context, value: Path | None) -> Path | None:
    found: Path | None = _apply(context, "config", value)
    return found


def _on_smoke(context: typer.Context, value: bool) -> bool:
    return bool(_apply(context, "smoke", value))


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        help="A YAML file with the options by their names (grammar: ..., dataset: ...); those given here win.",
        callback=_on_config,
        is_eager=True,
    ),
]
SmokeOption = Annotated[
    bool,
    typer.Option(
        "--smoke", help="Apply the section 'smoke' of the --config: a small version.", callback=_on_smoke, is_eager=True
    ),
]


def read_options(context: typer.Context, path: Path, smoke: bool) -> dict[str, Any]:
    """Return the values of a command's parameters that a file gives, by the parameters' names.

    Args:
        context: of the command.
        path: a YAML mapping from option names to values; a list is written with commas. Its section ``smoke`` holds
            values that replace the others.
        smoke: whether to apply that section.

    Raises:
        SymlossError: no readable file, or mistakes in it, each as a line ``FILE:LINE: ...``.
    """
    from symloss.grammar.reader import Document, decode, read_bytes

    what = "configuration"
    document = Document(decode(read_bytes(path, what), str(path), what, "options by their names"), str(path), None)
    problems = document.problems
    parameters = _parameters(context)
    found: dict[str, Any] = {}

    def read(section: Any, place: tuple[str, ...]) -> None:
        if not isinstance(section, dict):
            problems.add(place, "a configuration is a mapping from options to values, such as 'budget: 256'")
            return
        for key, value in section.items():
            parameter = parameters.get(key.replace("-", "_"))
            if key == "smoke" and not place:
                # Its mistakes are named even where it is not applied.
                kept = dict(found)
                read(value, ("smoke",))
                if not smoke:
                    found.clear()
                    found.update(kept)
            elif parameter is not None:
                try:
                    found[parameter.name] = _value(context, parameter, key, value)
                except (SymlossError, typer.BadParameter) as error:
                    problems.add((*place, key), getattr(error, "message", str(error)))
            elif key not in _NOTES or place:
                problems.add((*place, key), unknown("option", key, [*parameters, *(() if place else ("smoke",))]))

    # The section comes last wherever it stands, so that it wins.
    data = document.data
    if isinstance(data, dict) and "smoke" in data:
        data = {**{key: value for key, value in data.items() if key != "smoke"}, "smoke": data["smoke"]}
    read(data, ())
    problems.raise_any()
    grammar = found.get("grammar")
    if grammar is not None and (path.parent / grammar).is_file():
        found["grammar"] = str(path.parent / grammar)  # beside the file, wherever the command is called
    return found


def _parameters(context: typer.Context) -> dict[str, Any]:
    """Return the command's parameters by the names that users know."""
    found = {}
    for parameter in context.command.params:
        names = [option.removeprefix("--") for option in parameter.opts if option.startswith("--")]
        name = (names[0] if names else str(parameter.name)).replace("-", "_")
        if name not in _OUTSIDE:
            found[name] = parameter
    return found


def _value(context: typer.Context, parameter: Any, key: str, value: Any) -> Any:
    """Return a value as the command line has it: text.

    Raises:
        SymlossError: it is no text, number or list of them.
        typer.BadParameter: the option does not take it.
    """
    if value is None:
        return None  # as if it were not there
    items = value if isinstance(value, list) else [value]
    if not items or any(isinstance(item, bool) or not isinstance(item, str | int | float) for item in items):
        raise SymlossError(f"{key} is {value!r}; it must be a text, a number or a list of them")
    text = ",".join(str(item) for item in items)
    parameter.process_value(context, text)
    return text
