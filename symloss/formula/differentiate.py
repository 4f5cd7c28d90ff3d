"""d/dy_pred of a formula as a formula, and a formula at one label: both exact, so that proofs can rest on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from symloss.errors import SymlossError
from symloss.formula.fold import ONE, ZERO, number
from symloss.formula.numbers import compute
from symloss.formula.tree import Y_PRED, Formula, call, constant, exact
from symloss.formula.writer import to_text

TWO = constant(2.0)
_TWO_OVER_SQRT_PI = call("div", TWO, call("sqrt", call("mul", constant(4.0), call("atan", ONE))))


def specialise(formula: Formula, label: int) -> Formula:
    """Return L(p, label). Unlike ``at_label`` it computes only what comes out exactly.

    Zero times anything is zero, as in the convention 0*log(0) = 0.

    Raises:
        SymlossError: a constant part is not finite there, such as ``log(y_true)`` at 0.
    """
    result = _specialise(formula, constant(float(label)), {})
    _check_finite(result, f"{to_text(formula)} at y_true = {label}")
    return result


def _check_finite(node: Formula, what: str) -> float | None:
    """Return the value of a constant part, None for one that holds y_pred; raise where there is no real value.

    A value beyond the range of floats, such as exp(1000), is one: it may be divided by.
    """
    if node.op == "const":
        return number(node)
    values = [_check_finite(arg, what) for arg in node.args]
    if node.op == "div" and values[1] == 0:
        value = None
    elif node == Y_PRED or None in values:
        return None
    else:
        known = [value for value in values if value is not None]
        if any(math.isnan(value) for value in known):
            return math.nan
        value = compute(node.op, *known)
        if value == 0 or (value is None and not _leaves_domain(node.op, known)):
            return math.nan  # what is 0 exactly was written as 0 before; this may be exp(-1000)
    if value is None:
        raise SymlossError(f"the loss {what} has no finite value: {to_text(node)} is not a finite real number")
    return value


def _leaves_domain(op: str, values: list[float]) -> bool:
    """Whether an operation on numbers has no real value, rather than one beyond the range of floats."""
    a = values[0]
    if op == "log":
        return a <= 0
    if op == "sqrt":
        return a < 0
    return op == "pow" and ((a < 0 and values[1] != int(values[1])) or (a == 0 and values[1] <= 0))


def _specialise(node: Formula, label: Formula, known: dict[Formula, Formula]) -> Formula:
    if node.op == "y_true":
        return label
    if not node.args:
        return node
    found = known.get(node)
    if found is None:
        found = known[node] = build(node.op, *[_specialise(arg, label, known) for arg in node.args])
    return found


def differentiate(formula: Formula) -> Formula:
    """Return the derivative with respect to ``y_pred``.

    Where ``abs``, ``relu``, ``max`` or ``min`` switch, it has a ``sign`` of the argument that switches. The derivative
    of ``sign`` is 0: whether the formula jumps there is another question. Bessel functions of order 2 and 3 may occur,
    as ``i2`` and ``i3``, which the parser does not know.
    """
    return _differentiate(formula, {})


def _differentiate(node: Formula, known: dict[Formula, Formula]) -> Formula:
    if node == Y_PRED:
        return ONE
    if not node.args:
        return ZERO
    found = known.get(node)
    if found is None:
        slopes = [_differentiate(arg, known) for arg in node.args]
        if all(slope == ZERO for slope in slopes):
            found = ZERO
        elif len(slopes) == 1:
            found = build("mul", RATES[node.op](node.args[0], node), slopes[0])
        else:
            found = _binary(node, *node.args, *slopes)
        known[node] = found
    return found


def arithmetic_slope(node: Formula, a: Formula, b: Formula, da: Formula, db: Formula) -> Formula | None:
    """Return the derivative of ``a + b``, ``a - b``, ``a * b`` or ``a / b`` from those of a and b, else None."""
    op = node.op
    if op in ("add", "sub"):
        return build(op, da, db)
    if op == "mul":
        return build("add", build("mul", da, b), build("mul", a, db))
    if op == "div":
        if db == ZERO:
            return build("div", da, b)
        return build("div", build("sub", da, build("mul", node, db)), b)
    return None


def _binary(node: Formula, a: Formula, b: Formula, da: Formula, db: Formula) -> Formula:
    op = node.op
    if (slope := arithmetic_slope(node, a, b, da, db)) is not None:
        return slope
    if op == "pow":
        less = build("sub", b, ONE)
        slope = build("mul", build("mul", b, a if less == ONE else build("pow", a, less)), da)
        if db == ZERO:
            return slope
        return build("add", slope, build("mul", build("mul", node, call("log", a)), db))
    # The larger of two is half their sum plus half their distance.
    half = build("mul", call("sign", build("sub", a, b)), build("sub", da, db))
    return build("div", build("add" if op == "max" else "sub", build("add", da, db), half), TWO)


#: dv/da of v = f(a), from the formulas of a and v.
RATES: dict[str, Callable[[Formula, Formula], Formula]] = {
    "neg": lambda a, v: constant(-1.0),
    "exp": lambda a, v: v,
    "log": lambda a, v: call("div", ONE, a),
    "sqrt": lambda a, v: call("div", ONE, call("mul", TWO, v)),
    "square": lambda a, v: build("mul", TWO, a),
    "abs": lambda a, v: call("sign", a),
    "sign": lambda a, v: ZERO,
    "sin": lambda a, v: call("cos", a),
    "cos": lambda a, v: call("neg", call("sin", a)),
    "tan": lambda a, v: call("add", ONE, call("square", v)),
    "sinh": lambda a, v: call("cosh", a),
    "cosh": lambda a, v: call("sinh", a),
    "tanh": lambda a, v: call("sub", ONE, call("square", v)),
    "asinh": lambda a, v: call("div", ONE, call("sqrt", call("add", ONE, call("square", a)))),
    "atan": lambda a, v: call("div", ONE, call("add", ONE, call("square", a))),
    "erf": lambda a, v: call("mul", _TWO_OVER_SQRT_PI, call("exp", call("neg", call("square", a)))),
    "erfc": lambda a, v: call("neg", call("mul", _TWO_OVER_SQRT_PI, call("exp", call("neg", call("square", a))))),
    "sigmoid": lambda a, v: call("mul", v, call("sub", ONE, v)),
    "softplus": lambda a, v: call("sigmoid", a),
    "relu": lambda a, v: call("div", call("add", ONE, call("sign", a)), TWO),
    "i0": lambda a, v: call("i1", a),
    "i1": lambda a, v: call("div", call("add", call("i0", a), call("i2", a)), TWO),
    "i2": lambda a, v: call("div", call("add", call("i1", a), call("i3", a)), TWO),
    "i0e": lambda a, v: call("sub", call("i1e", a), call("mul", call("sign", a), v)),
    "i1e": lambda a, v: call(
        "sub", call("div", call("add", call("i0e", a), call("i2e", a)), TWO), call("mul", call("sign", a), v)
    ),
}


def build(op: str, *args: Formula) -> Formula:
    """Return the node, or something shorter that is exactly equal: neutral and absorbing numbers, exact arithmetic."""
    if all(arg.op == "const" for arg in args):
        return _exactly(op, args) or call(op, *args)
    if len(args) == 1:
        inner = args[0]
        if (op, inner.op) in (("neg", "neg"), ("log", "exp")):
            return inner.args[0]
        if op in ("abs", "square") and inner.op in ("neg", "abs"):
            return build(op, inner.args[0])
        return call(op, *args)
    a, b = args
    if op == "mul":
        if ZERO in args:
            return ZERO
        for one, other in ((a, b), (b, a)):
            if one == ONE:
                return other
            if one.op == "const" and one.value == -1.0:
                return build("neg", other)
    elif op == "add":
        if ZERO in args:
            return b if a == ZERO else a
        if b.op == "neg":
            return build("sub", a, b.args[0])
    elif op == "sub":
        if a == b:
            return ZERO
        if ZERO in args:
            return build("neg", b) if a == ZERO else a
        if b.op == "neg":
            return build("add", a, b.args[0])
    elif op == "div":
        if a == ZERO or b == ONE:
            return a
    elif op == "pow":
        if b == ZERO or a == ONE:
            return ONE
        if b == ONE:
            return a
        if a == ZERO and b == Y_PRED:  # which is above 0
            return ZERO
    elif op in ("max", "min") and a == b:
        return a
    return call(op, a, b)


def times_p(node: Formula) -> Formula:
    """Return ``y_pred`` times the formula, cancelled where a factor 1/y_pred or a power of y_pred shows."""
    return _cancelled(node) or build("mul", Y_PRED, node)


def _cancelled(node: Formula) -> Formula | None:
    """Return the formula times ``y_pred`` if something cancels, else None."""
    op, args = node.op, node.args
    if op == "neg" and (inner := _cancelled(args[0])) is not None:
        return build("neg", inner)
    if op == "div":
        a, b = args
        if b == Y_PRED:
            return a
        if (above := _cancelled(a)) is not None:
            return build("div", above, b)
        for root in (b, *(b.args if b.op == "mul" and b.args[0].op == "const" else ())):
            if root.op == "sqrt" and root.args[0] == Y_PRED:  # p/sqrt(p)
                top = build("mul", a, root)
                return top if root is b else build("div", top, b.args[0])
    if op == "mul":
        for one, other in (args, args[::-1]):
            if (inner := _cancelled(one)) is not None:
                return build("mul", inner, other)
    if op in ("add", "sub"):
        left, right = map(_cancelled, args)
        if left is not None or right is not None:
            return build(op, left or build("mul", Y_PRED, args[0]), right or build("mul", Y_PRED, args[1]))
    if op == "pow" and args[0] == Y_PRED and args[1].op == "const":
        more = build("add", args[1], ONE)
        if more.op == "const":
            return build("pow", Y_PRED, more)
    return None


_ARITHMETIC: dict[str, Callable[..., object]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b if b else None,
    "neg": lambda a: -a,
    "square": lambda a: a * a,
    "abs": abs,
    "relu": lambda a: max(a, 0),
    "sign": lambda a: (a > 0) - (a < 0),
    "max": max,
    "min": min,
    "pow": lambda a, b: a**b if b.denominator == 1 and abs(b) <= 16 and (a or b > 0) else None,
    "log": lambda a: 0 if a == 1 else None,
    "sqrt": lambda a: a if a in (0, 1) else None,
    "sigmoid": lambda a: None if a else Fraction(1, 2),
    **dict.fromkeys(("exp", "cos", "cosh", "erfc", "i0", "i0e"), lambda a: None if a else 1),
    **dict.fromkeys(("sin", "tan", "sinh", "tanh", "asinh", "atan", "erf", "i1", "i1e"), lambda a: None if a else 0),
}


def _exactly(op: str, args: tuple[Formula, ...]) -> Formula | None:
    """Return the value of an operation on numbers if a float writes it exactly, else None."""
    operation = _ARITHMETIC.get(op)
    value = compute(op, *map(number, args))
    if operation is None or value is None:
        return None
    result = constant(value)
    return result if operation(*[exact(number(arg)) for arg in args]) == exact(number(result)) else None
