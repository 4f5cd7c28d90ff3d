"""Formula -> text that the parser reads back."""

from __future__ import annotations

from symloss.formula.tree import Formula

_INFIX = {"add": ("+", 1), "sub": ("-", 1), "mul": ("*", 2), "div": ("/", 2), "pow": ("**", 4)}
_NEG = 3
_ATOM = 5


def to_text(formula: Formula) -> str:
    """Return the formula in Python's notation with as few parentheses as its structure needs."""
    return _write(formula)[0]


def number_text(value: float) -> str:
    """Return the shortest decimal of a number, without a trailing ``.0``."""
    return str(int(value)) if value == int(value) and abs(value) < 1e16 else repr(value)


def _write(node: Formula) -> tuple[str, int]:
    """Return the text of a node and its binding strength."""
    if node.op == "const":
        assert isinstance(node.value, float)
        return number_text(node.value), _NEG if node.value < 0 else _ATOM
    if node.op == "hole":
        return str(node.value), _ATOM
    if not node.args:
        return node.op, _ATOM
    if node.op == "neg":
        text, strength = _write(node.args[0])
        # A sign directly before a sign, or before a literal, would be read back as another tree.
        bare = strength >= _NEG and node.args[0].op not in ("neg", "const")
        return (f"-{text}" if bare else f"-({text})"), _NEG
    if node.op in _INFIX:
        symbol, strength = _INFIX[node.op]
        left, left_strength = _write(node.args[0])
        right, right_strength = _write(node.args[1])
        if left_strength < strength or (node.op == "pow" and left_strength < _ATOM):
            left = f"({left})"
        if right_strength <= strength or right_strength == _NEG:
            right = f"({right})"
        separator = "" if strength > 1 else " "
        return f"{left}{separator}{symbol}{separator}{right}", strength
    return f"{node.op}({', '.join(_write(arg)[0] for arg in node.args)})", _ATOM
