"""Presentation MathML of a formula as it is written, with p for the predicted probability and y for the label."""

from __future__ import annotations

from html import escape

from symloss.formula import Formula
from symloss.formula.writer import number_text

#: How strongly a node binds. A fraction or a root needs no parentheses save under an exponent.
_SUM, _SIGNED, _PRODUCT, _BLOCK, _ATOM = range(5)

_VARIABLES = {"y_pred": "p", "y_true": "y"}
_NAMED = {"asinh": "arsinh", "atan": "arctan", "i0": "I₀", "i1": "I₁"}
#: What stands between a function and its argument; a reader hears it as "of".
_APPLY = "<mo>&#x2061;</mo>"
_TIMES = "<mo>&#x2062;</mo>"
_DOT = "<mo>&#x22C5;</mo>"
_MINUS = "<mo>&#x2212;</mo>"
_SPACE = '<mspace width="0.17em"/>'
_SIGN = '<mo form="prefix">&#x2212;</mo>'


def to_mathml(formula: Formula) -> str:
    """Return one ``<math>`` element in ``p`` and ``y``; terms keep their order and constants their decimals."""
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"><mrow>{_write(formula)[0]}</mrow></math>'


def _write(node: Formula) -> tuple[str, int]:
    """Return the elements of a node and its binding strength."""
    op, args = node.op, node.args
    if op == "const":
        assert isinstance(node.value, float)
        return _number(node.value)
    if op in _VARIABLES:
        return f"<mi>{_VARIABLES[op]}</mi>", _ATOM
    if op == "hole":
        return f"<mtext>⟨{escape(str(node.value))}⟩</mtext>", _ATOM
    if op == "neg":
        return _SIGN + _at_least(_PRODUCT, args[0]), _SIGNED
    if op in ("add", "sub"):
        right = _at_least(_PRODUCT if op == "sub" or args[1].op not in ("add", "sub") else _SUM, args[1])
        if right.startswith(_SIGN):  # a sum that starts with a minus sign
            right = _fenced(right)
        return _write(args[0])[0] + ("<mo>+</mo>" if op == "add" else _MINUS) + right, _SUM
    if op == "mul":
        return _product(*args)
    if op == "div":
        above, strength = _write(args[0])
        below = _row(_write(args[1])[0])
        if strength in (_SIGNED, _PRODUCT) and above.startswith(_SIGN):
            return f"{_SIGN}<mfrac>{_row(above[len(_SIGN) :])}{below}</mfrac>", _SIGNED
        return f"<mfrac>{_row(above)}{below}</mfrac>", _BLOCK
    if op in ("pow", "square"):
        exponent = "<mn>2</mn>" if op == "square" else _row(_write(args[1])[0])
        return f"<msup>{_row(_at_least(_ATOM, args[0]))}{exponent}</msup>", _BLOCK
    inner = "<mo>,</mo>".join(_write(arg)[0] for arg in args)
    if op == "exp":
        return f"<msup><mi>e</mi>{_row(inner)}</msup>", _BLOCK
    if op == "sqrt":
        return f"<msqrt>{inner}</msqrt>", _BLOCK
    if op == "abs":
        return _row(f'<mo fence="true">|</mo>{inner}<mo fence="true">|</mo>'), _ATOM
    return f"<mi>{_NAMED.get(op, op)}</mi>{_APPLY}{_fenced(inner)}", _BLOCK


def _row(elements: str) -> str:
    return f"<mrow>{elements}</mrow>"


def _fenced(elements: str) -> str:
    # Chromium sets space around parentheses that may grow, and beside a line of text they need not.
    still = "" if "<mfrac>" in elements else ' stretchy="false"'
    return _row(f"<mo{still}>(</mo>{elements}<mo{still}>)</mo>")


def _at_least(strength: int, node: Formula) -> str:
    """Return the elements of a node, in parentheses if it binds more weakly."""
    elements, own = _write(node)
    return elements if own >= strength else _fenced(elements)


def _product(a: Formula, b: Formula) -> tuple[str, int]:
    left, right = _at_least(_SIGNED, a), _at_least(_PRODUCT, b)
    # Beside a number, a number or a fraction would be read as one with it.
    number_before = left.endswith("</mn>")
    dot = right.startswith("<mn>") or (number_before and right.startswith("<mfrac>"))
    # A product such as y log(p) needs a space, which a name has not of itself.
    name = right.startswith("<mi>") and right.partition("</mi>")[2].startswith(_APPLY)
    between = _DOT if dot else _TIMES + _SPACE if name else _TIMES
    return left + between + right, _SIGNED if left.startswith(_SIGN) else _PRODUCT


def _number(value: float) -> tuple[str, int]:
    mantissa, _, exponent = number_text(abs(value)).partition("e")
    sign, strength = (_SIGN, _SIGNED) if value < 0 else ("", _ATOM)
    if not exponent:
        return f"{sign}<mn>{mantissa}</mn>", strength
    power = f"<mn>{abs(int(exponent))}</mn>"
    if int(exponent) < 0:
        power = _row(_SIGN + power)
    return f"{sign}<mn>{mantissa}</mn>{_DOT}<msup><mn>10</mn>{power}</msup>", min(strength, _PRODUCT)
