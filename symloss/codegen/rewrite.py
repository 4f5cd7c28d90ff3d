"""Rewriting a formula into a form that floating point computes accurately for p anywhere in (0, 1).

The rewritten formula is the same real function. It may use leaves beside ``y_pred`` that are known to full
relative accuracy (``q`` = 1 - p, ``log_p``, ``log_q``, ``log_odds`` = log_p - log_q) and the functions ``expm1`` and
``log1p``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from symloss.codegen.centre import centred, value_at
from symloss.codegen.leaves import LOG_ODDS, LOG_P, LOG_Q, NEAR_LOG_P, NEAR_LOG_Q, Q
from symloss.formula import Y_PRED, Formula, call, constant, exact, fold
from symloss.formula.fold import ONE, number

_MINUS_ONE = constant(-1.0)
#: Up to this power repeated products are as good as exp(a*log p), and easier to read.
_MAX_PLAIN_POWER = 8
#: exp of more than this is near the end of single precision.
_LARGEST_LOG = 80.0
#: A sum that loses at most one decimal digit stays as the user wrote it.
_CANCELLATION = Fraction(1, 10)


def stabilise(formula: Formula) -> Formula:
    """Return the accurate form of a folded formula.

    >>> from symloss.formula import parse_formula
    >>> stabilise(parse_formula("-log(1 - y_pred)"))
    Formula('-log_q')
    """
    return _finite(fold(_stabilise(formula)))


def _finite(node: Formula) -> Formula:
    """Return the formula with no exponential that would be infinite at a p or q below the smallest float."""
    if not node.args:
        return node
    args = [_finite(arg) for arg in node.args]
    if node.op in ("exp", "expm1"):
        for leaf, near, p in ((LOG_P, NEAR_LOG_P, 1e-40), (LOG_Q, NEAR_LOG_Q, 1.0)):
            if leaf in node.walk():
                probe = substitute(args[0], {leaf: constant(-92.0)})
                if any(value_at(probe, min(p, 0.9), label) > _LARGEST_LOG for label in (0.0, 1.0)):
                    args = [substitute(args[0], {leaf: near})]
    return call(node.op, *args)


def has_pole(tree: Formula) -> bool:
    """Say whether a part of a formula may have no value at p = 0, so that p must stay above it."""
    for node in tree.walk():
        if node in (NEAR_LOG_P, NEAR_LOG_Q):
            return True
        if node.op == "pow" and node.args[1].op == "const" and number(node.args[1]) > 0:
            continue
        if node.op in ("div", "log", "pow"):
            inner = node.args[1] if node.op == "div" else node.args[0]
            values = [abs(value_at(inner, p, label)) for p in (1e-30, 1 - 1e-15) for label in (0.0, 1.0)]
            if not min(values) > 1e-6:
                return True
    return False


def substitute(node: Formula, known: dict[Formula, Formula]) -> Formula:
    """Return the formula with leaves replaced."""
    if not node.args:
        return known.get(node, node)
    return call(node.op, *(substitute(arg, known) for arg in node.args))


def _stabilise(node: Formula) -> Formula:
    if not node.args:
        return node
    node = call(node.op, *(_stabilise(arg) for arg in node.args))
    rule = _RULES.get(node.op)
    result = _without_cancellation(node) or (rule(*node.args) if rule else None)
    if result is None and node.op in ("add", "sub"):
        result = centred(node)
    return node if result is None else result


def affine(node: Formula) -> tuple[Fraction, Fraction] | None:
    """Return (a, b) if the node is a + b*p, else None."""
    if node.op == "const":
        return exact(number(node)), Fraction(0)
    if node.op == "y_pred":
        return Fraction(0), Fraction(1)
    if node.op == "q":
        return Fraction(1), Fraction(-1)
    if node.op not in ("add", "sub", "neg", "mul", "div"):
        return None
    parts = []
    for arg in node.args:
        part = affine(arg)
        if part is None:
            return None
        parts.append(part)
    a, b = parts[0]
    if node.op == "neg":
        return -a, -b
    c, d = parts[1]
    if node.op == "add":
        return a + c, b + d
    if node.op == "sub":
        return a - c, b - d
    if node.op == "mul" and (b == 0 or d == 0):
        return a * c, a * d + b * c
    if node.op == "div" and d == 0 and c != 0:
        return a / c, b / c
    return None


def _without_cancellation(node: Formula) -> Formula | None:
    """Write a sum a + b*p of one sign that nearly vanishes as c + d*p or c + d*q, all terms of that sign."""
    found = affine(node) if node.op in ("add", "sub") else None
    if found is None:
        return None
    at_zero, at_one = found[0], found[0] + found[1]
    least, most = sorted((abs(at_zero), abs(at_one)))
    if at_zero * at_one < 0 or least > _CANCELLATION * most or most > 1e300:
        return None
    variable = Q if abs(at_one) < abs(at_zero) else Y_PRED
    sum_ = call("add", constant(float(least)), call("mul", constant(float(most - least)), variable))
    return fold(sum_ if at_zero + at_one > 0 else call("neg", sum_))


def _signed_log(node: Formula) -> tuple[int, Formula] | None:
    """Return (sign, log of the magnitude) of a product of powers and exponentials, else None."""
    if node.op == "const":
        value = number(node)
        return None if value == 0 else (1 if value > 0 else -1, constant(math.log(abs(value))))
    if node.op in ("y_pred", "q"):
        return 1, LOG_P if node.op == "y_pred" else LOG_Q
    if node.op == "exp":
        return 1, node.args[0]
    if node.op == "sigmoid":
        return 1, call("neg", call("softplus", call("neg", node.args[0])))
    if node.op in ("max", "min"):
        logs = [_positive_log(arg) for arg in node.args]
        return None if logs[0] is None or logs[1] is None else (1, call(node.op, logs[0], logs[1]))
    if node.op not in ("neg", "abs", "sqrt", "square", "mul", "div", "pow"):
        return None
    first = _signed_log(node.args[0])
    if first is None:
        return None
    sign, log = first
    if node.op in ("neg", "abs"):
        return (-sign if node.op == "neg" else 1), log
    if node.op == "square":
        return 1, call("mul", constant(2.0), log)
    if node.op == "sqrt":
        return (1, call("mul", constant(0.5), log)) if sign > 0 else None
    if node.op == "pow":
        return (1, call("mul", node.args[1], log)) if sign > 0 else None
    second = _signed_log(node.args[1])
    if second is None:
        return None
    return sign * second[0], call("add" if node.op == "mul" else "sub", log, second[1])


def _positive_log(node: Formula) -> Formula | None:
    found = _signed_log(node)
    return fold(found[1]) if found and found[0] > 0 else None


def _exp(log: Formula, sign: int = 1) -> Formula:
    log = fold(log)
    value = Y_PRED if log == LOG_P else Q if log == LOG_Q else call("exp", log)
    return value if sign > 0 else call("neg", value)


def _is_log_power(node: Formula) -> bool:
    """Say whether a node is a power of p or q written through its logarithm; it may leave the float range."""
    return node.op == "exp" and any(leaf.op in ("log_p", "log_q", "log_odds") for leaf in node.walk())


def _rule_log(a: Formula) -> Formula | None:
    log = _positive_log(a)
    if log is not None:
        return log
    if a.op == "div" and (top := _positive_log(a.args[0])) is not None:
        line = affine(a.args[1])
        if line is not None and min(line[0], sum(line)) > 0:
            return call("sub", top, _rule_log(a.args[1]) or call("log", a.args[1]))
    line = affine(a)
    if line is not None and sum(line) == 1 and line[0] != 1:
        return call("log1p", call("mul", constant(float(-line[1])), Q))
    if a.op in ("add", "sub") and ONE in a.args:
        if a.op == "sub":
            return call("log1p", call("neg", a.args[1])) if a.args[0] == ONE else None
        rest = a.args[1] if a.args[0] == ONE else a.args[0]
        return call("softplus", rest.args[0]) if rest.op == "exp" else call("log1p", rest)
    return None


def _rule_abs(a: Formula) -> Formula | None:
    magnitude = a.args[0] if a.op == "neg" else a
    return magnitude if _positive_log(magnitude) is not None else call("abs", magnitude)


def _rule_square(a: Formula) -> Formula | None:
    return call("square", a.args[0]) if a.op == "neg" else None


def _rule_sqrt(a: Formula) -> Formula | None:
    log = _positive_log(a)
    return None if log is None else _exp(call("mul", constant(0.5), log))


def _rule_pow(a: Formula, b: Formula) -> Formula | None:
    if b.op == "const" and number(b) in range(1, _MAX_PLAIN_POWER + 1):
        return call("pow", a.args[0], b) if a.op == "neg" and number(b) % 2 == 0 else None
    log = _positive_log(a)
    return None if log is None else _exp(call("mul", b, log))


def _rule_mul(a: Formula, b: Formula) -> Formula | None:
    if not (_is_log_power(a) or _is_log_power(b)) or "const" in (a.op, b.op):
        return None
    found = _signed_log(call("mul", a, b))
    return None if found is None else _exp(found[1], found[0])


def _rule_div(a: Formula, b: Formula) -> Formula | None:
    if b.op == "const" or (a.op == "const" and b.op in ("y_pred", "q")):
        return None  # p and q are kept above zero, so this quotient is finite
    found = _signed_log(call("div", a, b))
    if found is not None:
        return _exp(found[1], found[0])
    return call("mul", a, _exp(call("neg", b.args[0]))) if b.op == "exp" else None


def _rule_sub(a: Formula, b: Formula) -> Formula | None:
    if (a, b) == (LOG_P, LOG_Q):
        return LOG_ODDS
    if (a, b) == (LOG_Q, LOG_P):
        return call("neg", LOG_ODDS)
    if a == ONE and affine(b) is not None:
        return None  # 1 - 0.3*p cancels nothing that would not have been written otherwise before
    if a == ONE:
        log = _positive_log(b)
        return None if log is None else call("neg", call("expm1", log))
    return _rule_add(a, _MINUS_ONE) if b == ONE else None


def _rule_add(a: Formula, b: Formula) -> Formula | None:
    for one, other in ((a, b), (b, a)):
        if one == _MINUS_ONE:
            log = _positive_log(other)
            return None if log is None else call("expm1", log)
        if one == ONE and other.op == "neg":
            return _rule_sub(ONE, other.args[0])
    return None


_RULES: dict[str, Callable[..., Formula | None]] = {
    "log": _rule_log,
    "exp": _exp,
    "abs": _rule_abs,
    "square": _rule_square,
    "sqrt": _rule_sqrt,
    "pow": _rule_pow,
    "mul": _rule_mul,
    "div": _rule_div,
    "sub": _rule_sub,
    "add": _rule_add,
}
