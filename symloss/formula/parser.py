"""Text -> formula, over a whitelist. Python's own `ast` reads the text; nothing is ever evaluated."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Collection

from symloss.errors import SymlossError, shown, unknown
from symloss.formula.functions import FUNCTIONS
from symloss.formula.tree import Y_PRED, Y_TRUE, Formula, call, constant, hole
from symloss.limits import FORMULA_CHARACTERS, FORMULA_DEPTH, FORMULA_NODES, NUMBER_MAGNITUDE

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
}
_VARIABLES = {"y_pred": Y_PRED, "y_true": Y_TRUE}


class FormulaError(SymlossError):
    """A text that is no formula: the message quotes it and says which rule it breaks."""


def parse_formula(text: str) -> Formula:
    """Read a formula in ``y_pred``, ``y_true``, numbers, ``+ - * / **`` and the functions of the whitelist.

    Args:
        text: for example ``"-y_true*log(y_pred)"``.

    Raises:
        FormulaError: not a formula, an unknown name or function, or too large.
    """
    return _parse(text, _VARIABLES.get, list(_VARIABLES), "name")


def parse_template(text: str, nonterminals: Collection[str]) -> Formula:
    """Read a grammar's production: a formula whose names may also be nonterminals, which become holes.

    Raises:
        FormulaError: as :func:`parse_formula`; unknown names list the nonterminals too.
    """

    def leaf(name: str) -> Formula | None:
        return _VARIABLES.get(name) or (hole(name) if name in nonterminals else None)

    return _parse(text, leaf, [*_VARIABLES, *nonterminals], "nonterminal")


def _parse(text: str, leaf: Callable[[str], Formula | None], names: list[str], kind: str) -> Formula:
    quoted = shown(text)

    def fail(reason: str) -> FormulaError:
        return FormulaError(f"cannot read the formula {quoted}: {reason}")

    if len(text) > FORMULA_CHARACTERS:
        raise fail(f"it has {len(text)} characters; the limit is {FORMULA_CHARACTERS}")
    if not text.strip():
        raise fail("it is empty; write one in y_pred and y_true, such as -y_true*log(y_pred)")
    if "\0" in text:
        raise fail("it holds a null character; remove it")
    if not text.isascii():  # Python would read some of them as plain letters
        stranger = next(character for character in text if not character.isascii())
        raise fail(f"it holds the character {stranger!a}; write formulas in plain ASCII")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as "1if": the whitelist below judges it
            tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        where = f" at character {error.offset}" if error.offset else ""
        raise fail(f"{error.msg}{where}") from None
    except (RecursionError, MemoryError, ValueError):
        raise fail(f"it is nested too deeply; the limit is {FORMULA_DEPTH} levels") from None

    count = 0

    def convert(node: ast.expr, level: int) -> Formula:
        nonlocal count
        count += 1
        if level > FORMULA_DEPTH:
            raise fail(f"it is nested too deeply; the limit is {FORMULA_DEPTH} levels")
        if count > FORMULA_NODES:
            raise fail(f"it has more than {FORMULA_NODES} nodes")
        if isinstance(node, ast.Constant):
            return _number(node.value, fail)
        if isinstance(node, ast.Name):
            found = leaf(node.id)
            if found is None:
                if node.id in FUNCTIONS:
                    raise fail(f"the function {node.id!r} needs its arguments in parentheses")
                raise fail(unknown(kind, node.id, names))
            return found
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            inner = convert(node.operand, level + 1)
            if isinstance(node.op, ast.UAdd):
                return inner
            # A signed literal is one number: "-3" has one node, as it does when a grammar draws it.
            # So it is behind a plus sign, and -(-0) is 0: else what is written would be read back as another tree.
            if inner.op == "const" and isinstance(inner.value, float) and inner.value >= 0:
                return constant(-inner.value)
            return call("neg", inner)
        if isinstance(node, ast.BinOp):
            op = _BINARY.get(type(node.op))
            if op is None:
                symbol = "^ (write ** for a power)" if isinstance(node.op, ast.BitXor) else "this operator"
                raise fail(f"{symbol} is not allowed; allowed: + - * / **")
            return call(op, convert(node.left, level + 1), convert(node.right, level + 1))
        if isinstance(node, ast.Call):
            return convert_call(node, level)
        raise fail(
            f"{type(node).__name__.lower()} is not allowed in a formula; "
            "allowed: numbers, y_pred, y_true, + - * / ** and functions"
        )

    def convert_call(node: ast.Call, level: int) -> Formula:
        if not isinstance(node.func, ast.Name):
            raise fail("only plain function names may be called")
        name = node.func.id
        known = FUNCTIONS.get(name)
        if known is None:
            raise fail(unknown("function", name, FUNCTIONS))
        if node.keywords or any(isinstance(arg, ast.Starred) for arg in node.args):
            raise fail(f"{name!r} takes plain arguments only")
        if len(node.args) != known.arity:
            plural = "" if known.arity == 1 else "s"
            raise fail(f"{name!r} takes {known.arity} argument{plural}, got {len(node.args)}")
        return call(name, *(convert(arg, level + 1) for arg in node.args))

    return convert(tree, 1)


def _number(value: object, fail: Callable[[str], FormulaError]) -> Formula:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fail(f"{shown(value)} is not a number")
    if abs(value) > NUMBER_MAGNITUDE:  # also catches infinity, and integers too long for a float
        raise fail(f"a number is larger than {NUMBER_MAGNITUDE:g}")
    return constant(float(value))
