"""Formulas as text for use elsewhere: LaTeX, SymPy source and JSON (torch source is in ``export_torch``)."""

from __future__ import annotations

import json
from typing import Any

from symloss.formula import Formula, to_text
from symloss.formula.fold import number
from symloss.formula.writer import number_text
from symloss.symbolic import to_latex
from symloss.symbolic.sympy_bridge import check_written_out


def export_latex(formula: Formula, *, name: str = "L") -> str:
    """Return a complete LaTeX document that shows the formula in p (predicted probability) and y (label)."""
    title = "".join(_LATEX_ESCAPES.get(character, character) for character in " ".join(name.split()))
    return "\n".join(
        [
            r"\documentclass{article}",
            r"\usepackage{amsmath}",
            r"\begin{document}",
            f"The loss \\textbf{{{title}}} of one class with predicted probability $p$ and label $y$:",
            r"\begin{equation*}",
            f"  L(p, y) = {to_latex(formula)}",
            r"\end{equation*}",
            r"\end{document}",
            "",
        ]
    )


_LATEX_ESCAPES = {character: "\\" + character for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def export_json(formula: Formula, *, name: str, provenance: dict[str, Any] | None = None) -> str:
    """Return a JSON object with keys ``name``, ``expression``, ``latex``, ``size`` and ``provenance``."""
    content = {
        "name": name,
        "expression": to_text(formula),
        "latex": to_latex(formula),
        "size": formula.size,
        "provenance": provenance or {},
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def export_sympy(formula: Formula) -> str:
    """Return Python source that builds the SymPy expression ``expression``; decimals stay exact.

    Raises:
        ExpressionError: scaled Bessel functions are nested so deeply that the source would be huge.
    """
    check_written_out(formula)
    return (
        "import sympy\n\n"
        'y_pred, y_true = sympy.symbols("y_pred y_true", real=True)\n'
        f"expression = {_sympy(formula)[0]}\n"
    )


_INFIX = {"add": ("+", 1), "sub": ("-", 1), "mul": ("*", 2), "div": ("/", 2), "pow": ("**", 4)}
_TEMPLATES = {
    "square": "({0})**2",
    "sigmoid": "(1 / (1 + sympy.exp(-({0}))))",
    "softplus": "sympy.log(1 + sympy.exp({0}))",
    "relu": "sympy.Max({0}, 0)",
    "abs": "sympy.Abs({0})",
    "i0": "sympy.besseli(0, {0})",
    "i0e": "(sympy.exp(-sympy.Abs({0}))*sympy.besseli(0, {0}))",
    "i1": "sympy.besseli(1, {0})",
    "i1e": "(sympy.exp(-sympy.Abs({0}))*sympy.besseli(1, {0}))",
    "max": "sympy.Max({0}, {1})",
    "min": "sympy.Min({0}, {1})",
}


def _sympy(node: Formula) -> tuple[str, int]:
    """Return the source of a node and its binding strength: 1 sum, 2 product, 3 sign, 4 power, 5 atom."""
    if node.op == "const":
        value = number(node)
        kind = "Integer" if value.is_integer() else "Rational"
        # An exact number type, since Python itself would divide two plain integers to a float.
        argument = str(int(value)) if kind == "Integer" else f'"{number_text(value)}"'
        return f"sympy.{kind}({argument})", 5
    if not node.args:
        return node.op, 5
    parts = [_sympy(arg) for arg in node.args]
    if len(parts) == 2:
        # Beside a symbol a plain integer is safe, and easier to read.
        for place, (arg, other) in enumerate(zip(node.args, reversed(node.args), strict=True)):
            if arg.op == "const" and number(arg).is_integer() and _has_symbol(other):
                parts[place] = (str(int(number(arg))), 5 if number(arg) >= 0 else 3)
    if node.op == "neg":
        text, strength = parts[0]
        return (f"-{text}" if strength > 3 else f"-({text})"), 3
    if node.op in _INFIX:
        symbol, strength = _INFIX[node.op]
        (left, left_strength), (right, right_strength) = parts
        left = left if left_strength >= strength and left_strength != 4 else f"({left})"
        right = right if right_strength > strength else f"({right})"
        return f"{left}{symbol}{right}" if strength > 1 else f"{left} {symbol} {right}", strength
    texts = [text for text, _ in parts]
    template = _TEMPLATES.get(node.op)
    return (template.format(*texts) if template else f"sympy.{node.op}({', '.join(texts)})"), 5


def _has_symbol(node: Formula) -> bool:
    return any(leaf.op in ("y_pred", "y_true") for leaf in node.walk())
