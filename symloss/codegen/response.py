"""The response ``p * dL/dp`` of a formula, or its slope in the log-odds, in a form as accurate as the formula's own.

The backward pass computes it instead of a chain of derivatives. It differs from :mod:`symloss.formula.differentiate` in
that it starts from the stable form, so that what was cancelled there stays cancelled, and in that floating point
matters: no derivative is a difference of nearly equal numbers, and none is infinite times zero.
"""

from __future__ import annotations

from collections.abc import Callable

from symloss.codegen.leaves import LOG_ODDS, LOG_P, LOG_Q, NEAR_LOG_P, NEAR_LOG_Q, Q
from symloss.codegen.rewrite import stabilise
from symloss.formula import Y_PRED, Formula, call, constant, fold
from symloss.formula.differentiate import RATES, arithmetic_slope, build, times_p
from symloss.formula.fold import ONE, ZERO, number

_MINUS_ONE, _HALF = constant(-1.0), constant(0.5)

#: d/dp of what formulas read.
_IN_P = {
    Y_PRED: ONE,
    Q: _MINUS_ONE,
    LOG_P: call("div", ONE, Y_PRED),
    LOG_Q: call("neg", call("div", ONE, Q)),
    LOG_ODDS: call("div", call("div", ONE, Y_PRED), Q),
}
_IN_P |= {NEAR_LOG_P: _IN_P[LOG_P], NEAR_LOG_Q: _IN_P[LOG_Q]}
#: d/du of the same, u = log(p / (1 - p)).
_IN_LOG_ODDS = {
    Y_PRED: call("mul", Y_PRED, Q),
    Q: call("neg", call("mul", Y_PRED, Q)),
    LOG_P: Q,
    LOG_Q: call("neg", Y_PRED),
    LOG_ODDS: ONE,
}
_IN_LOG_ODDS |= {NEAR_LOG_P: _IN_LOG_ODDS[LOG_P], NEAR_LOG_Q: _IN_LOG_ODDS[LOG_Q]}

#: Rates that lose digits or meet 0 * inf as they are usually written.
_RATES: dict[str, Callable[[Formula, Formula], Formula]] = RATES | {
    "sqrt": lambda a, v: call("mul", _HALF, call("rsqrt", a)),
    "tanh": lambda a, v: call("div", ONE, call("square", call("cosh", a))),
    "sigmoid": lambda a, v: call("mul", v, call("sigmoid", build("neg", a))),
    "expm1": lambda a, v: call("exp", a),
    "log1p": lambda a, v: call("div", ONE, call("add", ONE, a)),
    "i1": lambda a, v: call("i1_slope", a),
    "i1e": lambda a, v: call("i1e_slope", a),
}


def response_form(tree: Formula) -> Formula:
    """Return ``p * dL/dp`` of a formula in an accurate form, in one too.

    >>> from symloss.formula import parse_formula
    >>> response_form(stabilise(parse_formula("-log(y_pred)")))
    Formula('-1')
    """
    return stabilise(fold(times_p(_differentiate(tree, _IN_P, {}))))


def slope_form(tree: Formula) -> Formula:
    """Return ``dL/du`` with ``u = log(p / (1 - p))`` of a formula in an accurate form, in one too.

    It is what a sigmoid's logit receives; taken as ``(1 - p) * response`` it might be infinity times zero.
    """
    return stabilise(fold(_differentiate(tree, _IN_LOG_ODDS, {})))


def _differentiate(node: Formula, leaves: dict[Formula, Formula], known: dict[Formula, Formula]) -> Formula:
    if not node.args:
        return leaves.get(node, ZERO)
    if node not in known:
        slopes = [_differentiate(arg, leaves, known) for arg in node.args]
        if all(slope == ZERO for slope in slopes):
            known[node] = ZERO
        elif len(slopes) == 1:
            known[node] = build("mul", _RATES[node.op](node.args[0], node), slopes[0])
        else:
            known[node] = _binary(node, *node.args, *slopes)
    return known[node]


def _binary(node: Formula, a: Formula, b: Formula, da: Formula, db: Formula) -> Formula:
    op = node.op
    if (slope := arithmetic_slope(node, a, b, da, db)) is not None:
        return slope
    if op == "pow":
        slope = build("mul", _power_slope(a, b), da)
        return slope if db == ZERO else build("add", slope, build("mul", call("xlogy", node, a), db))
    # max and min take the slope of what they take, and at a tie the mean.
    return call("pick", a, b, da, db) if op == "max" else call("pick", b, a, da, db)


def _power_slope(a: Formula, b: Formula) -> Formula:
    """Return ``b * a**(b - 1)``, with 0 instead of infinity at a = 0 if 0 < b < 1."""
    if b.op == "const" and not 0 < number(b) < 1:
        less = build("sub", b, ONE)
        return build("mul", b, a if less == ONE else build("pow", a, less))
    return call("power_slope", a, b)
