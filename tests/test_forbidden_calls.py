"""No text is executed: calls that may not stand in the package, and the few places that may have one, with why."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import symloss

PACKAGE = Path(symloss.__file__).parent

#: Calls by the end of their dotted names.
FORBIDDEN = {
    "eval": "evaluates text",
    "exec": "executes text",
    "compile": "makes code of text",
    "__import__": "imports what a text names",
    "import_module": "imports what a text names",
    "sympify": "evaluates text",
    "parse_expr": "evaluates text",
    "lambdify": "makes code of an expression",
    "system": "runs a program",
    "popen": "runs a program",
    "Popen": "runs a program",
    "yaml.load": "makes any object",
    "yaml.unsafe_load": "makes any object",
    "yaml.full_load": "makes many objects",
    "pickle.load": "runs what a file says",
    "pickle.loads": "runs what a message says",
    "Unpickler": "runs what a file says",
    "np.load": "may read pickles",
    "shelve.open": "reads pickles",
    "marshal.loads": "reads code",
}

#: ``{file: {call: why}}``
ALLOWED = {
    "__init__.py": {"import_module": "the package's own modules, when they are first asked for"},
    "benchmark/trainers.py": {"import_module": "symloss.training, which needs an extra"},
    "runtime/cluster.py": {"import_module": "ray, which is an extra"},
    "factory.py": {"import_module": "package.module:factory, which a user names to have it imported"},
    "data/readers/pickles.py": {"Unpickler": "CIFAR's files; it knows stand-ins alone"},
    "runtime/remote.py": {"pickle.loads": "jobs and results, from this process to workers that it started and back"},
    "runtime/serve.py": {"pickle.loads": "jobs, by a pipe from the process that started this one"},
    "symbolic/worker.py": {"Popen": "this Python with a module of ours"},
}


def name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def matches(name: str, forbidden: str) -> bool:
    if forbidden == "compile" and name != "compile":  # re.compile and torch.compile make no code of text
        return False
    if forbidden in ("eval", "exec") and name != forbidden:  # network.eval() and cursor.exec() are no such calls
        return False
    return name == forbidden or name.endswith("." + forbidden)


def forbidden_calls(source: str) -> list[tuple[str, int]]:
    """Return the forbidden names that code calls, or a class is derived from, with their lines."""
    found = []
    for node in ast.walk(ast.parse(source)):
        used = [node.func] if isinstance(node, ast.Call) else node.bases if isinstance(node, ast.ClassDef) else []
        for name in map(name_of, used):
            found += [(forbidden, node.lineno) for forbidden in FORBIDDEN if matches(name, forbidden)]
            if name.endswith("torch.load") and not (
                isinstance(node, ast.Call)
                and any(
                    word.arg == "weights_only" and isinstance(word.value, ast.Constant) and word.value.value is True
                    for word in node.keywords
                )
            ):
                found.append(("torch.load without weights_only=True", node.lineno))
        if isinstance(node, ast.ImportFrom) and node.module in ("pickle", "marshal", "shelve", "torch", "yaml", "os"):
            hidden = {"load", "loads", "Unpickler", "unsafe_load", "full_load", "system", "popen"}
            found += [(f"{node.module}.{name.name}", node.lineno) for name in node.names if name.name in hidden]
    return found


def test_nothing_forbidden_is_called() -> None:
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        for call, line in forbidden_calls(path.read_text(encoding="utf-8")):
            if call not in ALLOWED.get(place, {}):
                wrong.append(f"{place}:{line}: {call}, which {FORBIDDEN.get(call, 'runs what a file says')}")
    assert wrong == []


def test_every_exception_is_still_needed() -> None:
    for place, calls in ALLOWED.items():
        found = {call for call, _ in forbidden_calls((PACKAGE / place).read_text(encoding="utf-8"))}
        assert set(calls) <= found, place


@pytest.mark.parametrize(
    "code",
    [
        "eval(text)",
        "exec(text)",
        "compile(text, 'f', 'exec')",
        "sympy.sympify(text)",
        "sympy.parsing.sympy_parser.parse_expr(text)",
        "yaml.load(text, Loader=yaml.Loader)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=flag)",
        "pickle.load(file)",
        "class A(pickle.Unpickler): pass",
        "from pickle import loads",
        "os.system(text)",
        "subprocess.Popen(text)",
        "importlib.import_module(text)",
    ],
)
def test_each_kind_is_found(code: str) -> None:
    assert forbidden_calls(code)


@pytest.mark.parametrize(
    "code", ["re.compile(text)", "network.eval()", "torch.load(path, weights_only=True)", "yaml.safe_load(text)"]
)
def test_what_is_safe_is_not(code: str) -> None:
    assert forbidden_calls(code) == []


def test_a_torch_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    import torch

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "pwned",)  # type: ignore[return-value]

    torch.save({"format": 1, "trap": Trap()}, tmp_path / "state.pt")
    with pytest.raises(Exception, match="eights"):
        torch.load(tmp_path / "state.pt", weights_only=True)
    assert not (tmp_path / "pwned").exists()
