"""Programs over intervals in ball arithmetic: an enclosure of every value that a formula takes there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flint import arb

from symloss.symbolic.program import Program

Ball = Any

_HULL = arb(0, 1)


def enclose(program: Program, p: Ball, q: Ball, signs: Mapping[int, int] | None = None) -> tuple[list[Ball], list[int]]:
    """Return an enclosure of each root, and the places of signs that the interval leaves undecided.

    A root is nan where the formula leaves its domain, or may do so for all that is known. An undecided sign counts as
    anything in [-1, 1].

    Args:
        program: the formulas.
        p: the interval of probabilities as a ball; ``q`` is 1 - p, to its own precision.
        signs: values to assume for signs, by their places.
    """
    values: list[Ball] = []
    undecided: list[int] = []
    push = values.append
    for place, step in enumerate(program.steps):
        op, args = step.op, step.args
        if op == "p":
            push(p)
        elif op == "q":
            push(q)
        elif op == "const":
            push(arb(step.value))
        elif op == "pow":
            push(_power(values[args[0]], values[args[1]], step.value))
        elif op == "sign":
            value = values[args[0]]
            if signs is not None and place in signs:
                push(arb(signs[place]))
            elif value > 0:
                push(arb(1))
            elif value < 0:
                push(arb(-1))
            elif value.is_zero():
                push(value)
            else:
                undecided.append(place)
                push(_HULL)
        elif len(args) == 1:
            push(UNARY[op](values[args[0]]))
        else:
            push(BINARY[op](values[args[0]], values[args[1]]))
    return [values[root] for root in program.roots], undecided


def _power(a: Ball, b: Ball, exponent: Any) -> Ball:
    """Return a**b; where the exponent is whole, by products, since a**b takes the logarithm of a ball around 0."""
    if exponent is None:
        return a**b
    if exponent.q != 1 or abs(exponent) > 64:
        return a**b
    count = int(exponent.p)
    result, square, rest = arb(1), a, abs(count)
    while rest:
        if rest & 1:
            result = result * square
        rest >>= 1
        if rest:
            square = square_of(square)
    return 1 / result if count < 0 else result


def square_of(a: Ball) -> Ball:
    """Return a*a, never below 0: the product of two balls does not know that they are one."""
    product = a * a
    return product.nonnegative_part() if product < 0 or product.contains(0) else product


def _tanh(a: Ball) -> Ball:
    # Monotone, so the ends tell all: on a wide ball flint's own may be wider than [-1, 1].
    if a.rad() < 1e-3:
        return a.tanh()
    return a.lower().tanh().union(a.upper().tanh())


UNARY: dict[str, Callable[[Ball], Ball]] = {
    "neg": lambda a: -a,
    "exp": lambda a: a.exp(),
    "log": lambda a: a.log(),
    "sqrt": lambda a: a.sqrt(),
    "square": square_of,
    "abs": abs,
    "sin": lambda a: a.sin(),
    "cos": lambda a: a.cos(),
    "tan": lambda a: a.tan(),
    "sinh": lambda a: a.sinh(),
    "cosh": lambda a: a.cosh(),
    "tanh": _tanh,
    "asinh": lambda a: a.asinh(),
    "atan": lambda a: a.atan(),
    "erf": lambda a: a.erf(),
    "erfc": lambda a: a.erfc(),
    "sigmoid": lambda a: 1 / (1 + (-a).exp()),
    "softplus": lambda a: a.exp().log1p(),
    "relu": lambda a: a.max(0),
    "i0": lambda a: a.bessel_i(0),
    "i1": lambda a: a.bessel_i(1),
    "i2": lambda a: a.bessel_i(2),
    "i3": lambda a: a.bessel_i(3),
    "i0e": lambda a: (-abs(a)).exp() * a.bessel_i(0),
    "i1e": lambda a: (-abs(a)).exp() * a.bessel_i(1),
}

BINARY: dict[str, Callable[[Ball, Ball], Ball]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "max": lambda a, b: a.max(b),
    "min": lambda a, b: a.min(b),
}
