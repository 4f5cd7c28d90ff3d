"""LaTeX of a formula as it is written, with p for the predicted probability and y for the label."""

from __future__ import annotations

import sympy

from symloss.formula import Formula
from symloss.formula.writer import number_text
from symloss.symbolic.sympy_bridge import from_sympy

#: How strongly the LaTeX of a node binds. A fraction or a root needs no parentheses save under an exponent.
_SUM, _SIGNED, _PRODUCT, _BLOCK, _ATOM = range(5)

_VARIABLES = {"y_pred": "p", "y_true": "y"}
_NAMED = {"asinh": r"\operatorname{arsinh}", "atan": r"\arctan", "i0": "I_{0}", "i1": "I_{1}"}
_NAMED |= {name: rf"\{name}" for name in ("log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min")}


def to_latex(formula: Formula | sympy.Expr) -> str:
    """Return LaTeX in ``p`` and ``y``, for example ``-y \\log\\left(p\\right)`` for ``-y_true*log(y_pred)``.

    Constants stay the decimals that they are written as.

    Raises:
        ExpressionError: a SymPy expression outside the whitelist.
    """
    return _write(formula if isinstance(formula, Formula) else from_sympy(formula))[0]


def _write(node: Formula) -> tuple[str, int]:
    """Return the LaTeX of a node and its binding strength."""
    op, args = node.op, node.args
    if op == "const":
        assert isinstance(node.value, float)
        return _number(node.value)
    if op in _VARIABLES:
        return _VARIABLES[op], _ATOM
    if op == "hole":
        return rf"\langle\mathrm{{{str(node.value).replace('_', chr(92) + '_')}}}\rangle", _ATOM
    if op == "neg":
        return f"-{_at_least(_PRODUCT, args[0])}", _SIGNED
    if op in ("add", "sub"):
        sign = "+" if op == "add" else "-"
        right = _at_least(_PRODUCT if op == "sub" or args[1].op not in ("add", "sub") else _SUM, args[1])
        if right.startswith("-"):  # a sum that starts with a minus sign
            right = rf"\left({right}\right)"
        return f"{_write(args[0])[0]} {sign} {right}", _SUM
    if op == "mul":
        return _product(*args)
    if op == "div":
        above, strength = _write(args[0])
        below = _write(args[1])[0]
        if strength in (_SIGNED, _PRODUCT) and above.startswith("-"):
            return rf"-\frac{{{above[1:]}}}{{{below}}}", _SIGNED
        return rf"\frac{{{above}}}{{{below}}}", _BLOCK
    if op in ("pow", "square"):
        exponent = "2" if op == "square" else _write(args[1])[0]
        return f"{_at_least(_ATOM, args[0])}^{{{exponent}}}", _BLOCK
    inner = ", ".join(_write(arg)[0] for arg in args)
    if op == "exp":
        return f"e^{{{inner}}}", _BLOCK
    if op == "sqrt":
        return rf"\sqrt{{{inner}}}", _BLOCK
    if op == "abs":
        return rf"\left|{inner}\right|", _ATOM
    name = _NAMED.get(op, rf"\operatorname{{{op}}}")
    return rf"{name}\left({inner}\right)", _BLOCK


def _at_least(strength: int, node: Formula) -> str:
    """Return the LaTeX of a node, in parentheses if it binds more weakly."""
    text, own = _write(node)
    return text if own >= strength else rf"\left({text}\right)"


def _product(a: Formula, b: Formula) -> tuple[str, int]:
    left, right = _at_least(_SIGNED, a), _at_least(_PRODUCT, b)
    # Beside a number, a number or a fraction would be read as one with it.
    dot = right[0].isdigit() or (left[-1].isdigit() and right.startswith(r"\frac"))
    return f"{left} {chr(92) + 'cdot ' if dot else ''}{right}", _SIGNED if left.startswith("-") else _PRODUCT


def _number(value: float) -> tuple[str, int]:
    mantissa, _, exponent = number_text(value).partition("e")
    sign = _SIGNED if value < 0 else _ATOM
    if not exponent:
        return mantissa, sign
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}", min(sign, _PRODUCT)
