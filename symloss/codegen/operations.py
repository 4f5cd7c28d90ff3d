"""What each function of the whitelist is in torch and in exported source."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from symloss.codegen import stable


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
        torch: the callable on tensors; of two arguments one may be a number.
        source: the template of exported source; a name without ``torch.`` is a function of ``stable``.
        strength: how tightly the source binds, from 1 (sum) to 5 (a call).
        into: the same with an argument ``out``, if torch has it.
    """

    torch: Callable[..., Any]
    source: str
    strength: int = 5
    into: Callable[..., Any] | None = None


def _unary(function: Callable[..., Any]) -> Operation:
    """Return the operation of a torch function of one argument."""
    return Operation(function, f"torch.{function.__name__}({{0}})", 5, function)


#: Every function and operator that a formula may use.
OPERATIONS: dict[str, Operation] = {
    "add": Operation(operator.add, "{0} + {1}", 1, torch.add),
    "sub": Operation(operator.sub, "{0} - {1}", 1, torch.sub),
    "mul": Operation(operator.mul, "{0} * {1}", 2, torch.mul),
    "div": Operation(operator.truediv, "{0} / {1}", 2, torch.div),
    "neg": Operation(operator.neg, "-{0}", 3, torch.neg),
    "pow": Operation(stable.power, "power({0}, {1})"),
    "exp": _unary(torch.exp),
    "log": _unary(torch.log),
    "sqrt": Operation(stable.sqrt, "sqrt({0})"),
    "square": _unary(torch.square),
    "abs": _unary(torch.abs),
    "sign": _unary(torch.sign),
    "sin": _unary(torch.sin),
    "cos": _unary(torch.cos),
    "tan": _unary(torch.tan),
    "sinh": _unary(torch.sinh),
    "cosh": _unary(torch.cosh),
    "tanh": _unary(torch.tanh),
    "asinh": _unary(torch.asinh),
    "atan": _unary(torch.atan),
    "erf": _unary(torch.erf),
    "erfc": _unary(torch.erfc),
    "i0": Operation(torch.special.i0, "torch.special.i0({0})"),
    "i0e": Operation(torch.special.i0e, "torch.special.i0e({0})"),
    "i1": Operation(torch.special.i1, "torch.special.i1({0})"),
    "i1e": Operation(torch.special.i1e, "torch.special.i1e({0})"),
    "sigmoid": _unary(torch.sigmoid),
    "softplus": Operation(stable.softplus, "softplus({0})"),
    "relu": Operation(torch.relu, "torch.relu({0})"),
    "max": Operation(stable.maximum, "maximum({0}, {1})"),
    "min": Operation(stable.minimum, "minimum({0}, {1})"),
}

#: Functions that no formula names; the stable rewriting and responses introduce them.
INTERNAL: dict[str, Operation] = {
    "expm1": Operation(stable.expm1, "expm1({0})"),
    "log1p": _unary(torch.log1p),
    "rsqrt": Operation(stable.rsqrt, "rsqrt({0})"),
    "power_slope": Operation(stable.power_slope, "power_slope({0}, {1})"),
    "xlogy": Operation(stable.xlogy, "xlogy({0}, {1})"),
    "pick": Operation(stable.pick, "pick({0}, {1}, {2}, {3})"),
    "copy": Operation(stable.copy, "{0}.clone()"),
    "i1_slope": Operation(stable.i1_slope, "i1_slope({0})"),
    "i1e_slope": Operation(stable.i1e_slope, "i1e_slope({0})"),
}

ALL: dict[str, Operation] = OPERATIONS | INTERNAL
