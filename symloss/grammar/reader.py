"""YAML text -> plain data that remember their lines. Only PyYAML's composer runs: no tag makes an object."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from symloss.grammar.errors import GrammarError, Location, Problems, shown
from symloss.limits import YAML_BYTES, YAML_LEVELS, YAML_NODES

#: Keys whose values are numbers. Every other scalar stays text as written: YAML 1.1 reads ``on`` and ``no``
#: as booleans, and a nonterminal may have these names.
NUMERIC_KEYS = frozenset({"weight", "depth", "nodes", "low", "high", "mean", "std", "values", "decimals", "digits"})
_SCALARS = ("int", "float", "bool", "null")
_EXPONENT = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")  # YAML 1.1 takes 1e-3 for text
#: YAML 1.1 has numbers of base 60, such as 1:30:00, and long ones of any base would keep a reader busy.
_LONGEST_NUMBER = 100


def read_bytes(path: Path, what: str = "grammar") -> bytes:
    """Return a file's content; ``what`` names it in messages.

    Raises:
        GrammarError: it is missing, a directory, unreadable or larger than 500 kB.
    """
    try:
        with path.open("rb") as file:
            data = file.read(YAML_BYTES + 1)
    except IsADirectoryError:
        raise GrammarError(f"{path}: this is a directory; name a YAML file in it") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise GrammarError(f"{path}: cannot read the {what}: {reason}") from None
    if len(data) > YAML_BYTES:
        raise GrammarError(f"{path}: larger than {YAML_BYTES:,} bytes; a {what} is a short YAML file")
    return data


def decode(data: bytes, file: str, what: str = "grammar", needs: str = "name, start and rules") -> str:
    """Return the text of a file; ``what`` and ``needs`` say in messages what it is and what must be in it.

    Raises:
        GrammarError: it is binary, not UTF-8 or blank.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise GrammarError(f"{file}:{line}: not UTF-8 text; save the {what} as UTF-8") from None
    if "\0" in text:
        raise GrammarError(f"{file}:{text.count(chr(10), 0, text.index(chr(0))) + 1}: binary data, not a YAML file")
    if not text.strip():
        raise GrammarError(f"{file}:1: the file is empty; a {what} needs {needs}")
    return text


def key_path(location: Location) -> str:
    """Return a location as text, such as ``rules.expr[2].weight``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.lstrip(".") or "top level"


class _Composer(yaml.SafeLoader):
    """Makes nodes of YAML, and stops at what a file of ours never needs before it is expanded.

    Args:
        text: the YAML.
        fail: makes the error of a line and a message.
    """

    def __init__(self, text: str, fail: Callable[[int, str], GrammarError]) -> None:
        super().__init__(text)
        self._error = fail
        self._count = self._level = 0

    def get_event(self) -> yaml.Event:
        event = super().get_event()
        line = event.start_mark.line + 1 if event.start_mark else 1
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None:
            raise self._error(line, f"anchors and aliases are not allowed ({shown(anchor)}); write it out")
        if tag is not None:
            raise self._error(line, f"tags are not allowed ({shown(tag)}); remove it")
        if isinstance(event, yaml.NodeEvent):
            self._count += 1
        if isinstance(event, yaml.CollectionStartEvent):
            self._level += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            self._level -= 1
        if self._level > YAML_LEVELS:
            raise self._error(line, f"nested more than {YAML_LEVELS} levels deep")
        if self._count > YAML_NODES:
            raise self._error(line, f"more than {YAML_NODES:,} keys and values; a file of ours is short")
        return event


class Document:
    """The data of one YAML document.

    Attributes:
        data: mappings, lists, text and (for numeric keys) numbers and booleans.
        problems: collects mistakes and places them by ``FILE:LINE``.

    Args:
        text: the YAML.
        file: how messages name the file.
        numeric: the keys whose values need not be text; None for all keys.

    Raises:
        GrammarError: broken YAML, more than one document, anchors, tags, too deep nesting or too much of it.
    """

    data: Any

    def __init__(self, text: str, file: str, numeric: frozenset[str] | None = NUMERIC_KEYS) -> None:
        self._file = file
        self._numeric = numeric
        self._lines: dict[Location, int] = {(): 1}
        self.problems = Problems(self.place)
        root = self._compose(text)
        self.data = None if root is None else self._convert(root, ())

    def place(self, location: Location) -> tuple[int, str]:
        """Return the line of a location, or of what encloses it, as a sort key and as ``FILE:LINE``."""
        known: Location = ()
        for part in location:  # parts that the file does not have, such as a union's tag, are passed over
            if (*known, part) in self._lines:
                known = (*known, part)
        line = self._lines[known]
        return line, f"{self._file}:{line}"

    def _fail(self, line: int, message: str) -> GrammarError:
        return GrammarError(f"{self._file}:{line}: {message}")

    def _compose(self, text: str) -> yaml.Node | None:
        try:
            composer = _Composer(text, self._fail)
            try:
                return composer.get_single_node()
            finally:
                composer.dispose()
        except GrammarError:
            raise  # it is a ValueError too, and says its line
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            code = error.character if isinstance(error.character, int) else ord(error.character)
            raise self._fail(line, f"broken YAML: the character U+{code:04X} is not allowed") from None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            reason = error.problem or error.context or "unreadable"
            hint = "; quote text that holds any of : # { } [ ] , & * ! | > % @" if mark else ""
            if "expected a single document" in str(error.context):
                reason, hint = "more than one document; keep one", ""
            raise self._fail(line, f"broken YAML: {reason}{hint}") from None
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise self._fail(1, f"broken YAML: {error}") from None

    def _convert(self, node: yaml.Node, location: Location) -> Any:
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._lines[*location, index] = item.start_mark.line + 1
            return [self._convert(item, (*location, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, location)

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise self._fail(line, "a key must be plain text, not a list or a mapping")
            inner = (*location, key.value)
            if key.value in result:
                first = self._lines[inner]
                raise self._fail(line, f"the key {shown(key.value)} is given twice, first in line {first}; keep one")
            self._lines[inner] = line
            result[key.value] = self._convert(value, inner)
        return result

    def _scalar(self, node: yaml.ScalarNode, location: Location) -> Any:
        text: str = node.value
        if node.style is None and not text:
            return None
        key = next((part for part in reversed(location) if isinstance(part, str)), "")
        if (self._numeric is not None and key not in self._numeric) or node.style is not None:
            return text
        if len(text) > _LONGEST_NUMBER:
            return text
        if _EXPONENT.fullmatch(text):
            return float(text)
        kind = node.tag.rpartition(":")[2]
        if kind not in _SCALARS:
            return text
        try:
            return getattr(SafeConstructor(), f"construct_yaml_{kind}")(node)
        except (ValueError, OverflowError):  # such as 0x or more digits than Python reads
            return text
