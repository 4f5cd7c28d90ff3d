"""Every block of Python and every command of the documentation is run, in order, in one folder, with small sizes."""

from __future__ import annotations

import io
import shlex
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

pytest.importorskip("sybil", reason="not installed: sybil; the extra 'dev' has it")

from sybil import Document, Example
from sybil.evaluators.python import PythonEvaluator
from sybil.example import SybilFailure
from sybil.parsers.myst import CodeBlockParser

from symloss.cli import main

DOCS = Path(__file__).parents[2] / "docs"

#: What a page may say of a block, in a comment above it that is not shown: ``% NOTE: TEXT``.
NOTES = {
    "run": "options that are added, so that it takes seconds",
    "no-run": "why it is not run",
    "file": "the file that it is written to",
    "exit": "the code that it ends with",
    "shown": "why the output is not compared",
}

#: Commands that pages show and tests leave alone.
OTHERS = ("pip", "python", "source", "torchrun")


#: More blocks than this of one page must not be left out.
MOST_LEFT_OUT = 4

#: The pages that can be followed, but the first. Those of the references have no blocks of their own.
PAGES = sorted(
    {path.name for path in DOCS.glob("*.md")} - {"start.md", "api.md", "commands.md", "faults.md", "safety.md"}
)


class Page:
    """One page and what its blocks leave behind.

    Args:
        path: of the page.

    Attributes:
        ran: how many blocks were run.
        left_out: why each of the others was not.
    """

    def __init__(self, path: Path) -> None:
        self.ran = 0
        self.left_out: list[str] = []
        self._python = PythonEvaluator()
        self._said: str | None = None
        runners = {"python": self._code, "shell": self._shell, "text": self._output, "yaml": self._file}
        parsers = [CodeBlockParser(language, runner) for language, runner in runners.items()]
        self._document = Document.parse(str(path), *parsers)

    def run(self) -> None:
        """Run every block.

        Raises:
            SybilFailure: one does not do what the page says.
        """
        known = set(sys.modules)
        try:
            for example in self._document.examples():
                example.evaluate()
        finally:
            # The next page may have a file of the same name.
            for name in set(sys.modules) - known:
                if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(Path.cwd()):
                    del sys.modules[name]

    def _notes(self, example: Example) -> dict[str, str]:
        above = self._document.text[: example.start].rstrip().splitlines()
        found = {}
        while above and above[-1].startswith("%"):
            name, _, text = above.pop()[1:].partition(":")
            name, text = name.strip(), text.strip()
            assert name in NOTES, f"unknown note {name!r}; known: {', '.join(NOTES)}"
            assert text, f"the note {name!r} says nothing"
            found[name] = text
        return found

    def _left_out(self, notes: dict[str, str]) -> bool:
        self._said = None
        if "no-run" in notes:
            self.left_out.append(notes["no-run"])
            return True
        self.ran += 1
        return False

    def _file(self, example: Example) -> None:
        name = self._notes(example).get("file")
        if name is not None:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(str(example.parsed), encoding="utf-8")

    def _code(self, example: Example) -> None:
        notes = self._notes(example)
        if "file" in notes:
            self._file(example)
        elif not self._left_out(notes):
            with redirect_stdout(io.StringIO()) as out:
                self._python(example)
            self._said = out.getvalue()

    def _shell(self, example: Example) -> str | None:
        notes = self._notes(example)
        lines = str(example.parsed).replace("\\\n", " ").splitlines()
        calls = [words for words in (shlex.split(line, comments=True) for line in lines) if words]
        for words in calls:
            assert words[0] in (*OTHERS, "symloss"), f"tests do not know the command {words[0]!r}"
        mine = [words for words in calls if words[0] == "symloss"]
        if not mine or self._left_out(notes):
            self._said = None
            return None
        said = []
        for words in mine:
            code, output = call([*words, *shlex.split(notes.get("run", ""))])
            said.append(output)
            if code != int(notes.get("exit", 0)):
                return f"{shlex.join(words)} ended with {code}:\n{output}"
        self._said = None if "run" in notes else "\n".join(said)
        return None

    def _output(self, example: Example) -> str | None:
        """Compare what a page shows with what the block above it printed: each line, up to its '...', in order."""
        said, self._said = self._said, None
        if said is None or "shown" in self._notes(example):
            return None
        left = " ".join(said.split())
        for line in str(example.parsed).splitlines():
            for part in filter(None, (" ".join(piece.split()) for piece in line.split("..."))):
                if part not in left:
                    return f"the page shows {part!r}, and what is left of the output does not have it:\n{said}"
                left = left[left.index(part) + len(part) :]
        return None


def call(words: list[str]) -> tuple[int, str]:
    """Return the exit code and the output of a command, which is run in this process."""
    output = io.StringIO()
    before = sys.argv, list(sys.path)
    sys.argv = words
    try:
        with redirect_stdout(output), redirect_stderr(output):
            main()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    finally:
        sys.argv, sys.path[:] = before
    return code, output.getvalue()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, Path]:
    """The first page, and the folder in which it was followed. Other pages go on from there."""
    folder = tmp_path_factory.mktemp("started")
    page = Page(DOCS / "start.md")
    with pytest.MonkeyPatch.context() as patch:
        _enter(folder, patch)
        page.run()
    return page, folder


@pytest.fixture
def desk(started: tuple[Page, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the first page leaves it, for another page to be followed in."""
    shutil.copytree(started[1], tmp_path, dirs_exist_ok=True)
    _enter(tmp_path, monkeypatch)
    return tmp_path


def _enter(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.chdir(folder)
    patch.setenv("COLUMNS", "100")
    patch.syspath_prepend(str(folder))


def test_the_first_page(started: tuple[Page, Path]) -> None:
    page, folder = started
    assert page.ran >= 5
    assert (folder / "first-run" / "report.html").is_file()


@pytest.mark.parametrize("name", PAGES)
def test_page(name: str, desk: Path) -> None:
    page = Page(DOCS / name)
    page.run()
    assert page.ran or page.left_out
    assert len(page.left_out) <= MOST_LEFT_OUT, page.left_out


def follow(text: str, folder: Path) -> Page:
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    page = Page(path)
    page.run()
    return page


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```python\nassert 1 == 2\n```\n", "AssertionError"),
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "the page shows '2'"),
        ("```python\nprint(1, 2)\n```\n\n```text\n2 ... 1\n```\n", "the page shows '1'"),
        ("```shell\nsymloss show nll\n```\n", "ended with 2"),
        ("% exit: 2\n```shell\nsymloss show ce\n```\n", "ended with 0"),
        ("```shell\nsymloss grammars\n```\n\n```text\nno such grammar\n```\n", "the page shows 'no such grammar'"),
        ("```shell\nrm -r x\n```\n", "tests do not know the command 'rm'"),
        ("% skip: today\n```python\n1\n```\n", "unknown note 'skip'"),
    ],
)
def test_what_is_not_true_is_found(text: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _enter(tmp_path, monkeypatch)
    with pytest.raises((AssertionError, SybilFailure)) as caught:
        follow(text, tmp_path)
    assert complaint in f"{caught.type.__name__}: {caught.value}"


def test_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _enter(tmp_path, monkeypatch)
    page = follow(
        "% no-run: needs a GPU\n```shell\nsymloss show nll\n```\n\n% file: a/b.yaml\n```yaml\nx: 1\n```\n\n"
        "% run: --classes 3\n```shell\nsymloss show ce --classes 1\n```\n\n```text\nof another size\n```\n",
        tmp_path,
    )
    assert page.left_out == ["needs a GPU"]
    assert page.ran == 1
    assert (tmp_path / "a" / "b.yaml").read_text() == "x: 1\n"
