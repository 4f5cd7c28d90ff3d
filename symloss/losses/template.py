"""Writing the values of parameters into a formula's text."""

from __future__ import annotations

from collections.abc import Mapping

from symloss.formula import Formula, call, constant, parse_template

ZERO, ONE = constant(0.0), constant(1.0)


def fill(text: str, values: Mapping[str, float]) -> Formula:
    """Return the formula of a text in which the names of ``values`` stand for their numbers.

    A parameter without effect is left out, so that a loss at such a value is written as a reader expects: a factor,
    divisor or exponent of 1, a summand of 0, an exponent of 0. A sign before a parameter becomes part of the number.
    The constants of the text itself stay as they are.

    >>> fill("-y_true*(1 - y_pred)**gamma*log(y_pred)", {"gamma": 1.0})
    Formula('-y_true*(1 - y_pred)*log(y_pred)')

    Raises:
        FormulaError: not a formula, or one with unknown names.
    """
    return _fill(parse_template(text, values), values)[0]


def _fill(node: Formula, values: Mapping[str, float]) -> tuple[Formula, bool]:
    """Return the filled node, and whether it is a number that came from a parameter alone."""
    if node.op == "hole":
        return constant(values[str(node.value)]), True
    if not node.args:
        return node, False
    parts = [_fill(arg, values) for arg in node.args]
    args = [part for part, _ in parts]
    free = [part if given else None for part, given in parts]  # what may be left out
    if node.op == "neg" and free[0] is not None:
        assert isinstance(free[0].value, float)
        return constant(-free[0].value), True
    if node.op == "pow" and free[1] == ZERO:
        return ONE, True
    if (node.op in ("mul", "div", "pow") and free[-1] == ONE) or (node.op in ("add", "sub") and free[-1] == ZERO):
        return parts[0]
    if (node.op == "mul" and free[0] == ONE) or (node.op == "add" and free[0] == ZERO):
        return parts[1]
    return call(node.op, *args), False
