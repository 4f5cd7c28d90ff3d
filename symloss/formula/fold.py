"""Setting y_true to 0 or 1 and folding constants, so that a term like y_true*log(y_pred) vanishes exactly."""

from __future__ import annotations

from symloss.errors import SymlossError
from symloss.formula.numbers import compute
from symloss.formula.tree import Formula, call, constant
from symloss.formula.writer import to_text

ZERO, ONE = constant(0.0), constant(1.0)


def at_label(formula: Formula, label: int) -> Formula:
    """Return L(p, label) with constants folded: a formula in ``y_pred`` alone.

    Zero times anything is zero, as in the convention 0*log(0) = 0.

    Raises:
        SymlossError: a constant part is not finite there, such as ``log(y_true)`` or ``y_pred/y_true`` at 0.
    """
    result = fold(substitute(formula, constant(float(label))))
    check_finite(result, f"{to_text(formula)} at y_true = {label}")
    return result


def check_finite(formula: Formula, what: str) -> None:
    """Raise SymlossError if a constant part of a folded formula has no finite real value."""
    for node in formula.walk():
        if node.args and (all(arg.op == "const" for arg in node.args) or (node.op == "div" and node.args[1] == ZERO)):
            raise SymlossError(
                f"the loss {what} has no finite value: {to_text(node)} is not a finite real number; "
                "keep logs, roots and quotients inside their domain"
            )


def substitute(node: Formula, label: Formula) -> Formula:
    """Return the formula with every ``y_true`` replaced."""
    if node.op == "y_true":
        return label
    return call(node.op, *(substitute(arg, label) for arg in node.args)) if node.args else node


def fold(node: Formula) -> Formula:
    """Return the formula with constant parts computed and neutral or absorbing constants removed."""
    if not node.args:
        return node
    args = [fold(arg) for arg in node.args]
    if all(arg.op == "const" for arg in args):
        value = compute(node.op, *map(number, args))
        return call(node.op, *args) if value is None else constant(value)
    if len(args) == 2:
        return _fold_binary(node.op, *args)
    if node.op == "neg" and args[0].op == "neg":
        return args[0].args[0]
    return call(node.op, *args)


def number(node: Formula) -> float:
    """Return the value of a ``const`` node."""
    assert isinstance(node.value, float)
    return node.value


def _fold_binary(op: str, a: Formula, b: Formula) -> Formula:
    """Fold a node of two folded arguments, at least one of which is not a number."""
    if op == "add":
        if a == ZERO or b == ZERO:
            return b if a == ZERO else a
        if (opposite := _opposite(b)) is not None:
            return _fold_binary("sub", a, opposite)
        if (opposite := _opposite(a)) is not None:
            return _fold_binary("sub", b, opposite)
    elif op == "sub":
        if a == b:
            return ZERO
        if b == ZERO:
            return a
        if a == ZERO:
            return _negative(b)
        if (opposite := _opposite(b)) is not None:
            return _fold_binary("add", a, opposite)
    elif op == "mul":
        return _fold_product(a, b)
    elif op == "div":
        if a == ZERO or b == ONE:
            return a
        if a.op == "neg":
            return _negative(_fold_binary("div", a.args[0], b))
    elif op == "pow":
        if b == ZERO or a == ONE:
            return ONE
        if b == ONE:
            return a
    return call(op, a, b)


def _fold_product(a: Formula, b: Formula) -> Formula:
    if a == ZERO or b == ZERO:
        return ZERO
    for one, other in ((a, b), (b, a)):
        if one == ONE:
            return other
        if one.op == "const" and number(one) == -1.0:
            return _negative(other)
        if one.op == "neg":
            return _negative(_fold_product(one.args[0], other))
        if one.op == "const" and other.op == "mul" and other.args[0].op == "const":
            factor = compute("mul", number(one), number(other.args[0]))
            if factor is not None:
                return _fold_product(constant(factor), other.args[1])
    return call("mul", b, a) if b.op == "const" else call("mul", a, b)


def _opposite(node: Formula) -> Formula | None:
    """Return the node without its leading minus sign, or None if it has none."""
    if node.op == "neg":
        return node.args[0]
    if node.op == "const" and number(node) < 0:
        return constant(-number(node))
    if node.op in ("mul", "div") and (first := _opposite(node.args[0])) is not None:
        return _fold_binary(node.op, first, node.args[1])
    return None


def _negative(node: Formula) -> Formula:
    if node.op == "const":
        return constant(-number(node))
    return node.args[0] if node.op == "neg" else call("neg", node)
