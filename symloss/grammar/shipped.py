"""Finding grammars: by path, or by the name of one that comes with symloss."""

from __future__ import annotations

from pathlib import Path

from symloss.errors import suggest
from symloss.grammar.build import build
from symloss.grammar.errors import GrammarError
from symloss.grammar.grammar import Grammar
from symloss.grammar.reader import Document, decode, read_bytes

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped_grammars() -> dict[str, Path]:
    """Return the grammars that come with symloss: name -> file, sorted by name."""
    # A wheel carries them inside the package; in a checkout they lie beside it.
    installed = _PACKAGE / "_grammars"
    folder = installed if installed.is_dir() else _PACKAGE.parent / "grammars"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_grammar(source: str | Path) -> Grammar:
    """Read and check a grammar.

    Args:
        source: a YAML file, or the name of a shipped grammar such as ``"default"``. A file that exists wins.

    Raises:
        GrammarError: no such grammar, no readable file, or mistakes in it, each as a line ``FILE:LINE: ...``.
    """
    path = _find(source)
    document = Document(decode(read_bytes(path), str(path)), str(path))
    return build(document.data, document.problems, path)


def _find(source: str | Path) -> Path:
    path = Path(source)
    try:
        exists = path.exists()
        is_file = exists and not path.is_dir()
    except (OSError, ValueError):  # longer than a path can be, or with a null character
        exists = is_file = False
    if is_file:
        return path
    shipped = shipped_grammars()
    if str(source) in shipped:
        return shipped[str(source)]
    if exists:
        return path  # a directory: reading it says so
    text = str(source)
    quoted = repr(text if len(text) <= 200 else text[:197] + "...")
    raise GrammarError(
        f"no grammar {quoted}: neither a file nor a shipped grammar; shipped: {', '.join(shipped)}"
        f"{suggest(text, shipped)}"
    )
