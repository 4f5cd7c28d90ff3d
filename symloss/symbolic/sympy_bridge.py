"""Formula <-> SymPy, and text -> SymPy through our own parser. SymPy is the public type of an expression."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from typing import Any

import sympy

from symloss.errors import SymlossError
from symloss.formula import FUNCTIONS, Y_PRED, Y_TRUE, Formula, call, constant, exact, parse_formula, to_text
from symloss.formula.numbers import compute
from symloss.limits import NUMBER_MAGNITUDE

#: The probability of a class and its label. Real, so that abs and sign simplify; no more is assumed of them.
y_pred = sympy.Symbol("y_pred", real=True)
y_true = sympy.Symbol("y_true", real=True)

#: SymPy takes numbers out of powers, as in (2*y_pred)**n = 2**n*y_pred**n, and writes 2**n out in full; to find out
#: whether some function of a**(n/d) is real it expands a**n. Exponents with a larger numerator or denominator than
#: these become 30-digit floats, with which it does neither.
_MAX_NUMERATOR = 16
_MAX_NUMERATOR_OF_SYMBOL = 1000
_MAX_DENOMINATOR = 10_000

#: SymPy has no scaled Bessel functions, and exp(-abs(a))*besseli(0, a) holds the argument twice: nested ones double.
_MAX_WRITTEN_OUT = 2_000

#: A number of an expression that is not zero lies between one over this and this.
_MAX_NUMBER = sympy.Integer(10) ** 300


class ExpressionError(SymlossError):
    """A SymPy expression that has no counterpart in the whitelist, or a value that cannot be computed."""


def _power(base: Any, exponent: Any) -> Any:
    if exponent.is_Rational and not (base.is_Symbol and exponent.is_Integer):
        inner = base.exp if base.is_Pow and base.exp.is_Rational else sympy.S.One
        if _is_heavy(exponent * inner, _MAX_NUMERATOR_OF_SYMBOL if base.is_Symbol else _MAX_NUMERATOR):
            exponent = sympy.Float(exponent, 30)
            if base.is_Rational:
                base = sympy.Float(base, 30)
    return _checked(base ** _rounded_beside_log(exponent))


def _bessel(order: int, argument: Any) -> Any:
    """Return I0 or I1. SymPy's own I1(-a) is a quotient by a, which has no value at 0."""
    if argument.could_extract_minus_sign():
        return (-1) ** order * sympy.besseli(order, -argument)
    return sympy.besseli(order, argument)


def _scaled_bessel(order: int, argument: Any) -> Any:
    return _exp(-sympy.Abs(argument)) * _bessel(order, argument)


def _is_heavy(exponent: Any, max_numerator: int) -> bool:
    return bool(abs(exponent.p) > max_numerator or exponent.q > _MAX_DENOMINATOR)


def _exp(argument: Any) -> Any:
    return _checked(sympy.exp(_rounded_beside_log(argument)))


def _rounded_beside_log(exponent: Any) -> Any:
    """Return an exponent with large factors of logarithms as floats: exp(n*log(3)) is 3**n, with the same danger."""
    if not exponent.has(sympy.log):
        return exponent
    terms = []
    for term in sympy.Add.make_args(exponent):
        factor, rest = term.as_coeff_Mul()
        heavy = factor.is_Rational and rest.has(sympy.log) and _is_heavy(factor, _MAX_NUMERATOR)
        terms.append(sympy.Float(factor, 30) * rest if heavy else term)
    return sympy.Add(*terms)


def _checked(expression: Any) -> Any:
    """Return the expression if its numbers are of a size that later steps can bear."""
    for value in expression.atoms(sympy.Number):
        size = abs(value)
        if size != 0 and not 1 / _MAX_NUMBER <= size <= _MAX_NUMBER:
            raise ExpressionError(
                "a number of the formula, written out, is not between 1e-300 and 1e300 in size; "
                "use smaller exponents and factors"
            )
    return expression


_TO_SYMPY: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": _power,
    "neg": lambda a: -a,
    "exp": _exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "square": lambda a: _power(a, sympy.Integer(2)),
    "abs": sympy.Abs,
    "sign": sympy.sign,
    "sin": sympy.sin,
    "cos": sympy.cos,
    "tan": sympy.tan,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "asinh": sympy.asinh,
    "atan": sympy.atan,
    "erf": sympy.erf,
    "erfc": sympy.erfc,
    "i0": lambda a: _bessel(0, a),
    "i0e": lambda a: _scaled_bessel(0, a),
    "i1": lambda a: _bessel(1, a),
    "i1e": lambda a: _scaled_bessel(1, a),
    "sigmoid": lambda a: 1 / (1 + _exp(-a)),
    "softplus": lambda a: sympy.log(1 + _exp(a)),
    "relu": lambda a: sympy.Max(a, 0),
    "max": sympy.Max,
    "min": sympy.Min,
}


def to_sympy(formula: Formula) -> sympy.Expr:
    """Return the SymPy expression of a formula; decimals become exact rationals.

    Raises:
        ExpressionError: the formula has no finite real value anywhere, such as ``log(0)`` or ``1/0``, or a number in
            it is too large or too small to write out, or scaled Bessel functions are nested too deeply.
    """
    check_written_out(formula)
    _check_constants(formula)
    try:
        expression = _checked(_to_sympy(formula))
    except ExpressionError:
        raise  # it is a ValueError too, and says more
    except (ValueError, TypeError, ArithmeticError, RecursionError) as error:
        # Such as a maximum of numbers that are not real.
        raise ExpressionError(f"SymPy cannot hold the formula {to_text(formula)}: {error}") from error
    if expression.has(sympy.zoo, sympy.oo, -sympy.oo, sympy.nan, sympy.I):
        raise ExpressionError(
            f"the formula {to_text(formula)} has no finite real value; check divisions, logs and roots"
        )
    return expression


def check_written_out(formula: Formula) -> None:
    """Raise ExpressionError if the formula without ``i0e`` and ``i1e`` would be too large for SymPy."""
    if _written_out(formula) > _MAX_WRITTEN_OUT:
        raise ExpressionError(
            f"in SymPy the formula has more than {_MAX_WRITTEN_OUT} nodes, since each i0e and i1e doubles its "
            "argument; nest fewer of them or write a smaller formula"
        )


def _written_out(node: Formula) -> int:
    below = sum(_written_out(arg) for arg in node.args)
    return 5 + 2 * below if node.op in ("i0e", "i1e") else 1 + below


def _check_constants(node: Formula) -> float | None:
    """Return the value of a constant part; raise before SymPy would try to write out a number like 9**9**9."""
    if node.op == "const":
        assert isinstance(node.value, float)
        return node.value
    values = [_check_constants(arg) for arg in node.args]
    if not values or None in values:
        return None
    value = compute(node.op, *[value for value in values if value is not None])
    if value is None or abs(value) > NUMBER_MAGNITUDE:  # an underflow to 0 is left to the guards above
        raise ExpressionError(
            f"the constant {to_text(node)} is not a finite real number below {NUMBER_MAGNITUDE:g}; "
            "check divisions, logs, roots and powers"
        )
    return value


def _to_sympy(node: Formula) -> Any:
    if node.op == "y_pred":
        return y_pred
    if node.op == "y_true":
        return y_true
    if node.op == "const":
        assert isinstance(node.value, float)
        value = exact(node.value)
        return sympy.Rational(value.numerator, value.denominator)
    return _TO_SYMPY[node.op](*[_to_sympy(arg) for arg in node.args])


def parse_expression(text: str) -> sympy.Expr:
    """Read a formula over the whitelist as a SymPy expression; no text is ever evaluated.

    Raises:
        FormulaError: not a formula, or an unknown name.
        ExpressionError: it has no finite real value.
    """
    return to_sympy(parse_formula(text))


_FROM_SYMPY: dict[Any, str] = {
    getattr(sympy, name): name
    for name in FUNCTIONS
    if name not in ("i0", "i0e", "i1", "i1e", "sqrt", "square", "abs", "sigmoid", "softplus", "relu", "max", "min")
}
_FROM_SYMPY[sympy.Abs] = "abs"


def from_sympy(expression: sympy.Expr) -> Formula:
    """Return the formula of a SymPy expression, written the way a person would (``a - b``, ``a/b``, ``sqrt``).

    Raises:
        ExpressionError: the expression uses a function or symbol outside the whitelist.
    """
    if expression in (y_pred, sympy.Symbol("y_pred")):
        return Y_PRED
    if expression in (y_true, sympy.Symbol("y_true")):
        return Y_TRUE
    if expression.is_Rational:
        return _rational(expression)
    if expression.is_number and expression.is_real and not expression.has(*_FROM_SYMPY, sympy.besseli):
        return constant(_float(expression))  # Float, pi, E, sqrt(2) and their like
    if expression.is_Add:
        return _sum(expression)
    if expression.is_Mul:
        return _product(expression)
    if expression.is_Pow:
        return _from_power(expression)
    if expression.func in (sympy.Max, sympy.Min):
        name = "max" if expression.func is sympy.Max else "min"
        return reduce(lambda a, b: call(name, a, b), [from_sympy(arg) for arg in _ordered(expression)])
    if expression.func is sympy.cot:  # what SymPy makes of tan(a + pi/2)
        return call("div", constant(1.0), call("tan", from_sympy(expression.args[0])))
    if expression.func is sympy.besseli and expression.args[0] in (0, 1):
        return call(f"i{expression.args[0]}", from_sympy(expression.args[1]))
    name = _FROM_SYMPY.get(expression.func, "")
    if name:
        return call(name, from_sympy(expression.args[0]))
    raise ExpressionError(f"{expression} is outside the whitelist; allowed functions: {', '.join(sorted(FUNCTIONS))}")


def _ordered(expression: Any) -> list[Any]:
    """Return the arguments in SymPy's stable printing order; set order would differ from run to run."""
    return sorted(expression.args, key=sympy.default_sort_key)


def _float(value: Any) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ExpressionError("a number of the expression is too large for a float; the limit is about 1.8e308")
    return number


def _rational(value: Any) -> Formula:
    number = _float(value)
    if _is_decimal(value):
        return constant(number)
    if max(abs(value.p), value.q) > 2**53:  # the nearest float is nearer than a quotient of two
        return constant(number)
    return call("div", constant(float(value.p)), constant(float(value.q)))


def _is_decimal(value: Any) -> bool:
    """Return whether a rational is just what some float is written as."""
    decimal = exact(_float(value))
    return bool(decimal.numerator == value.p and decimal.denominator == value.q)


def _sum(expression: Any) -> Formula:
    terms = expression.as_ordered_terms()
    positive = [term for term in terms if not term.could_extract_minus_sign()]
    negative = [-term for term in terms if term.could_extract_minus_sign()]
    if positive:
        result = reduce(lambda a, b: call("add", a, b), [from_sympy(term) for term in positive])
    else:
        result = _negative(from_sympy(negative.pop(0)))
    return reduce(lambda a, b: call("sub", a, b), [from_sympy(term) for term in negative], result)


def _product(expression: Any) -> Formula:
    coefficient, rest = expression.as_coeff_Mul()
    if coefficient.is_negative:
        return _negative(from_sympy(-expression))
    above, below = sympy.fraction(expression, exact=True) if not coefficient.is_Float else (expression, sympy.S.One)
    if below == 1 or (coefficient.is_Rational and _is_decimal(coefficient) and below == coefficient.q):
        parts = sympy.Mul.make_args(rest)
        number = sympy.Mul(coefficient, *[part for part in parts if part.is_number])
        factors = [part for part in parts if not part.is_number]
        if number.has(*_FROM_SYMPY, sympy.besseli):  # exp(3) stays, as it cannot be written as a number exactly
            factors = [part for part in sympy.Mul.make_args(number) if part != 1] + factors
        elif number != 1:
            factors.insert(0, number)
        return reduce(lambda a, b: call("mul", a, b), [from_sympy(factor) for factor in factors])
    return call("div", from_sympy(above), from_sympy(below))


def _negative(node: Formula) -> Formula:
    """Return minus the node, with the sign on the first factor of a product, as a person writes it."""
    if node.op == "const":
        assert isinstance(node.value, float)
        return constant(-node.value)
    if node.op in ("mul", "div"):
        return call(node.op, _negative(node.args[0]), node.args[1])
    return call("neg", node)


def _from_power(expression: Any) -> Formula:
    base, exponent = expression.as_base_exp()
    if exponent == sympy.Rational(1, 2):
        return call("sqrt", from_sympy(base))
    if exponent.could_extract_minus_sign():
        return call("div", constant(1.0), from_sympy(base**-exponent))
    return call("pow", from_sympy(base), from_sympy(exponent))
