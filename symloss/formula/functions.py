"""The whitelist: every function that a formula may use. Each consumer (numpy, SymPy, torch, balls) covers all of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Function:
    """One function of the whitelist.

    Attributes:
        name: the name in formulas, and the ``op`` of its nodes.
        arity: the number of arguments.
        meaning: one line for listings and error messages.
    """

    name: str
    arity: int
    meaning: str


_CALLS = [
    Function("exp", 1, "exponential"),
    Function("log", 1, "natural logarithm"),
    Function("sqrt", 1, "square root"),
    Function("square", 1, "a*a"),
    Function("abs", 1, "absolute value"),
    Function("sign", 1, "-1, 0 or 1"),
    Function("sin", 1, "sine"),
    Function("cos", 1, "cosine"),
    Function("tan", 1, "tangent"),
    Function("sinh", 1, "hyperbolic sine"),
    Function("cosh", 1, "hyperbolic cosine"),
    Function("tanh", 1, "hyperbolic tangent"),
    Function("asinh", 1, "inverse hyperbolic sine"),
    Function("atan", 1, "inverse tangent"),
    Function("erf", 1, "error function"),
    Function("erfc", 1, "1 - erf(a)"),
    Function("i0", 1, "modified Bessel function of the first kind, order 0"),
    Function("i0e", 1, "exp(-abs(a))*i0(a)"),
    Function("i1", 1, "modified Bessel function of the first kind, order 1"),
    Function("i1e", 1, "exp(-abs(a))*i1(a)"),
    Function("sigmoid", 1, "1/(1 + exp(-a))"),
    Function("softplus", 1, "log(1 + exp(a))"),
    Function("relu", 1, "max(a, 0)"),
    Function("max", 2, "the larger of two"),
    Function("min", 2, "the smaller of two"),
]

#: Functions written by name, such as ``exp(a)``.
FUNCTIONS: dict[str, Function] = {function.name: function for function in _CALLS}

#: Functions written with operators: ``a + b``, ``a - b``, ``a * b``, ``a / b``, ``a ** b``, ``-a``.
OPERATORS: dict[str, Function] = {
    "add": Function("add", 2, "a + b"),
    "sub": Function("sub", 2, "a - b"),
    "mul": Function("mul", 2, "a * b"),
    "div": Function("div", 2, "a / b"),
    "pow": Function("pow", 2, "a ** b"),
    "neg": Function("neg", 1, "-a"),
}
