"""Programs over intervals in ball arithmetic: an enclosure of every value that a formula takes there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flint import arb, ctx

from symloss.symbolic.proofs.program import Program, Step

Ball = Any

_HULL = arb(0, 1)


def enclose(program: Program, p: Ball, q: Ball, signs: Mapping[int, int] | None = None) -> tuple[list[Ball], list[int]]:
    """Return an enclosure of each root, and the places of signs that the interval leaves undecided.

    All roots are nan where any step leaves its domain, or may do so for all that is known: what hides in a step, such
    as a pole in ``tanh(1/a)``, is not forgotten by the next. An undecided sign counts as anything in [-1, 1].

    Args:
        program: the formulas.
        p: the interval of probabilities as a ball; ``q`` is 1 - p, to its own precision.
        signs: values to assume for signs, by their places.
    """
    values, undecided = _evaluate(program, p, q, signs)
    if not all(value.is_finite() for value in values):
        return [arb.nan() for _ in program.roots], undecided
    return [values[root] for root in program.roots], undecided


def signs_at(program: Program, at: tuple[Ball, Ball], places: Sequence[int]) -> tuple[int, ...]:
    """Return the values that ``sign`` steps have at a point (p, 1 - p); one that is not known counts as 0."""
    values, _ = _evaluate(program, *at, None)
    arguments = (values[program.steps[place].args[0]] for place in places)
    return tuple(1 if value > 0 else -1 if value < 0 else 0 for value in arguments)


def _evaluate(program: Program, p: Ball, q: Ball, signs: Mapping[int, int] | None) -> tuple[list[Ball], list[int]]:
    """Return an enclosure of every step, and the undecided signs."""
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
    return values, undecided


def is_certainly_undefined(program: Program, p: Ball, q: Ball) -> bool:
    """Whether some step surely has no real value at a point, such as a logarithm of what is not positive."""
    values, _ = _evaluate(program, p, q, None)
    return any(_leaves_domain(step, [values[place] for place in step.args]) for step in program.steps)


def _leaves_domain(step: Step, args: list[Ball]) -> bool:
    if step.op == "log":
        return bool(args[0] <= 0)
    if step.op == "sqrt":
        return bool(args[0] < 0)
    if step.op == "div":
        return bool(args[1].is_zero())
    if step.op != "pow":
        return False
    base, exponent = args
    if base.is_zero():
        return bool(exponent < 0)
    broken = step.value.q != 1 if step.value is not None else not exponent.contains_integer()
    return bool(base < 0) and broken and bool(exponent.is_finite())


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


def _sin(a: Ball) -> Ball:
    plain = a.sin()
    if a.is_exact():
        return plain
    middle = a.mid()
    return _narrower(plain, middle.sin() + a.cos() * (a - middle))


def _cos(a: Ball) -> Ball:
    # flint's own error is the argument's, which is far too much where the cosine is flat.
    plain = a.cos()
    if a.is_exact():
        return plain
    middle = a.mid()
    return _narrower(plain, middle.cos() - a.sin() * (a - middle))


def _narrower(a: Ball, b: Ball) -> Ball:
    return a if a.rad() <= b.rad() else b


def bessel(order: int) -> Callable[[Ball], Ball]:
    """Return I_order, on wide balls by their ends, since it grows with |a|."""

    def apply(a: Ball) -> Ball:
        if a.rad() < _NARROW:
            return a.bessel_i(order)
        with ctx.workprec(_FEW_BITS):
            if order % 2:
                return a.lower().bessel_i(order).union(a.upper().bessel_i(order))
            return a.abs_lower().bessel_i(order).union(a.abs_upper().bessel_i(order))

    return apply


def _scaled_bessel(order: int, largest: float) -> Callable[[Ball], Ball]:
    """Return ``exp(-abs(a))*I_order(a)``, which is at most ``largest`` and falls with |a| from 5 on at the latest."""

    def on_positive(size: Ball) -> Ball:
        if size.rad() < _NARROW:
            return size.bessel_i(order, scaled=True)
        with ctx.workprec(_FEW_BITS):
            if size > 5 or order == 0:
                return size.lower().max(0).bessel_i(order, scaled=True).union(size.upper().bessel_i(order, scaled=True))
            if size.rad() < _WIDE:
                return size.bessel_i(order, scaled=True)
        return arb(0).union(arb(largest))

    def apply(a: Ball) -> Ball:
        value = on_positive(abs(a))
        if order % 2 == 0 or a > 0:
            return value
        return -value if a < 0 else value.union(-value)

    return apply


#: With an argument that is not narrow flint takes seconds at high precision, and few bits say as much.
_NARROW, _WIDE, _FEW_BITS = 2.0**-50, 1e-2, 64


UNARY: dict[str, Callable[[Ball], Ball]] = {
    "neg": lambda a: -a,
    "exp": lambda a: a.exp(),
    "log": lambda a: a.log(),
    "sqrt": lambda a: a.sqrt(),
    "square": square_of,
    "abs": abs,
    "sin": _sin,
    "cos": _cos,
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
    "i0": bessel(0),
    "i1": bessel(1),
    "i2": bessel(2),
    "i3": bessel(3),
    "i0e": _scaled_bessel(0, 1.0),
    "i1e": _scaled_bessel(1, 0.2192),
    "i2e": _scaled_bessel(2, 0.1183),
}

BINARY: dict[str, Callable[[Ball, Ball], Ball]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "max": lambda a, b: a.max(b),
    "min": lambda a, b: a.min(b),
}
