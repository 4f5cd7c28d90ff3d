"""Response curves by mpmath, written apart from symloss's own machinery."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import mpmath
from mpmath import mpf

from symloss.formula import Formula, exact

Number = Fraction | mpf
Dual = tuple[Number, mpf | None]  # a value, and its slope in p, or None for what does not depend on p

_ZERO = Fraction(0)
_LARGEST = 12_000  # bits of the argument of a sine or an exponential

_RATIONAL: dict[str, Callable[..., Fraction]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "square": lambda a: a * a,
    "abs": abs,
    "sign": lambda a: Fraction((a > 0) - (a < 0)),
    "relu": lambda a: max(a, _ZERO),
    "max": max,
    "min": min,
}


def _sigmoid(a: mpf) -> mpf:
    return 1 / (1 + mpmath.exp(-a))


def _bessel_slope(a: mpf) -> mpf:
    """Return the slope of i1."""
    return mpmath.besseli(0, a) - mpmath.besseli(1, a) / a if a else mpf(1) / 2


#: Value and slope of every function of one argument that is smooth inside its domain, save i0e at 0.
_SMOOTH: dict[str, tuple[Callable[[mpf], mpf], Callable[[mpf, mpf], mpf]]] = {
    "neg": (lambda a: -a, lambda a, v: mpf(-1)),
    "exp": (mpmath.exp, lambda a, v: v),
    "log": (mpmath.log, lambda a, v: 1 / a),
    "sqrt": (mpmath.sqrt, lambda a, v: 1 / (2 * v)),
    "square": (lambda a: a * a, lambda a, v: 2 * a),
    "sin": (mpmath.sin, lambda a, v: mpmath.cos(a)),
    "cos": (mpmath.cos, lambda a, v: -mpmath.sin(a)),
    "tan": (mpmath.tan, lambda a, v: 1 + v * v),
    "sinh": (mpmath.sinh, lambda a, v: mpmath.cosh(a)),
    "cosh": (mpmath.cosh, lambda a, v: mpmath.sinh(a)),
    "tanh": (mpmath.tanh, lambda a, v: 1 / mpmath.cosh(a) ** 2),
    "asinh": (mpmath.asinh, lambda a, v: 1 / mpmath.sqrt(1 + a * a)),
    "atan": (mpmath.atan, lambda a, v: 1 / (1 + a * a)),
    "erf": (mpmath.erf, lambda a, v: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-a * a)),
    "erfc": (mpmath.erfc, lambda a, v: -2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-a * a)),
    "i0": (lambda a: mpmath.besseli(0, a), lambda a, v: mpmath.besseli(1, a)),
    "i1": (lambda a: mpmath.besseli(1, a), lambda a, v: _bessel_slope(a)),
    "i0e": (
        lambda a: mpmath.exp(-abs(a)) * mpmath.besseli(0, a),
        lambda a, v: mpmath.exp(-abs(a)) * mpmath.besseli(1, a) - mpmath.sign(a) * v,
    ),
    "i1e": (
        lambda a: mpmath.exp(-abs(a)) * mpmath.besseli(1, a),
        lambda a, v: mpmath.exp(-abs(a)) * _bessel_slope(a) - mpmath.sign(a) * v,
    ),
    "sigmoid": (_sigmoid, lambda a, v: v * (1 - v)),
    "softplus": (lambda a: mpmath.log1p(mpmath.exp(a)), lambda a, v: _sigmoid(a)),
}


class Undefined(Exception):
    """The formula has no real value or no slope at the point."""


class TooLarge(Undefined):
    """A number is so large that mpmath cannot say."""


def evaluate(node: Formula, p: mpf, label: int) -> Dual:
    """Return the value of a formula and its slope in p, at the working precision."""
    if node.op == "const":
        return exact(node.value), None
    if node.op == "y_true":
        return Fraction(label), None
    if node.op == "y_pred":
        return p, mpf(1)
    if node.op in ("mul", "div"):
        return _product(node, p, label)
    pairs = [evaluate(arg, p, label) for arg in node.args]
    return _apply(node.op, [value for value, _ in pairs], [slope for _, slope in pairs])


def _product(node: Formula, p: mpf, label: int) -> Dual:
    """Evaluate a product or a quotient; 0 times anything is 0, as 0*log(0) in every loss."""
    pairs: list[Dual] = []
    failure = None
    for arg in node.args:
        try:
            pairs.append(evaluate(arg, p, label))
        except Undefined as error:
            failure = error
            pairs.append((mpf("nan"), mpf("nan")))
    zeros = [slope is None and value == 0 for value, slope in pairs]
    if zeros[0] or (node.op == "mul" and zeros[1]):
        if node.op == "div" and zeros[1]:
            raise Undefined(node.op)
        return _ZERO, None
    if failure:
        raise failure
    return _apply(node.op, [value for value, _ in pairs], [slope for _, slope in pairs])


def real(value: Number) -> mpf:
    """Return a number at the working precision."""
    return mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def _apply(op: str, values: list[Number], slopes: list[mpf | None]) -> Dual:
    constant = all(slope is None for slope in slopes)
    try:
        if constant and op in _RATIONAL and all(isinstance(value, Fraction) for value in values):
            return _RATIONAL[op](*values), None
        if op == "pow":
            value, slope = _power(values[0], values[1], slopes[0], slopes[1])
        else:
            zero = mpf(0)
            value, slope = _real_apply(
                op, [real(value) for value in values], [zero if s is None else s for s in slopes]
            )
    except (ZeroDivisionError, ValueError) as error:
        raise Undefined(op) from error
    except OverflowError as error:
        raise TooLarge(op) from error
    if not (mpmath.isfinite(value) and mpmath.isfinite(slope)):
        raise Undefined(op)
    return value, None if constant else slope


def _real_apply(op: str, v: list[mpf], d: list[mpf]) -> tuple[mpf, mpf]:
    if op in ("log", "sqrt") and v[0] <= 0:
        if op == "sqrt" and v[0] == 0 and d[0] == 0:
            return mpf(0), mpf(0)
        raise Undefined(op)
    if op in _SMOOTH:
        if op not in ("neg", "square", "log", "sqrt") and mpmath.mag(v[0]) > _LARGEST:
            raise TooLarge(op)
        function, derivative = _SMOOTH[op]
        value = function(v[0])
        return value, derivative(v[0], value) * d[0]
    if op == "add":
        return v[0] + v[1], d[0] + d[1]
    if op == "sub":
        return v[0] - v[1], d[0] - d[1]
    if op == "mul":
        return v[0] * v[1], d[0] * v[1] + v[0] * d[1]
    if op == "div":
        return v[0] / v[1], (d[0] - v[0] / v[1] * d[1]) / v[1]
    if op == "abs":
        return abs(v[0]), d[0] * mpmath.sign(v[0])
    if op == "sign":
        return mpmath.sign(v[0]), mpf(0)
    if op == "relu":
        return (v[0], d[0]) if v[0] > 0 else (mpf(0), mpf(0))
    chosen = int(v[1] > v[0] if op == "max" else v[1] < v[0])
    return v[chosen], d[chosen]


def _power(base: Number, exponent: Number, d_base: mpf | None, d_exponent: mpf | None) -> tuple[mpf, mpf]:
    a, b = real(base), real(exponent)
    if d_exponent is None and b == 0:
        return mpf(1), mpf(0)
    if d_exponent is None and mpmath.isint(b):
        value = a ** int(b)
        return value, mpf(0) if d_base is None else b * a ** (int(b) - 1) * d_base
    if a == 0 and d_base is None and d_exponent is None and b > 0:
        return mpf(0), mpf(0)
    if a <= 0:
        raise Undefined("pow")
    if mpmath.mag(b) > _LARGEST or abs(mpmath.mag(a)) > 2**_LARGEST:
        raise TooLarge("pow")
    value = a**b
    return value, value * ((d_exponent or 0) * mpmath.log(a) + b * (d_base or 0) / a)


def response(formula: Formula, p: mpf, label: int) -> mpf:
    """Return ``p * dL/dp`` at the working precision.

    Raises:
        Undefined: no real value or slope there.
    """
    slope = evaluate(formula, p, label)[1]
    return mpf(0) if slope is None else p * slope
