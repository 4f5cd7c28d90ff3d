"""What users name as ``package.module:factory``: imported, never evaluated, with errors that say whose fault it is."""

from __future__ import annotations

import importlib
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable
from typing import Any

from symloss.errors import SymlossError, unknown

#: Characters of an error's text that are shown.
_LONGEST = 400
_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_LIBRARIES = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]

_FORM = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):([^\W\d]\w*)")


def is_factory(name: str) -> bool:
    """Return whether a name has the form ``package.module:factory``."""
    return _FORM.fullmatch(name) is not None


def call_factory(kind: str, name: str, **arguments: object) -> Any:
    """Import ``package.module:factory`` and return what it returns.

    Modules are found as ``python -m`` finds them: in the current directory first. That directory therefore joins
    Python's search path, for good, as a factory may import when it is called.

    Args:
        kind: what the factory makes, for messages: "dataset" or "model".
        name: the factory.
        arguments: what it is called with.

    Raises:
        SymlossError: it cannot be imported or called, or raises something itself.
    """
    form = _FORM.fullmatch(name)
    if form is None:
        raise SymlossError(f"{kind} factory {name!r} has no form such as 'package.module:factory'")
    factory = _imported(kind, name, *form.groups())
    try:
        return factory(**arguments)
    except (Exception, SystemExit) as error:  # whatever it is, it is the user's own
        raise SymlossError(f"{kind} factory {name!r} failed: {described(error)}") from error


def _imported(kind: str, name: str, module_name: str, attribute: str) -> Callable[..., Any]:
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()  # a module may have been written since Python last looked
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        missing = error.name or module_name
        if module_name == missing or module_name.startswith(f"{missing}."):
            raise SymlossError(
                f"{kind} factory {name!r}: there is no module {missing!r}; it is looked for in the current directory "
                f"({here}) and on Python's path"
            ) from error
        raise SymlossError(f"{kind} factory {name!r} cannot be imported: {described(error)}") from error
    except (Exception, SystemExit) as error:
        raise SymlossError(f"{kind} factory {name!r} cannot be imported: {described(error)}") from error
    found = getattr(module, attribute, None)
    if found is None:
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise SymlossError(f"{kind} factory {name!r}: " + unknown(f"factory in {module_name}:", attribute, known))
    if not callable(found):
        raise SymlossError(f"{kind} factory {name!r} is a {type(found).__name__}; it must be a function or a class")
    result: Callable[..., Any] = found
    return result


def described(error: BaseException) -> str:
    """Return an error's type and text, and where it arose in the user's own code: file, line and what stands there.

    Frames of this package are left out, and so are those of Python's and of installed libraries where there are others.
    """
    text = " ".join(str(error).split())
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} ..."
    frames = own_frames(error) or [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not _below(frame.filename, _PACKAGE) and "importlib" not in frame.filename
    ]
    place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    at = f" at: {frames[-1].line}" if frames and frames[-1].line else ""
    return f"{type(error).__name__}{': ' if text else ''}{text}{place}{at}"


def own_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return the frames of an error's traceback that are the user's: of no library, and not of this package."""
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<") and not _below(frame.filename, _PACKAGE, *_LIBRARIES)
    ]


def _below(file: str, *folders: str) -> bool:
    return any(file.startswith(folder + os.sep) for folder in folders)
