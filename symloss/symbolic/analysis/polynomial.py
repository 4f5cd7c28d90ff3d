"""Formulas as polynomials over opaque parts: shows that something is a number where it is one by algebra alone.

A polynomial is a sum of rational coefficients times monomials; a monomial is a product of atoms to rational powers; an
atom is p, ``exp`` of a monomial, or any other function of polynomials. So ``p*(1/p)`` is 1, ``exp(2 - p)*exp(p)`` is
``exp(2)`` and ``log(p**2) - 2*log(p)`` is 0, each for every p in (0, 1) where the parts have values. Much is not
recognised (``sin(p)**2 + cos(p)**2``); what is, is exact. SymPy would see more, and now and then not return.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from symloss.formula import Formula, exact

Atom = tuple[Any, ...]
Monomial = frozenset[tuple[Atom, Fraction]]
Polynomial = dict[Monomial, Fraction]

_P: Atom = ("p",)
_UNIT: Monomial = frozenset()
_ZERO, _ONE = Fraction(0), Fraction(1)
#: More terms than this are not written out; nor are whole powers of sums beyond this, nor numbers of more digits.
_MAX_TERMS, _MAX_POWER, _MAX_BITS = 60, 6, 4000


class _TooLarge(Exception):
    pass


def polynomial(formula: Formula) -> Polynomial | None:
    """Return a formula in ``y_pred`` as a polynomial, None where it is too large or divides by 0.

    Args:
        formula: without ``y_true``; it must have a value at every p in (0, 1).
    """
    try:
        return _polynomial(formula, {})
    except _TooLarge:
        return None


def is_constant(found: Polynomial | None) -> bool:
    """Whether it is known to be a number: the same for every p."""
    return found is not None and not any(_varies(monomial) for monomial in found)


def constant_value(found: Polynomial | None) -> Fraction | None:
    """Return its value if it is a rational number, else None."""
    if found is None or any(monomial != _UNIT for monomial in found):
        return None
    return found.get(_UNIT, _ZERO)


def _varies(key: Any) -> bool:
    """Whether p occurs anywhere in a monomial, an atom or a part of one."""
    return key == _P or (isinstance(key, frozenset | tuple) and any(_varies(part) for part in key))


def _polynomial(node: Formula, known: dict[Formula, Polynomial]) -> Polynomial:
    found = known.get(node)
    if found is None:
        found = known[node] = _convert(node, known)
        if len(found) > _MAX_TERMS:
            raise _TooLarge
        if any(max(abs(c.numerator), c.denominator).bit_length() > _MAX_BITS for c in found.values()):
            raise _TooLarge
    return found


def _convert(node: Formula, known: dict[Formula, Polynomial]) -> Polynomial:
    op = node.op
    if op == "const":
        assert isinstance(node.value, float)
        return _number(exact(node.value))
    if op == "y_pred":
        return {frozenset({(_P, _ONE)}): _ONE}
    args = [_polynomial(arg, known) for arg in node.args]
    if op in ("add", "sub"):
        return _sum(args[0], args[1], _ONE if op == "add" else -_ONE)
    if op == "neg":
        return _sum({}, args[0], -_ONE)
    if op == "mul":
        return _product(*args)
    if op == "square":
        return _product(args[0], args[0])
    if op == "div":
        return _product(args[0], _power(args[1], -_ONE))
    if op == "sqrt":
        return _power(args[0], Fraction(1, 2))
    if op == "pow" and (exponent := constant_value(args[1])) is not None:
        return _power(args[0], exponent)
    if op == "exp":
        return {_times(*((_exp_of(monomial, value) for monomial, value in args[0].items()))): _ONE}
    if op == "log":
        return _log(args[0])
    if not node.args[1:] and op in ("sin", "tan", "sinh", "tanh", "asinh", "atan", "erf", "sign") and not args[0]:
        return {}
    return _opaque(op, *args)


def _number(value: Fraction) -> Polynomial:
    return {_UNIT: value} if value else {}


def _key(value: Polynomial) -> frozenset[Any]:
    return frozenset(value.items())


def _opaque(op: str, *args: Polynomial, power: Fraction = _ONE) -> Polynomial:
    return {frozenset({((op, *map(_key, args)), power)}): _ONE}


def _sum(a: Polynomial, b: Polynomial, sign: Fraction) -> Polynomial:
    result = dict(a)
    for monomial, value in b.items():
        total = result.get(monomial, _ZERO) + sign * value
        if total:
            result[monomial] = total
        else:
            result.pop(monomial, None)
    return result


def _times(*monomials: Monomial) -> Monomial:
    powers: dict[Atom, Fraction] = {}
    for monomial in monomials:
        for atom, power in monomial:
            powers[atom] = powers.get(atom, _ZERO) + power
    return frozenset((atom, power) for atom, power in powers.items() if power)


def _product(a: Polynomial, b: Polynomial) -> Polynomial:
    if len(a) * len(b) > 4 * _MAX_TERMS:
        raise _TooLarge
    result: Polynomial = {}
    for one, value in a.items():
        for two, factor in b.items():
            result = _sum(result, {_times(one, two): value * factor}, _ONE)
    return result


def _is_positive(atom: Atom) -> bool:
    return atom == _P or atom[0] == "exp"


def _power(a: Polynomial, exponent: Fraction) -> Polynomial:
    if not a:
        if exponent <= 0:
            raise _TooLarge  # 1/0
        return {}
    whole = exponent.denominator == 1
    if len(a) == 1 and abs(exponent) <= 64:
        ((monomial, value),) = a.items()
        if (whole and (abs(exponent) <= 16 or value == 1)) or (
            value == 1 and all(_is_positive(atom) for atom, _ in monomial)
        ):
            factor = value ** int(exponent) if whole else _ONE
            return {frozenset((atom, power * exponent) for atom, power in monomial if exponent): factor}
    if whole and 0 <= exponent <= _MAX_POWER:
        result = _number(_ONE)
        for _ in range(int(exponent)):
            result = _product(result, a)
        return result
    return _opaque("sum", a, power=exponent) if whole else _opaque("root", a, _number(exponent))


def _exp_of(monomial: Monomial, value: Fraction) -> Monomial:
    """Return exp(value*monomial); the logarithm of an atom in it is undone where the power is exact."""
    if len(monomial) == 1:
        ((atom, power),) = monomial
        if power == 1 and atom == ("log", _key({frozenset({(_P, _ONE)}): _ONE})):
            return frozenset({(_P, value)})
    return frozenset({(("exp", monomial), value)})


def _log(a: Polynomial) -> Polynomial:
    if len(a) == 1:
        ((monomial, value),) = a.items()
        if value > 0 and all(_is_positive(atom) for atom, _ in monomial):
            result: Polynomial = {}
            if value != 1:
                result = _opaque("log", _number(value))
            for atom, power in monomial:
                part = _opaque("log", {frozenset({(_P, _ONE)}): _ONE}) if atom == _P else {atom[1]: _ONE}
                result = _sum(result, _product(part, _number(power)), _ONE)
            return result
    return _opaque("log", a)
